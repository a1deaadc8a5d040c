//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

/// The outside contract, against the real server.
@Suite("Contract", .serialized, .timeLimit(.minutes(3)))
struct ContractTests {
    private static let created: Int64 = 1_800_000_000
    private static let body = TestWebhook.job(id: 1, run: 2, status: "queued", created: Self.created)

    private func with(
        secret: String? = TestWebhook.secret, environment: [String: String] = [:],
        _ body: (ServerProcess) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(
            database: directory.file("weir.db"), secret: secret, environment: environment)
        try await body(server)
        #expect(try await server.stop() == 0)
    }

    private static func post(
        _ server: ServerProcess, _ headers: [(String, String)], _ body: Data = Self.body
    ) async throws -> HTTPAnswer {
        let port = server.port
        return try await onThread {
            try HTTPClient(port: port).request("POST", "/webhook", headers: headers, body: body)
        }
    }

    private static func replacing(_ name: String, _ value: String?) -> [(String, String)] {
        TestWebhook(event: "workflow_job", body: Self.body).headers.compactMap { header in
            header.0 == name ? value.map { (name, $0) } : header
        }
    }

    private static func signed(_ text: String, event: String = "workflow_job") -> TestWebhook {
        TestWebhook(event: event, body: Data(text.utf8))
    }

    @Test("the checks of a delivery come in their order, each with its answer, and change nothing")
    func checks() async throws {
        try await self.with { server async throws in
            let wrong = "sha256=" + String(repeating: "0", count: 64)
            var cases: [(Int, [(String, String)], Data)] = [
                (401, Self.replacing("X-Hub-Signature-256", nil), Self.body),
                (401, Self.replacing("X-Hub-Signature-256", wrong), Self.body),
                (401, Self.replacing("X-Hub-Signature-256", "sha256=zz"), Self.body),
                (400, Self.replacing("X-GitHub-Event", nil), Self.body),
                (400, Self.replacing("X-GitHub-Delivery", nil), Self.body),
                (415, Self.replacing("Content-Type", "text/plain"), Self.body),
                (200, Self.replacing("X-GitHub-Event", "ping"), Self.body),
                (200, Self.replacing("X-GitHub-Event", "push"), Self.body),
            ]
            let text = String(decoding: Self.body, as: UTF8.self)
            for (status, payload) in [
                (400, "{\"broken\":"), (400, "[]"), (400, "{}"),
                (400, text.replacing("\"id\":1,", with: "\"id\":\"x\",")),
                (422, text.replacing("\"status\":\"queued\"", with: "\"status\":\"banana\"")),
                (
                    422,
                    text.replacing(
                        "\"status\":\"queued\",\"conclusion\":null",
                        with: "\"status\":\"completed\",\"conclusion\":\"odd\"")
                ),
                (400, text.replacing("2027-01-15T08:00:00Z", with: "yesterday")),
            ] {
                let webhook = Self.signed(payload)
                cases.append((status, webhook.headers, webhook.body))
            }
            // Order: a wrong signature outweighs everything behind it; a missing event outweighs a wrong type.
            let twice = Self.replacing("X-Hub-Signature-256", wrong).filter { $0.0 != "X-GitHub-Event" }
            cases.append((401, twice, Data("{".utf8)))
            for (index, (status, headers, body)) in cases.enumerated() {
                let answer = try await Self.post(server, headers, body)
                #expect(answer.status == status, "case \(index): \(answer.text)")
                if status >= 400 {
                    #expect(answer.headers["content-type"] == "application/problem+json")
                    #expect(!answer.text.contains(TestWebhook.secret))
                }
            }
            #expect(try await Self.post(server, Self.replacing("X-GitHub-Event", "push")).text.contains("ignored"))
            #expect((try await server.json("/api/runs")["runs"] as? [Any])?.isEmpty == true)
            let accepted = try await Self.post(server, TestWebhook(event: "workflow_job", body: Self.body).headers)
            #expect(accepted.status == 202 && accepted.text.contains("accepted"))
        }
    }

