//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

/// What the server tells of its memory and its pools.
@Suite("Diagnostics", .serialized, .timeLimit(.minutes(2)))
struct DiagnosticsTests {
    private func with(_ environment: [String: String] = [:], _ body: (ServerProcess) async throws -> Void) async throws
    {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(database: directory.file("weir.db"), environment: environment)
        try await body(server)
        #expect(try await server.stop() == 0)
    }

    private static func number(_ object: Any?, _ path: String...) -> Double? {
        var value = object
        for key in path { value = (value as? [String: Any])?[key] }
        return (value as? NSNumber)?.doubleValue
    }

    @Test("the budget given is the one in force, in the figures, the metrics and the log")
    func budget() async throws {
        try await self.with(["WEIR_DATABASE_MEMORY": "64MB", "WEIR_READERS": "4"]) { server async throws in
            let json = try await server.json("/api/diagnostics")
            let memory = json["memory"]
            #expect(Self.number(memory, "budget", "total_bytes") == Double(64 << 20))
            #expect(Self.number(memory, "budget", "reader_cache_bytes") == Double(4 << 20))
            #expect(Self.number(memory, "budget", "writer_cache_bytes") == Double(16 << 20))
            #expect(Self.number(memory, "sqlite", "soft_limit_bytes") == Double(64 << 20))
            #expect(Self.number(memory, "sqlite", "hard_limit_bytes") == Double(192 << 20))
            let used = Self.number(memory, "sqlite", "used_bytes") ?? 0
            #expect(used > 100_000 && used < Double(64 << 20))
            #expect(Self.number(memory, "resident_anonymous_bytes") ?? 0 > used)
            let metrics = try await server.get("/metrics").text
            for line in [
                "weir_sqlite_memory_limit_bytes{limit=\"soft\"} 67108864",
                "weir_sqlite_connection_memory_bytes{kind=\"cache\",pool=\"writer\"}", "weir_malloc_trims_total",
            ] {
                #expect(metrics.contains(line), "\(line)")
            }
            let start = server.output.split(separator: "\n").filter { $0.contains(" starting") }
            #expect(start.count == 1)
            for word in [
                "database_memory_bytes=67108864", "reader_cache_bytes=4194304", "heap_hard_limit_bytes=201326592",
            ] {
                #expect(start.first?.contains(word) ?? false, "\(word) in \(start)")
            }
        }
    }

    @Test("the pools, their connections, the writer and the log are told; an unknown parameter is refused")
    func pools() async throws {
        try await self.with { server async throws in
            let body = TestWebhook.job(id: 1, run: 2, status: "queued", created: 1_800_000_000)
            let port = server.port
            let answer = try await onThread {
                try HTTPClient(port: port).request(
                    "POST", "/webhook", headers: TestWebhook(event: "workflow_job", body: body).headers, body: body)
            }
            #expect(answer.status == 202)
            let json = try await server.json("/api/diagnostics")
            let pools = json["pools"] as? [[String: Any]] ?? []
            #expect(pools.compactMap { $0["name"] as? String } == ["reader", "writer"])
            #expect(pools.allSatisfy { $0["holders"] is [Any] && Self.number($0, "leases") ?? 0 > 0 })
            let connections = (json["memory"] as? [String: Any])?["connections"] as? [[String: Any]] ?? []
            #expect(Set(connections.compactMap { $0["pool"] as? String }) == ["reader", "writer"])
            #expect(connections.allSatisfy { Self.number($0, "schema_bytes") ?? 0 > 0 })
            #expect(Self.number(json["sqlite"], "commits") ?? 0 > 0)
            #expect(Self.number(json["sqlite"], "log_bytes") ?? 0 > 0)
            #expect(Self.number(json, "uptime_seconds") ?? -1 >= 0)
            #expect(try await server.get("/api/diagnostics?verbose=1").status == 400)
        }
    }
}
