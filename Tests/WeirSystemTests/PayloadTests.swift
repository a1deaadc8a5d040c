//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

/// GitHub's own payloads, posted to a running server.
@Suite("Payloads", .serialized, .timeLimit(.minutes(5)))
struct PayloadTests {
    private static let names = [
        "workflow_job.queued", "workflow_job.in_progress", "workflow_job.completed.success.with-organization",
        "workflow_job.completed.failure.with-organization", "workflow_run.requested", "workflow_run.completed",
    ]

    /// The rows that all six end in, at any source: the success wins over the failure that ended at the same second,
    /// and the run of the jobs is known by them alone.
    private static func expectedJob(_ source: String) -> NSDictionary {
        [
            "source": source, "id": 289_782_451, "run_id": 2_202_229_078, "run_attempt": 1, "name": "linters",
            "workflow": "CodeQL", "repository": "Codertocat/Hello-World", "branch": "main",
            "commit": "3484a3fb816e0859fd6e1cea078d76385ff50625", "actor": "Codertocat", "labels": ["ubuntu-latest"],
            "pool": "ubuntu-latest", "status": "completed", "conclusion": "success",
            "created_at": "2021-08-05T10:33:58Z", "started_at": "2021-08-05T10:34:58Z",
            "completed_at": "2021-08-05T10:38:16Z", "blocked_seconds": 0, "queue_seconds": 60, "run_seconds": 198,
            "estimated": false, "runner": "GitHub Actions 5", "runner_group": "GitHub Actions",
            "failed_step": NSNull(),
            "url": "https://\(source)/Codertocat/Hello-World/actions/runs/2202229078/job/289782451",
        ]
    }

    private static func expectedRun(_ source: String) -> NSDictionary {
        [
            "source": source, "id": 289_782_451, "attempt": 1, "name": "test",
            "title": "ci(action): update actions/setup-node digest to 8c91899", "repository": "octo-org/octo-repo",
            "branch": "master", "event": "repository_dispatch", "actor": "Codertocat", "status": "completed",
            "conclusion": "success", "created_at": "2020-10-05T16:33:24Z", "started_at": "2020-10-05T16:33:49Z",
            "updated_at": "2020-10-05T16:33:49Z",
            "url": "https://\(source)/octo-org/octo-repo/actions/runs/289782451",
            "jobs": ["total": 0, "blocked": 0, "queued": 0, "running": 0, "completed": 0, "failed": 0],
        ]
    }

    private static func expectedDerivedRun(_ source: String) -> NSDictionary {
        [
            "source": source, "id": 2_202_229_078, "attempt": 1, "name": "CodeQL", "title": NSNull(),
            "repository": "Codertocat/Hello-World", "branch": "main", "event": NSNull(), "actor": "Codertocat",
            "status": "completed", "conclusion": "success", "created_at": "2021-08-05T10:33:58Z",
            "started_at": "2021-08-05T10:34:58Z", "updated_at": "2021-08-05T10:38:16Z",
            "url": "https://\(source)/Codertocat/Hello-World/actions/runs/2202229078",
            "jobs": ["total": 1, "blocked": 0, "queued": 0, "running": 0, "completed": 1, "failed": 0],
        ]
    }

    private func load(_ folder: URL) throws -> [(event: String, body: Data)] {
        try Self.names.map { name in
            let body = try Data(contentsOf: folder.appending(path: "\(name).payload.json"))
            return (String(name.prefix { $0 != "." }), body)
        }
    }

    private func check(_ server: ServerProcess, source: String, _ context: String) async throws {
        let job = try await server.json("/api/jobs/289782451?source=\(source)") as NSDictionary
        #expect(job == Self.expectedJob(source), "\(context)")
        let run = try await server.json("/api/runs/289782451?source=\(source)") as NSDictionary
        #expect(run == Self.expectedRun(source), "\(context)")
        let derived = try await server.json("/api/runs/2202229078?source=\(source)") as NSDictionary
        #expect(derived == Self.expectedDerivedRun(source), "\(context)")
        let jobs = try await server.json("/api/runs/2202229078/jobs?source=\(source)")
        #expect((jobs["jobs"] as? [NSDictionary]) == [Self.expectedJob(source)], "\(context)")
    }