    @Test("a form's payload gives the same row as JSON; its signature covers the form")
    func form() async throws {
        try await self.with { server async throws in
            let escaped = Self.body.map { byte in
                let character = Character(UnicodeScalar(byte))
                if character.isASCII, character.isLetter || character.isNumber { return String(character) }
                return character == " " ? "+" : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
            let form = TestWebhook(event: "workflow_job", body: Data("payload=\(escaped)".utf8))
            let headers = form.headers.map { $0.0 == "Content-Type" ? ($0.0, "application/x-www-form-urlencoded") : $0 }
            #expect(try await Self.post(server, headers, form.body).status == 202)
            #expect(try await server.json("/api/jobs/1")["status"] as? String == "queued")
        }
    }

    @Test("without a secret deliveries are refused; several secrets are valid at once")
    func secrets() async throws {
        try await self.with(secret: nil) { server async throws in
            let answer = try await Self.post(server, TestWebhook(event: "workflow_job", body: Self.body).headers)
            #expect(answer.status == 503 && answer.headers["retry-after"] != nil)
        }
        try await self.with(secret: "old,new") { server async throws in
            for (secret, status) in [("old", 202), ("new", 202), ("other", 401)] {
                let headers = Self.replacing(
                    "X-Hub-Signature-256", TestWebhook.signature(Self.body, secret: secret))
                #expect(try await Self.post(server, headers).status == status)
            }
        }
    }

    @Test("25 MiB and one byte are refused, with a length and without")
    func size() async throws {
        try await self.with { server async throws in
            let body = Data(repeating: 0x20, count: (25 << 20) + 1)
            let headers = Self.replacing("X-Hub-Signature-256", TestWebhook.signature(body))
            let port = server.port
            let declared = try await onThread {
                let client = try HTTPClient(port: port)
                try client.send(HTTPClient.head("POST", "/webhook", headers: headers, length: body.count))
                return try client.answer()
            }
            #expect(declared.status == 413 && declared.headers["connection"] == "close")
            let chunked = try await onThread {
                let client = try HTTPClient(port: port)
                try client.send(
                    HTTPClient.head("POST", "/webhook", headers: headers + [("Transfer-Encoding", "chunked")]))
                let chunk = Array("100000\r\n".utf8) + [UInt8](repeating: 0x20, count: 1 << 20) + Array("\r\n".utf8)
                // The server may cut the connection as soon as it has answered.
                for _ in 0..<26 { do { try client.send(chunk) } catch { break } }
                return try client.answer()
            }
            #expect(chunked.status == 413)
            #expect(try await server.get("/healthz").status == 200)
        }
    }

    @Test("a status that goes backwards changes nothing, and a delivery sent twice says so")
    func backwards() async throws {
        try await self.with { server async throws in
            let done = TestWebhook.job(
                id: 1, run: 2, status: "completed", conclusion: "success", created: Self.created,
                started: Self.created + 1, completed: Self.created + 2, runner: "r")
            let webhook = TestWebhook(event: "workflow_job", body: done)
            #expect(try await Self.post(server, webhook.headers, done).text.contains("accepted"))
            #expect(try await Self.post(server, webhook.headers, done).text.contains("duplicate"))
            #expect(
                try await Self.post(server, TestWebhook(event: "workflow_job", body: Self.body).headers).status == 202)
            #expect(try await server.json("/api/jobs/1")["conclusion"] as? String == "success")
            let delivery = try await server.json("/api/deliveries/\(webhook.delivery)")
            #expect(delivery["outcome"] as? String == "applied" && delivery["job_id"] as? Int == 1)
        }
    }

    @Test(
        "what the read API cannot read is named, and nothing else is answered",
        arguments: [
            ("/api/runs?colour=red", 400, "colour"), ("/api/runs?limit=0", 400, "1 to 200"),
            ("/api/runs?limit=201", 400, "1 to 200"), ("/api/runs?status=banana", 400, "in_progress"),
            ("/api/runs?conclusion=odd", 400, "timed_out"), ("/api/runs?cursor=x", 400, "next_cursor"),
            ("/api/runs?limit=1&limit=2", 400, "twice"), ("/api/summary?period=year", 400, "month"),
            ("/api/summary?timeout=soon", 400, "500ms"), ("/api/runs/abc", 400, "whole number"),
            ("/api/runs/99", 404, "99"), ("/api/runs/99/jobs", 404, "99"), ("/api/jobs/99", 404, "99"),
            ("/api/deliveries/99", 404, "delivery"), ("/api/demand?from=tomorrow", 400, "RFC 3339"),
            ("/api/demand?from=now&to=now-1h", 400, "before"), ("/api/demand?period=day&from=now-1h", 400, "either"),
            ("/events?x=1", 400, "x"), ("/nowhere", 404, "address"), ("/assets/nothing.js", 404, "file"),
        ])
    func readErrors(_ path: String, _ status: Int, _ word: String) async throws {
        try await self.with { server async throws in
            let answer = try await server.get(path)
            #expect(answer.status == status)
            #expect(answer.headers["content-type"] == "application/problem+json")
            #expect(answer.text.contains(word), "\(answer.text)")
        }
    }

