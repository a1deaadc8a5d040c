//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

/// What slow, absent and greedy clients can do to the real server: nothing for long.
@Suite("Connections", .serialized, .timeLimit(.minutes(3)))
struct ConnectionTests {
    private func with(
        arguments: [String] = [], _ body: (ServerProcess, _ database: String) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path, arguments: arguments)
        try await body(server, path)
        #expect(try await server.stop() == 0)
    }

    private func metric(_ server: ServerProcess, _ name: String) async throws -> Double? {
        try await server.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            .flatMap { Double($0.split(separator: " ")[1]) }
    }

    @Test("a request that comes a byte at a time is cut ten seconds after its head")
    func slowBody() async throws {
        try await self.with { server, _ async throws in
            let elapsed = try await onThread {
                let client = try HTTPClient(port: server.port, timeout: 1)
                let started = ContinuousClock.now
                try client.send(HTTPClient.head("POST", "/webhook", length: 1_000))
                while ContinuousClock.now - started < .seconds(30) {
                    do { try client.send([0x20]) } catch { break }
                    // A second passes in here, or the server closes.
                    if let bytes = client.receive(), bytes.isEmpty { break }
                }
                return ContinuousClock.now - started
            }
            #expect(elapsed > .seconds(8) && elapsed < .seconds(15), "\(elapsed)")
            #expect(try await server.get("/healthz").status == 200)
        }
    }

    @Test("after an early 413 the connection is cut, however much the client goes on to send")
    func earlyRefusal() async throws {
        try await self.with { server, _ async throws in
            let (status, elapsed) = try await onThread {
                let client = try HTTPClient(port: server.port, timeout: 5)
                try client.send(HTTPClient.head("POST", "/webhook", length: 1 << 30))
                let answer = try client.answer()
                let started = ContinuousClock.now
                let chunk = [UInt8](repeating: 0x20, count: 64 << 10)
                while ContinuousClock.now - started < .seconds(20) {
                    do { try client.send(chunk) } catch { break }
                }
                return (answer.status, ContinuousClock.now - started)
            }
            #expect(status == 413)
            #expect(elapsed < .seconds(10), "\(elapsed)")
        }
    }

    private static func request(_ webhook: TestWebhook, _ more: [(String, String)] = []) -> [UInt8] {
        HTTPClient.head("POST", "/webhook", headers: webhook.headers + more, length: webhook.body.count)
            + Array(webhook.body)
    }

    private static func job(_ id: Int64) -> TestWebhook {
        TestWebhook(
            event: "workflow_job", body: TestWebhook.job(id: id, run: id, status: "queued", created: 1_800_000_000))
    }

    @Test("requests sent ahead are answered in their order, deliveries between queries and refused ones between both")
    func pipelining() async throws {
        try await self.with { server, _ async throws in
            let deliveries = (Int64(1)...40).map(Self.job)
            var unsigned = Self.job(100)
            unsigned.event = ""
            let bad = unsigned
            try await onThread {
                let client = try HTTPClient(port: server.port)
                var bytes: [UInt8] = []
                for delivery in deliveries {
                    bytes += Self.request(delivery) + HTTPClient.head("GET", "/api/deliveries/\(delivery.delivery)")
                    bytes += Self.request(bad)
                }
                try client.send(bytes)
                for delivery in deliveries {
                    let taken = try client.answer()
                    #expect(taken.status == 202 && taken.text.contains(delivery.delivery))
                    #expect(taken.headers["date"]?.hasSuffix(" GMT") ?? false)
                    // The query was sent before the delivery was committed, and sees it all the same.
                    let found = try client.answer()
                    #expect(found.status == 200 && found.text.contains(delivery.delivery))
                    #expect(try client.answer().status == 400)
                }
                #expect(try client.request("GET", "/healthz").status == 200)
            }
        }
    }

    @Test("a sender that says it will send no more, or wants the connection closed, is answered first")
    func lastRequest() async throws {
        try await self.with { server, _ async throws in
            try await onThread {
                for number in Int64(1)...50 {
                    let client = try HTTPClient(port: server.port)
                    let delivery = Self.job(number)
                    let closes = number.isMultiple(of: 2)
                    try client.send(Self.request(delivery, closes ? [("Connection", "close")] : []))
                    if !closes { client.finishSending() }
                    let answer = try client.answer()
                    #expect(answer.status == 202 && answer.text.contains(delivery.delivery))
                    #expect(answer.headers["connection"] == (closes ? "close" : nil))
                    // The server ends the connection.
                    #expect(client.receive()?.isEmpty ?? false)
                }
            }
        }
    }

    @Test("a client that stops reading a stream is cut, and others are not held up by it")
    func stoppedReader() async throws {
        try await self.with { server, _ async throws in
            let stopped = try await onThread {
                let client = try HTTPClient(port: server.port)
                client.limitReceiveBuffer(bytes: 2_048)
                // Many answers at once, none of them read: more than the socket's buffers hold.
                let request = HTTPClient.head("GET", "/assets/demand-chart.js")
                for _ in 0..<2_000 { do { try client.send(request) } catch { break } }
                return client
            }
            #expect(try await server.get("/healthz").status == 200)
            let isCut = try await eventually(within: .seconds(40)) {
                try await self.metric(server, "weir_http_connections") == 1
            }
            #expect(isCut)
            stopped.disconnect()
        }
    }

    @Test("a query ends when its client leaves")
    func leavingClient() async throws {
        // A query of minutes is allowed, and the only reader is held by it.
        try await self.with(arguments: ["--readers", "1", "--query-timeout", "5m", "--acquire-timeout", "1m"]) {
            server, path async throws in
            try await SlowDatabase.fill(server, jobs: 3_000)
            let slow = "/api/demand?repository=acme/api&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z"
            let clients = try await onThread {
                try (0..<40).map { _ in
                    let client = try HTTPClient(port: server.port)
                    try client.send(HTTPClient.head("GET", slow))
                    return client
                }
            }
            for client in clients { client.disconnect() }
            let isFree = try await eventually(within: .seconds(10)) {
                try await self.metric(
                    server, "db_client_connection_pending_requests{db_client_connection_pool_name=\"reader\"}") == 0
            }
            #expect(isFree)
            #expect(try await server.get("/api/summary").status == 200)
            let leases = try await self.metric(
                server, "weir_pool_leases_total{db_client_connection_pool_name=\"reader\"}")
            // Most of the 40 never ran: they left while they waited, and all would have had the time.
            #expect((leases ?? 100) < 40)
        }
    }

    @Test("a hundred open streams all see a change, and are counted down when they go")
    func manyStreams() async throws {
        try await self.with { server, _ async throws in
            let clients = try await onThread {
                try (0..<100).map { _ in
                    let client = try HTTPClient(port: server.port)
                    try client.send(HTTPClient.head("GET", "/events"))
                    _ = try client.take(until: Array("event: ingest".utf8))
                    return client
                }
            }
            #expect(try await self.metric(server, "weir_live_subscribers") == 100)
            let body = TestWebhook.job(id: 1, run: 2, status: "queued", created: 1_800_000_000)
            let webhook = TestWebhook(event: "workflow_job", body: body)
            let posted = ContinuousClock.now
            try await onThread {
                #expect(try webhook.post(HTTPClient(port: server.port)).status == 202)
                for client in clients { _ = try client.take(until: Array("\"queued\":1".utf8)) }
            }
            #expect(ContinuousClock.now - posted < .seconds(5))
            for client in clients { client.disconnect() }
            #expect(
                try await eventually(within: .seconds(20)) {
                    try await self.metric(server, "weir_live_subscribers") == 0
                })
        }
    }
}

/// Rows enough to make a query last.
enum SlowDatabase {
    static func fill(_ server: ServerProcess, jobs: Int64) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in Int64(0)..<8 {
                group.addTask {
                    try await onThread {
                        let client = try HTTPClient(port: server.port)
                        for job in stride(from: sender, to: jobs, by: 8) {
                            let body = TestWebhook.job(
                                id: job, run: job, status: "completed", conclusion: "success",
                                created: 1_700_000_000 + job, started: 1_700_000_001 + job,
                                completed: 1_700_000_100 + job, runner: "r")
                            _ = try TestWebhook(event: "workflow_job", body: body).post(client)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
