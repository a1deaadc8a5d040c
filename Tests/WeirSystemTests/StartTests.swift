//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

/// Starting and stopping, as a newcomer and as an operator meet them.
@Suite("Start and stop", .serialized, .timeLimit(.minutes(3)))
struct StartTests {
    private func fails(
        _ arguments: [String], environment: [String: String] = [:], saying words: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let (status, output) = try await ServerProcess.run(["serve"] + arguments, environment: environment)
        #expect(status != 0, sourceLocation: sourceLocation)
        let lines = output.split(separator: "\n").filter { $0.hasPrefix("weir: ") || $0.hasPrefix("Error: ") }
        #expect(lines.count == 1, "\(output)", sourceLocation: sourceLocation)
        for word in words { #expect(output.contains(word), "\(output)", sourceLocation: sourceLocation) }
    }

    @Test("a file that is no database, a missing directory and one that cannot be written are named with the remedy")
    func databases() async throws {
        let directory = try TemporaryDirectory()
        try Data("a letter, not a database, and long enough to be told apart".utf8).write(
            to: URL(filePath: directory.file("letter.txt")))
        try await self.fails(
            ["--database", "sqlite:\(directory.file("letter.txt"))", "--port", "0"],
            saying: ["not a database", "another path"])
        try await self.fails(
            ["--database", "sqlite:\(directory.file("none/weir.db"))", "--port", "0"], saying: ["directory exists"])
        // Root may write anywhere but here.
        try await self.fails(
            ["--database", "sqlite:/proc/weir.db", "--port", "0"], saying: ["/proc/weir.db", "this user may write"])
    }

    @Test("a second server on the same file is refused, and the first goes on")
    func secondServer() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path)
        try await self.fails(
            ["--database", "sqlite:\(path)", "--port", "0"], saying: ["in use by process \(server.processID)"])
        #expect(try await server.get("/readyz").status == 200)
        #expect(try await server.stop() == 0)
    }

    @Test("a port in use is named with the remedy, and leaves nothing behind")
    func portInUse() async throws {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(database: directory.file("one.db"))
        try await self.fails(
            ["--database", "sqlite:\(directory.file("two.db"))", "--port", "\(server.port)"],
            saying: ["port \(server.port)", "in use", "--port"])
        #expect(try await server.stop() == 0)
        let second = try await ServerProcess.start(database: directory.file("two.db"))
        #expect(try await second.stop() == 0)
    }

    @Test("an unknown variable, an unreadable value and an open address are refused before anything is made")
    func configuration() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let database = ["--database", "sqlite:\(path)"]
        try await self.fails(database, environment: ["WEIR_PROT": "80"], saying: ["WEIR_PROT", "unknown"])
        try await self.fails(database, environment: ["WEIR_PORT": "eighty"], saying: ["WEIR_PORT", "eighty", "65535"])
        try await self.fails(database + ["--host", "0.0.0.0"], saying: ["--allow-anonymous"])
        try await self.fails(database + ["--config", "/nonexistent.json"], saying: ["/nonexistent.json"])
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("the first answer comes within a second of the start, and idle memory stays small")
    func quick() async throws {
        let directory = try TemporaryDirectory()
        let started = ContinuousClock.now
        let server = try await ServerProcess.start(database: directory.file("weir.db"))
        #expect(try await server.get("/healthz").status == 200)
        let elapsed = ContinuousClock.now - started
        #expect(elapsed < .seconds(5), "on a busy machine, with a debug build: \(elapsed)")
        let status = try String(contentsOfFile: "/proc/\(server.processID)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon") })
        let kilobytes = try #require(Int(line.filter(\.isNumber)))
        #expect(kilobytes < 60 << 10)
        #expect(try await server.stop() == 0)
    }

    @Test("a log that nobody reads costs lines, and holds up nobody")
    func unreadLog() async throws {
        let directory = try TemporaryDirectory()
        // What reads the log stops after the first lines, and keeps the pipe open.
        let reader = #"exec "$@" 2> >(head -c 700 >&2; exec sleep 5)"#
        let server = try await ServerProcess.start(
            database: directory.file("weir.db"), secret: nil, wrapper: ["bash", "-c", reader, "bash"])
        let slowest = try await onThread {
            let client = try HTTPClient(port: server.port)
            return try (Int64(0)..<3_000).map { number throws in
                let body = TestWebhook.job(id: number, run: 1, status: "queued", created: 1_800_000_000)
                let started = ContinuousClock.now
                // Each of them is a line of some 150 bytes; a pipe holds 64 KiB.
                #expect(try TestWebhook(event: "workflow_job", body: body).post(client).status == 503)
                return ContinuousClock.now - started
            }.max()
        }
        #expect(try #require(slowest) < .seconds(2))
        #expect(try await server.get("/healthz").status == 200)
        #expect(server.output.utf8.count <= 700)
        #expect(try await server.stop() == 0)
    }

    @Test("the threads of the database let those that read requests go first")
    func priorities() async throws {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(database: directory.file("weir.db"))
        #expect(try await server.get("/api/summary").status == 200)
        let tasks = "/proc/\(server.processID)/task"
        var niceness: [String: Set<Int>] = [:]
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
            guard let stat = try? String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8),
                let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")")
            else { continue }
            // The 19th field; the second is the name (proc(5)).
            let rest = stat[stat.index(after: close)...].split(separator: " ")
            let name = stat[stat.index(after: open)..<close].prefix { $0 != "-" }
            niceness[String(name), default: []].insert(try #require(Int(rest[16])))
        }
        #expect(niceness["writer"]?.contains(5) ?? false, "\(niceness)")
        #expect(niceness["reader"]?.contains(5) ?? false, "\(niceness)")
        #expect(niceness["NIO"] == [0], "\(niceness)")
        #expect(try await server.stop() == 0)
    }

    @Test("SIGTERM with open streams and a burst under way: all that was answered is there, and the end comes in time")
    func terminate() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path)
        let port = server.port
        let streams = try await onThread {
            try (0..<2).map { _ in
                let client = try HTTPClient(port: port)
                try client.send(HTTPClient.head("GET", "/events"))
                _ = try client.take(until: Array("event: counts".utf8))
                return client
            }
        }
        let acknowledged = try await withThrowingTaskGroup(of: [String].self) { group in
            for sender in Int64(0)..<8 {
                group.addTask {
                    try await onThread {
                        let client = try HTTPClient(port: port)
                        var ids: [String] = []
                        for job in (sender * 100_000)..<(sender * 100_000 + 50_000) {
                            let body = TestWebhook.job(id: job, run: job / 5, status: "queued", created: 1_800_000_000)
                            let webhook = TestWebhook(event: "workflow_job", body: body)
                            guard let answer = try? webhook.post(client), answer.status == 202 else { break }
                            ids.append(webhook.delivery)
                        }
                        return ids
                    }
                }
            }
            group.addTask {
                _ = try await eventually { try await server.json("/api/summary")["queued"] as? Int ?? 0 > 200 }
                server.signal(15)
                return []
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let started = ContinuousClock.now
        #expect(try await server.wait(within: .seconds(6)) == 0)
        #expect(ContinuousClock.now - started < .seconds(5))
        for stream in streams { stream.disconnect() }
        #expect((FileManager.default.contents(atPath: path + "-wal") ?? Data()).isEmpty)
        let again = try await ServerProcess.start(database: path)
        #expect(acknowledged.count > 200)
        try await onThread {
            let client = try HTTPClient(port: again.port)
            for id in acknowledged {
                #expect(try client.request("GET", "/api/deliveries/\(id)").status == 200)
            }
        }
        #expect(try await again.stop() == 0)
    }

    @Test("the demo shows running jobs by itself, needs no secret, and leaves nothing behind")
    func demo() async throws {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(
            database: directory.file("demo.db"), secret: nil, arguments: ["--demo"])
        #expect(
            try await eventually(within: .seconds(60)) {
                try await server.json("/api/summary")["running"] as? Int ?? 0 > 0
            })
        #expect((try await server.json("/api/runs")["runs"] as? [Any])?.isEmpty == false)
        #expect(try await server.stop() == 0)
        let (status, output) = try await ServerProcess.run(["version"])
        #expect(status == 0 && output.split(separator: ".").count == 3)
        let help = try await ServerProcess.run(["serve", "--help"])
        for word in ["WEIR_DATABASE", "WEIR_WEBHOOK_SECRET", "default 8080", "--demo"] {
            #expect(help.output.contains(word))
        }
    }
}
