//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Foundation
import SQLCore
import SQLiteDriver
import TestSupport
import Testing
import WeirServer

/// The load generator and the verifier, against the real server.
@Suite("Load", .serialized, .timeLimit(.minutes(5)))
struct LoadTests {
    private func load(_ arguments: [String], _ server: ServerProcess) async throws -> (status: Int32, output: String) {
        try await ServerProcess.run(
            ["load"] + arguments + ["--url", "http://127.0.0.1:\(server.port)", "--connections", "32"],
            environment: ["WEIR_WEBHOOK_SECRET": TestWebhook.secret])
    }

    private func change(_ database: String, _ sql: SQL) async throws {
        let file = try await SQLiteDatabase.open(
            SQLiteConfiguration(path: database, applicationID: WeirServer.applicationID))
        let changed = try await file.write(Lease("test")) { try $0.execute(sql) }.value
        #expect(changed == 1)
        await file.close()
    }

    @Test("What a load was told agrees with the database, beside the server and after it; a changed row does not")
    func verified() async throws {
        let directory = try TemporaryDirectory()
        let (database, ledger) = (directory.file("weir.db"), directory.file("a.ledger"))
        let server = try await ServerProcess.start(database: database)
        let load = try await self.load(
            [
                "reorder", "--rate", "100", "--duration", "3s", "--ledger", ledger, "--results",
                directory.file("a.json"),
            ], server)
        #expect(load.status == 0, "\(load.output)")
        #expect(load.output.contains("300 × 202"), "\(load.output)")
        let verify = ["verify", "--ledger", ledger, "--database", "sqlite:\(database)"]
        let beside = try await ServerProcess.run(verify)
        #expect(beside.status == 0 && beside.output.contains("all agrees"), "\(beside.output)")
        try await server.stop()
        let after = try await ServerProcess.run(verify)
        #expect(after.status == 0, "\(after.output)")

        try await self.change(database, "UPDATE jobs SET conclusion = 7 WHERE id = (SELECT max(id) FROM jobs)")
        let changed = try await ServerProcess.run(verify)
        #expect(changed.status == 1 && changed.output.contains("conclusion is"), "\(changed.output)")
        let missing = try await ServerProcess.run(["verify", "--ledger", directory.file("none")])
        #expect(missing.status == 2, "\(missing.output)")

        let compared = try await ServerProcess.run(
            ["load", "compare", directory.file("a.json"), directory.file("a.json")])
        #expect(compared.status == 0 && compared.output.contains("202 p99.9, ms"), "\(compared.output)")
    }

    @Test("A server that is killed and comes back gets everything, and what it acknowledged is there")
    func killed() async throws {
        let directory = try TemporaryDirectory()
        let (database, ledger) = (directory.file("weir.db"), directory.file("a.ledger"))
        let first = try await ServerProcess.start(database: database)
        let port = first.port
        async let load = self.load(
            ["steady", "--rate", "100", "--duration", "4s", "--redeliver", "--ledger", ledger], first)
        // The ledger's own bytes are some hundreds; each answer adds twelve.
        let isUnderWay = try await eventually(within: .seconds(30)) {
            (try? FileManager.default.attributesOfItem(atPath: ledger)[.size] as? Int).flatMap(\.self) ?? 0 > 2_000
        }
        #expect(isUnderWay)
        first.signal(SIGKILL)
        _ = try await first.wait()
        let second = try await ServerProcess.start(database: database, port: port)
        let loaded = try await load
        #expect(loaded.status == 0, "\(loaded.output)")
        #expect(loaded.output.contains("again"), "\(loaded.output)")
        let verify = try await ServerProcess.run(["verify", "--ledger", ledger, "--database", "sqlite:\(database)"])
        #expect(verify.status == 0 && verify.output.contains(" 0 unknown"), "\(verify.output)")
        try await second.stop()
    }

    @Test("Deliveries of a file are sent as they are; what is no event is refused and not there")
    func replay() async throws {
        let directory = try TemporaryDirectory()
        let (database, ledger) = (directory.file("weir.db"), directory.file("a.ledger"))
        let file = directory.file("deliveries.jsonl")
        var lines = Data()
        for (index, status) in ["queued", "in_progress", "queued"].enumerated() {
            let body = TestWebhook.job(id: 5, run: 6, status: status, created: 1_790_000_000)
            lines += Data(#"{"event":"workflow_job","delivery":"a-\#(index)","body":"#.utf8) + body + Data("}\n".utf8)
        }
        lines += Data(#"{"event":"workflow_job","delivery":"a-3","body":{"workflow_job":{}}}"#.utf8)
        try lines.write(to: URL(filePath: file))
        let server = try await ServerProcess.start(database: database)
        let load = try await self.load(["replay", file, "--rate", "50", "--ledger", ledger], server)
        #expect(load.status == 0 && load.output.contains("3 × 202, 1 × 400"), "\(load.output)")
        let verify = try await ServerProcess.run(["verify", "--ledger", ledger, "--database", "sqlite:\(database)"])
        #expect(verify.status == 0 && verify.output.contains("1 jobs"), "\(verify.output)")
        try await server.stop()
    }

    @Test("A load that finds no server, or has no secret, says what to do")
    func refused() async throws {
        let nobody = try await ServerProcess.run(
            ["load", "steady", "--url", "http://127.0.0.1:1", "--secret", "s", "--duration", "1s"])
        #expect(nobody.status == 1 && nobody.output.contains("is weir serve running?"), "\(nobody.output)")
        let secret = try await ServerProcess.run(["load", "steady", "--duration", "1s"])
        #expect(secret.status == 1 && secret.output.contains("WEIR_WEBHOOK_SECRET"), "\(secret.output)")
    }
}
