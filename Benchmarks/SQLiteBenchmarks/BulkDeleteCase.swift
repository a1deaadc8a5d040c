//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench

/// Point reads for as long as one statement deletes 100,000 rows of another table, in one transaction.
///
/// With one connection behind a lock the reads would wait for all of it. Beside the usual numbers of tasks there is the
/// hundred that the case is named for.
struct BulkDeleteCase {
    let options: Options

    static let name = "100 parallel reads during a bulk delete"

    func run(_ peers: Peers) async throws -> [Entry] {
        guard self.options.wants(Self.name) else { return [] }
        let names = PeerName.allCases.filter { $0 != .grdbFull && self.options.peers?.contains($0) ?? true }
        var entries: [Entry] = []
        for tasks in Set(self.options.tasks + [100]).sorted() {
            var rounds: [PeerName: [Measurement]] = [:]
            for round in 0..<self.options.rounds {
                for turn in names.indices {
                    let name = names[(turn + round) % names.count]
                    rounds[name, default: []].append(try await self.round(peers[name], tasks: tasks))
                }
            }
            var entry = Entry(name: Self.name, tasks: tasks)
            for name in names {
                let found = rounds[name] ?? []
                entry.add(name, found)
                // The reads end with the delete.
                let times = found.map(\.seconds).sorted()
                if !times.isEmpty { entry.add(name, "delete_ms", times[times.count / 2] * 1e3) }
            }
            say(entry.summary)
            entries.append(entry)
        }
        return entries
    }

    private func round(_ peer: any Peer, tasks: Int) async throws -> Measurement {
        try await peer.execute(.fillOld)
        weir_bench_set_stopped(false)
        defer { weir_bench_set_stopped(false) }
        return try await withThrowingTaskGroup(of: Measurement?.self) { group in
            group.addTask { try await peer.run(.pointRead, Load(tasks: tasks, seconds: 60)) }
            group.addTask {
                defer { weir_bench_set_stopped(true) }
                try await peer.execute(.deleteOld)
                return nil
            }
            var found: Measurement?
            for try await part in group { found = found ?? part }
            guard let found, found.seconds < 60 else { throw BenchFailure("the bulk delete did not end") }
            return found
        }
    }
}
