//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench

/// Measures the SQLite layer beside GRDB and a C loop; see `Options.usage`.
@main
enum Main {
    static func main() async {
        do {
            try await self.run(Options(Array(CommandLine.arguments.dropFirst())))
        } catch {
            say("FAILED: \(error)")
            exitProcess(1)
        }
    }

    private static func run(_ options: Options) async throws {
        makeDirectories(options.directory)
        if options.isSelfCheck { return try await SelfCheck(options: options).run() }
        let rowBytes = weir_bench_row_bytes(Peers.fill("weir", options))
        let conditions = [
            "sqlite": String(cString: weir_bench_sqlite_version()), "grdb": "7.10.0", "rows": "\(options.rows)",
            "row_bytes": "\(Int(rowBytes.rounded()))", "readers": "\(options.readers)",
            "rounds": "\(options.rounds) of \(options.seconds) s",
            "durability": "weir, raw, grdb_full: FULL; grdb: NORMAL",
            "pragmas": "WAL, cache 32 MiB a reader and their sum for the writer, temp_store=FILE, mmap_size=0",
        ]
        var entries = try await Runner(options: options).run()
        guard !entries.isEmpty else { throw BenchFailure("no case has such a name") }
        for index in entries.indices { entries[index].conditions = conditions }
        if let json = options.json { try write(entries, to: json) }
    }
}