    @Test("the files as they are, in their order and in reverse, give the expected rows on a new server each")
    func verbatim() async throws {
        guard let folder = ServerProcess.payloads else { return try self.noteAbsence() }
        let payloads = try self.load(folder)
        for payloads in [payloads, payloads.reversed()] {
            let directory = try TemporaryDirectory()
            let server = try await ServerProcess.start(database: directory.file("weir.db"))
            let port = server.port
            try await onThread {
                let client = try HTTPClient(port: port)
                let ping = try Data(contentsOf: folder.appending(path: "ping.payload.json"))
                #expect(try TestWebhook(event: "ping", body: ping).post(client).status == 200)
                for payload in payloads {
                    let webhook = TestWebhook(event: payload.event, body: payload.body)
                    let first = try webhook.post(client)
                    #expect(first.status == 202 && first.text.contains("accepted"))
                    let again = try webhook.post(client)
                    #expect(again.status == 202 && again.text.contains("duplicate"))
                    let anew = try TestWebhook(event: payload.event, body: payload.body).post(client)
                    #expect(anew.status == 202 && anew.text.contains("accepted"))
                }
            }
            try await self.check(server, source: "github.com", "verbatim")
            #expect(try await server.stop() == 0)
        }
    }

    @Test("all 720 orders, every file twice under one id and once more under another, give the expected rows")
    func orders() async throws {
        guard let folder = ServerProcess.payloads else { return try self.noteAbsence() }
        let payloads = try self.load(folder)
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(database: directory.file("weir.db"))
        let port = server.port
        let orders = Self.permutations(Array(0..<6))
        #expect(orders.count == 720)
        try await onThread {
            let client = try HTTPClient(port: port)
            for (index, order) in orders.enumerated() {
                // Each order at a source of its own: the same numbers, other rows.
                for position in order {
                    let text = String(decoding: payloads[position].body, as: UTF8.self)
                    let body = Data(text.replacing("https://github.com/", with: "https://ghe-\(index).example/").utf8)
                    let webhook = TestWebhook(event: payloads[position].event, body: body)
                    #expect(try webhook.post(client).status == 202)
                    #expect(try webhook.post(client).status == 202)
                    #expect(try TestWebhook(event: webhook.event, body: body).post(client).status == 202)
                }
            }
        }
        for (index, order) in orders.enumerated() {
            try await self.check(server, source: "ghe-\(index).example", "order \(order)")
        }
        let summary = try await server.json("/api/summary")
        #expect(summary["running"] as? Int == 0 && summary["queued"] as? Int == 0 && summary["blocked"] as? Int == 0)
        #expect(try await server.stop() == 0)
    }

    @Test("control: without the success, the rows are others")
    func control() async throws {
        guard let folder = ServerProcess.payloads else { return try self.noteAbsence() }
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(database: directory.file("weir.db"))
        let port = server.port
        let payloads = try self.load(folder)
        try await onThread {
            let client = try HTTPClient(port: port)
            for (index, payload) in payloads.enumerated() where index != 2 {
                _ = try TestWebhook(event: payload.event, body: payload.body).post(client)
            }
        }
        let job = try await server.json("/api/jobs/289782451") as NSDictionary
        #expect(job != Self.expectedJob("github.com"))
        #expect(job["conclusion"] as? String == "failure")
        #expect(job["failed_step"] is String)
        #expect(try await server.stop() == 0)
    }

    /// The payloads lie beside the repository where the project is developed; elsewhere the project's own fixtures
    /// cover the same rules.
    private func noteAbsence() throws {
        #expect(!FileManager.default.fileExists(atPath: ServerProcess.root.path() + "/../shared/payloads"))
    }

    private static func permutations(_ items: [Int]) -> [[Int]] {
        if items.count <= 1 { return [items] }
        return items.indices.flatMap { index in
            var rest = items
            let item = rest.remove(at: index)
            return Self.permutations(rest).map { [item] + $0 }
        }
    }
}