    @Test("every endpoint answers on an empty board, with its headers")
    func empty() async throws {
        try await self.with { server async throws in
            let summary = try await server.json("/api/summary")
            #expect(
                Set(summary.keys) == [
                    "running", "queued", "blocked", "peak", "average_queue_seconds", "average_run_seconds", "at",
                ])
            #expect(summary["average_queue_seconds"] is NSNull)
            for path in [
                "/api/runs", "/api/repositories", "/api/demand", "/api/demand?period=month",
                "/api/demand?from=2026-01-01T00:00:00%2B02:00&to=2026-02-01T00:00:00Z",
                "/api/demand?pool=none&period=day",
            ] {
                let json = try await server.json(path)
                #expect(json["next_cursor"] is NSNull, "\(path)")
            }
            for path in ["/", "/assets/app.js", "/assets/style.css", "/healthz", "/readyz", "/metrics", "/api/summary"]
            {
                let answer = try await server.get(path)
                #expect(answer.status == 200, "\(path)")
                #expect(answer.headers["content-security-policy"]?.contains("default-src 'none'") == true)
                #expect(answer.headers["content-security-policy"]?.contains("unsafe") == false)
                #expect(answer.headers["x-content-type-options"] == "nosniff")
                #expect(answer.headers["x-frame-options"] == "DENY")
            }
            let page = try await server.get("/")
            let tag = try #require(page.headers["etag"])
            #expect(try await server.get("/", headers: [("If-None-Match", tag)]).status == 304)
        }
    }

    @Test("another host's name is answered 421, another site's write is refused")
    func whoMayCall() async throws {
        try await self.with { server async throws in
            for (host, status) in [
                ("localhost", 200), ("127.0.0.1:8080", 200), ("[::1]:9", 200), ("127.1.2.3", 200),
                ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421),
                ("192.168.1.2", 421),
            ] {
                #expect(try await server.get("/api/summary", headers: [("Host", host)]).status == status, "\(host)")
                #expect(try await server.get("/", headers: [("Host", host)]).status == status, "\(host)")
            }
            let webhook = TestWebhook(event: "workflow_job", body: Self.body)
            for (headers, status) in [
                ([("Host", "ci.example.org")], 202), ([("Origin", "https://evil.example")], 403),
                ([("Origin", "null")], 403), ([("Sec-Fetch-Site", "cross-site")], 403),
                ([("Origin", "http://localhost")], 202),
            ] {
                #expect(try await Self.post(server, webhook.headers + headers).status == status, "\(headers)")
            }
        }
        try await self.with(environment: ["WEIR_PUBLIC_URL": "https://ci.example.org/board"]) { server async throws in
            #expect(try await server.get("/", headers: [("Host", "ci.example.org")]).status == 200)
            #expect(try await server.get("/", headers: [("Host", "evil.example")]).status == 421)
        }
    }

    @Test("500 jobs that overlap for five seconds, posted shuffled: the peak is exactly 500")
    func peak() async throws {
        try await self.with { server async throws in
            let base = Int64(Date.now.timeIntervalSince1970) - 600
            var webhooks: [TestWebhook] = []
            for job in Int64(1)...500 {
                let (created, started, completed) = (base + job % 60, base + 60 + job % 60, base + 125 + job % 60)
                for body in [
                    TestWebhook.job(id: job, run: job / 9, status: "queued", created: created),
                    TestWebhook.job(
                        id: job, run: job / 9, status: "in_progress", created: created, started: started, runner: "r"),
                    TestWebhook.job(
                        id: job, run: job / 9, status: "completed", conclusion: "success", created: created,
                        started: started, completed: completed, runner: "r"),
                ] {
                    webhooks.append(TestWebhook(event: "workflow_job", body: body))
                }
            }
            var generator = SeededGenerator(seed: 3)
            webhooks.shuffle(using: &generator)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<8 {
                    group.addTask { [webhooks] in
                        try await onThread {
                            let client = try HTTPClient(port: server.port)
                            for index in stride(from: sender, to: webhooks.count, by: 8) {
                                let answer = try webhooks[index].post(client)
                                if answer.status != 202 { Issue.record("\(answer.text)") }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            for period in ["hour", "day"] {
                #expect(try await server.json("/api/summary?period=\(period)")["peak"] as? Int == 500)
                #expect(try await server.json("/api/demand?period=\(period)")["peak"] as? Int == 500)
            }
            let summary = try await server.json("/api/summary")
            #expect(summary["running"] as? Int == 0 && summary["queued"] as? Int == 0)
        }
    }

    @Test("counters tell what became of deliveries, and metrics are readable")
    func metrics() async throws {
        try await self.with { server async throws in
            let webhook = TestWebhook(event: "workflow_job", body: Self.body)
            for _ in 0..<3 { _ = try await Self.post(server, webhook.headers) }
            _ = try await Self.post(server, Self.replacing("X-Hub-Signature-256", nil))
            let text = try await server.get("/metrics").text
            for line in [
                "weir_deliveries_total{event=\"workflow_job\",outcome=\"accepted\"} 1",
                "weir_deliveries_total{event=\"workflow_job\",outcome=\"duplicate\"} 2",
                "weir_deliveries_total{event=\"workflow_job\",outcome=\"rejected\"} 1",
                "db_client_connection_max{db_client_connection_pool_name=\"writer\"} 1",
            ] {
                #expect(text.contains(line), "\(line)")
            }
        }
    }
}
