//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSystem
import FoundationEssentials
import Synchronization
import TestSupport
import Testing

/// Senders that send nonsense, or nothing.
@Suite("Hostile senders", .serialized, .timeLimit(.minutes(5)))
struct HostileTests {
    private final class Counts: Sendable {
        private let counts = Mutex<[Int: Int]>([:])

        var all: [Int: Int] { self.counts.withLock { $0 } }

        func add(_ status: Int) { self.counts.withLock { $0[status, default: 0] += 1 } }
    }

    private static func job(_ id: Int64) -> Data {
        TestWebhook.job(
            id: id, run: id / 4, status: "in_progress", created: 1_800_000_000, started: 1_800_000_010,
            labels: ["ubuntu-latest", "größe-\(id % 9)"], runner: "runner-\(id % 50)")
    }

    /// A body that was damaged in one to four places.
    private static func mutated(_ body: Data, using generator: inout SeededGenerator) -> Data {
        var bytes = Array(body)
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(at + Int.random(in: 1...40, using: &generator), bytes.count)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.removeSubrange(at..<end)
            case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 3: bytes.removeSubrange(at...)
            case 4: bytes.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "["), count: 3_000), at: at)
            case 5: bytes.replaceSubrange(at..<end, with: "99999999999999999999999e999".utf8)
            case 6: bytes.replaceSubrange(at..<end, with: #"\ud800""#.utf8)
            default: bytes.replaceSubrange(at..<end, with: "null".utf8)
            }
        }
        return Data(bytes)
    }

    @Test(
        "10,000 damaged bodies: each is answered in words, none crashes the server, none that is refused leaves a row")
    func fuzz() async throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        print("damaged bodies: seed \(seed)")
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(database: directory.file("weir.db"))
        let port = server.port
        let counts = Counts()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in UInt64(0)..<4 {
                group.addTask {
                    try await onThread {
                        var generator = SeededGenerator(seed: seed &+ sender)
                        var client = try HTTPClient(port: port)
                        for number in Int64(0)..<2_500 {
                            let body = Self.mutated(
                                Self.job(Int64(sender) * 10_000 + number), using: &generator)
                            let webhook = TestWebhook(event: "workflow_job", body: body)
                            let answer = try webhook.post(client)
                            counts.add(answer.status)
                            #expect([202, 400, 422].contains(answer.status), "seed \(seed): \(answer.status)")
                            if answer.headers["connection"] == "close" { client = try HTTPClient(port: port) }
                            guard answer.status != 202, number % 5 == 0 else { continue }
                            let row = try client.request("GET", "/api/deliveries/\(webhook.delivery)")
                            #expect(row.status == 404, "seed \(seed): a refused delivery has a row")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let seen = counts.all
        print("answers \(seen.sorted { $0.key < $1.key })")
        // Many kinds of damage are noticed; control: what is whole is taken.
        #expect(seen[400, default: 0] > 3_000)
        try await onThread {
            let webhook = TestWebhook(event: "workflow_job", body: Self.job(1))
            let answer = try webhook.post(HTTPClient(port: port))
            #expect(answer.status == 202)
        }
        #expect(server.isRunning)
        #expect(try await server.stop() == 0)
    }

    /// So many senders that have sent half of a delivery.
    private static func halfSent(_ count: Int64, _ port: Int) async throws -> [HTTPClient] {
        try await onThread {
            try (0..<count).map { number in
                let webhook = TestWebhook(event: "workflow_job", body: Self.job(number))
                let client = try HTTPClient(port: port, timeout: 30)
                try client.send(
                    HTTPClient.head("POST", "/webhook", headers: webhook.headers, length: webhook.body.count)
                        + webhook.body.prefix(webhook.body.count / 2))
                return client
            }
        }
    }

    @Test("a thousand senders that stop half-way hold up nobody, and are cut")
    func halfWay() async throws {
        // A thousand sockets of the test's own, beside all that it has open.
        #expect(weir_raise_descriptor_limit(4_096) >= 2_048)
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(database: directory.file("weir.db"))
        let port = server.port
        let slow = try await Self.halfSent(1_000, port)
        let times = try await onThread {
            let client = try HTTPClient(port: port)
            return try (Int64(0)..<500).map { number throws in
                let started = ContinuousClock.now
                let webhook = TestWebhook(event: "workflow_job", body: Self.job(1_000_000 + number))
                #expect(try webhook.post(client).status == 202)
                return ContinuousClock.now - started
            }
        }.sorted()
        print("beside 1,000 that stopped half-way: p50 \(times[250]), p99 \(times[495])")
        #expect(times[495] < .milliseconds(500))
        // Control: they were all there.
        let open = try await server.get("/metrics").text.split(separator: "\n")
            .first { $0.hasPrefix("weir_http_connections ") }?.split(separator: " ").last.flatMap { Double($0) }
        #expect(open ?? 0 >= 1_000)
        let cut = try await onThread {
            slow.count { client in
                // An answer or the end, but not silence.
                client.receive() != nil
            }
        }
        #expect(cut == 1_000)
        #expect(try await server.stop() == 0)
    }

    @Test("while the budget is used up a delivery is refused at once, by name, and its connection serves the next")
    func full() async throws {
        #expect(weir_raise_descriptor_limit(4_096) >= 2_048)
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(
            database: directory.file("weir.db"), environment: ["WEIR_INGEST_BYTES": "32MB"])
        let port = server.port
        // Each holds its half and what a delivery takes beside it; 32 MB are used up by some 1,300 of them.
        let slow = try await Self.halfSent(1_600, port)
        let refused = TestWebhook(event: "workflow_job", body: Self.job(2_000_000))
        try await onThread {
            let client = try HTTPClient(port: port)
            for _ in 0..<2 {
                let started = ContinuousClock.now
                let answer = try refused.post(client)
                #expect(answer.status == 503 && answer.headers["retry-after"] == "5", "\(answer.status)")
                #expect(answer.headers["content-type"] == "application/problem+json")
                #expect(answer.text.contains("urn:weir:problem:full"))
                #expect(ContinuousClock.now - started < .seconds(1))
            }
            for client in slow { client.disconnect() }
            let end = ContinuousClock.now.advanced(by: .seconds(15))
            var last = 503
            while last == 503, ContinuousClock.now < end { last = try refused.post(client).status }
            #expect(last == 202)
        }
        #expect(server.output.contains("delivery refused") && server.output.contains(refused.delivery))
        #expect(try await server.get("/metrics").text.contains(#"outcome="refused""#))
        #expect(try await server.stop() == 0)
    }
}
