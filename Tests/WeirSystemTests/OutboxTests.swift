//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CWeirSQLite
import Foundation
import Synchronization
import TestSupport
import Testing

/// Another process's connection to the server's database.
private final class Stranger: @unchecked Sendable {
    // Used by one thread at a time.
    private let connection: OpaquePointer

    init(_ path: String) throws {
        var connection: OpaquePointer?
        guard sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK, let connection else {
            throw HTTPClientError(description: "\(path) cannot be opened")
        }
        self.connection = connection
        sqlite3_busy_timeout(connection, 10_000)
        // Only the server's writer may.
        try self.execute("PRAGMA wal_autocheckpoint=0")
    }

    deinit { sqlite3_close(self.connection) }

    func execute(_ sql: String) throws {
        guard sqlite3_exec(self.connection, sql, nil, nil, nil) == SQLITE_OK else {
            throw HTTPClientError(description: "\(sql): \(String(cString: sqlite3_errmsg(self.connection)))")
        }
    }
}

/// Answers to deliveries, with the time each took.
private final class Answers: Sendable {
    struct Entry: Sendable {
        let webhook: TestWebhook
        let status: Int
        let took: Duration
    }

    private let entries = Mutex<[Entry]>([])

    var all: [Entry] { self.entries.withLock { $0 } }

    /// Sends jobs one after the other until told to stop; every delivery is of a job of its own.
    func send(_ port: Int, first: Int64, until isOver: @escaping @Sendable (Int64) -> Bool) throws {
        let client = try HTTPClient(port: port)
        var job = first
        while !isOver(job - first) {
            let webhook = TestWebhook(
                event: "workflow_job",
                body: TestWebhook.job(id: job, run: job / 4, status: "queued", created: 1_800_000_000 + job % 600))
            let started = ContinuousClock.now
            let answer = try webhook.post(client)
            let entry = Entry(webhook: webhook, status: answer.status, took: .now - started)
            self.entries.withLock { $0.append(entry) }
            job += 1
        }
    }
}

/// What the database cannot take is kept until it can.
@Suite("Outbox", .serialized, .timeLimit(.minutes(5)))
struct OutboxTests {
    private static func outboxCount(_ server: ServerProcess) async throws -> Int {
        let ingest = try await server.json("/api/diagnostics")["ingest"] as? [String: Any]
        return ingest?["outbox_deliveries"] as? Int ?? -1
    }

    /// Waits until the outbox is empty.
    private static func drained(_ server: ServerProcess, within limit: Duration = .seconds(30)) async throws -> Bool {
        let end = ContinuousClock.now.advanced(by: limit)
        while ContinuousClock.now < end {
            if try await Self.outboxCount(server) == 0 { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    /// The acknowledged deliveries that are not in the database.
    private static func missing(_ port: Int, _ entries: [Answers.Entry]) async throws -> [String] {
        try await onThread {
            let client = try HTTPClient(port: port)
            return try entries.filter { $0.status == 202 }.map(\.webhook.delivery)
                .filter { !(try client.request("GET", "/api/deliveries/\($0)").text.contains(#""outcome":"applied""#)) }
        }
    }

    @Test("while another process holds the write lock every delivery is acknowledged in time, and applied afterwards")
    func lockedOut() async throws {
        let seconds = ProcessInfo.processInfo.environment["WEIR_LOCKOUT_SECONDS"].flatMap(Int.init) ?? 4
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path)
        let answers = Answers()
        let stranger = try Stranger(path)
        try stranger.execute("BEGIN IMMEDIATE")
        let end = ContinuousClock.now.advanced(by: .seconds(seconds))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in Int64(0)..<4 {
                group.addTask {
                    try await onThread {
                        try answers.send(server.port, first: 1 + sender * 1_000_000) { _ in ContinuousClock.now >= end }
                    }
                }
            }
            try await group.waitForAll()
        }
        let all = answers.all
        // Control: the database has taken nothing meanwhile.
        let first = try #require(all.first).webhook.delivery
        #expect(try await server.json("/api/deliveries/\(first)")["outcome"] as? String == "kept")
        #expect(try await server.get("/api/deliveries?outcome=kept&limit=3").text.contains(#""next_cursor":""#))
        #expect(try await server.json("/api/summary")["queued"] as? Int == 0)
        let times = all.map(\.took).sorted()
        let p99 = times[times.count * 99 / 100]
        print("\(all.count) deliveries in \(seconds) s of a foreign lock: p99 \(p99), longest \(times.last ?? .zero)")
        #expect(all.allSatisfy { $0.status == 202 })
        #expect(all.count > 200)
        #expect(p99 < .seconds(2))
        try stranger.execute("ROLLBACK")
        #expect(try await Self.drained(server))
        #expect(try await Self.missing(server.port, all).isEmpty)
        #expect(try await server.stop() == 0)
    }

    @Test("what is in the outbox survives a SIGKILL, and is applied by the next server")
    func killed() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path)
        let stranger = try Stranger(path)
        try stranger.execute("BEGIN IMMEDIATE")
        let answers = Answers()
        let port = server.port
        try await onThread { try answers.send(port, first: 1) { $0 == 200 } }
        #expect(try await Self.outboxCount(server) > 150)
        server.signal(SIGKILL)
        _ = try await server.wait()
        try stranger.execute("ROLLBACK")
        // Who looks or copies meanwhile is told what is not in the database yet.
        let doctor = try await ServerProcess.run(["doctor", "--database", path])
        #expect(doctor.status >= 1 && doctor.output.contains("acknowledged deliveries wait in \(path).outbox"))
        let copy = directory.file("copy.db")
        let backup = try await ServerProcess.run(["backup", copy, "--database", path])
        #expect(backup.status == 0 && backup.output.contains("wait in \(path).outbox and are not in this copy"))
        let next = try await ServerProcess.start(database: path)
        #expect(next.output.contains("deliveries are in the outbox and will be applied"))
        #expect(try await Self.drained(next))
        #expect(answers.all.count == 200)
        #expect(try await Self.missing(next.port, answers.all).isEmpty)
        // Control: once they are applied nothing is said.
        let well = try await ServerProcess.run(["doctor", "--database", path])
        #expect(well.output.contains("nothing waits in it") && well.output.contains("there are none"))
        let second = try await ServerProcess.run(["backup", "--overwrite", copy, "--database", path])
        #expect(second.status == 0 && !second.output.contains("wait in"))
        #expect(try await next.stop() == 0)
    }

    private static let trigger = """
        CREATE TRIGGER refuse BEFORE INSERT ON jobs WHEN NEW.id = 13 BEGIN
            SELECT RAISE(ABORT, 'refused by the test');
        END
        """

    /// A job among others that the database refuses.
    private static func sendPoison(_ server: ServerProcess) async throws -> (poison: TestWebhook, others: Answers) {
        let others = Answers()
        let poison = TestWebhook(
            event: "workflow_job",
            body: TestWebhook.job(id: 13, run: 3, status: "queued", created: 1_800_000_000))
        let port = server.port
        try await onThread {
            #expect(try poison.post(HTTPClient(port: port)).status == 202)
            try others.send(port, first: 100) { $0 == 50 }
        }
        return (poison, others)
    }

    private static func attempts(_ server: ServerProcess) -> Int {
        server.output.split(separator: "\n").count { $0.contains("a delivery cannot be applied") }
    }

    @Test("a delivery that fails three times and is then healed is applied; it holds up no other")
    func healed() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path)
        let stranger = try Stranger(path)
        try stranger.execute(Self.trigger)
        let (poison, others) = try await Self.sendPoison(server)
        #expect(try await eventually(within: .seconds(20)) { Self.attempts(server) >= 3 })
        #expect(others.all.allSatisfy { $0.status == 202 && $0.took < .seconds(2) })
        #expect(try await server.get("/api/jobs/13").status == 404)
        try stranger.execute("DROP TRIGGER refuse")
        #expect(try await Self.drained(server))
        #expect(try await server.get("/api/deliveries/\(poison.delivery)").status == 200)
        #expect(try await server.get("/api/jobs/13").status == 200)
        #expect(try await Self.missing(server.port, others.all).isEmpty)
        #expect(try await server.get("/api/dead-letters").text.contains(#""dead_letters":[]"#))
        #expect(try await server.stop() == 0)
    }

    @Test(
        "what can never be applied becomes a dead letter, to be shown, tried again and deleted, here and from a shell")
    func deadLetter() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path)
        let stranger = try Stranger(path)
        try stranger.execute(Self.trigger)
        let (poison, _) = try await Self.sendPoison(server)
        // Ten tries, with pauses that add up to some ten seconds.
        #expect(try await Self.drained(server, within: .seconds(60)))
        let letter = try await server.json("/api/dead-letters/\(poison.delivery)")
        #expect((letter["reason"] as? String)?.contains("refused by the test") ?? false)
        #expect((letter["body"] as? String).map { Data($0.utf8) } == poison.body)
        #expect(try await server.json("/api/deliveries/\(poison.delivery)")["outcome"] as? String == "dead")
        #expect(try await server.get("/api/deliveries?outcome=dead").text.contains(poison.delivery))
        let doctor = try await ServerProcess.run(["doctor", "--database", path])
        #expect(doctor.output.contains("deliveries that could not be applied: 1"))
        let list = try await ServerProcess.run(["dead-letters", "list", "--database", path])
        #expect(list.status == 0 && list.output.contains(poison.delivery))
        // Another site may not touch it.
        let address = "/api/dead-letters/\(poison.delivery)"
        let port = server.port
        try await onThread {
            let client = try HTTPClient(port: port)
            let foreign = [("Origin", "https://elsewhere.example")]
            #expect(try client.request("DELETE", address, headers: foreign).status == 403)
        }
        // Tried again without being mended it comes back.
        let again = try await ServerProcess.run(["dead-letters", "retry", poison.delivery, "--database", path])
        #expect(again.status == 0 && again.output.contains("1 delivery is back in the outbox"))
        #expect(try await eventually(within: .seconds(60)) { Self.attempts(server) >= 12 })
        try stranger.execute("DROP TRIGGER refuse")
        #expect(try await Self.drained(server, within: .seconds(60)))
        #expect(try await server.get("/api/jobs/13").status == 200)
        #expect(try await server.get(address).status == 404)
        let none = try await ServerProcess.run(["dead-letters", "delete", poison.delivery, "--database", path])
        #expect(none.status == 1 && none.output.contains("there is no dead letter"))
        #expect(try await server.stop() == 0)
        // The same without a server.
        let alone = try await ServerProcess.run(["dead-letters", "--database", path])
        #expect(alone.status == 0 && alone.output == "there are no dead letters\n")
    }

    @Test("a damaged outbox is put aside and named, and the server starts and takes deliveries")
    func damaged() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let first = try await ServerProcess.start(database: path)
        let stranger = try Stranger(path)
        try stranger.execute("BEGIN IMMEDIATE")
        let answers = Answers()
        let port = first.port
        try await onThread { try answers.send(port, first: 1) { $0 == 100 } }
        // In order, so that what is kept is in the file and not in its log.
        #expect(try await first.stop() == 0)
        try stranger.execute("ROLLBACK")
        let outbox = URL(filePath: path + ".outbox")
        // A page in the middle, behind what the log holds; and then the file as a whole.
        for round in 0..<2 {
            try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix("outbox-wal") }
                .forEach { try FileManager.default.removeItem(atPath: directory.file($0)) }
            var bytes = try Data(contentsOf: outbox)
            let range = round == 0 ? bytes.count / 2..<bytes.count : 0..<bytes.count
            bytes.replaceSubrange(range, with: Data(repeating: 0xa5, count: range.count))
            try bytes.write(to: outbox)
            let server = try await ServerProcess.start(database: path)
            #expect(server.output.contains("the outbox was damaged and is put aside"))
            let aside = try FileManager.default.contentsOfDirectory(atPath: directory.path)
                .filter { $0.contains(".damaged-") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }
            #expect(aside.count == round + 1)
            #expect(aside.contains { server.output.contains($0) })
            let port = server.port
            try await onThread {
                let webhook = TestWebhook(
                    event: "workflow_job",
                    body: TestWebhook.job(id: 7, run: 1, status: "queued", created: 1_800_000_000))
                let answer = try webhook.post(HTTPClient(port: port))
                #expect(answer.status == 202)
            }
            #expect(try await server.stop() == 0)
            // Names by the second.
            if round == 0 { try await Task.sleep(for: .milliseconds(1_100)) }
        }
    }

    @Test("an outbox that its owner empties while no server runs is left as it is: nothing is put aside")
    func sound() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        for _ in 0..<2 {
            let server = try await ServerProcess.start(database: path)
            #expect(!server.output.contains("put aside"))
            #expect(try await server.stop() == 0)
        }
        #expect(FileManager.default.fileExists(atPath: path + ".outbox"))
    }

    // MARK: - Full disks

    /// A file system in memory; nil for somebody who may not mount one.
    private final class Disk {
        static let isPossible = ((try? Disk()) ?? nil) != nil
        let directory: TemporaryDirectory
        static let bytes = 12 << 20

        init?() throws {
            self.directory = try TemporaryDirectory()
            guard weir_mount_memory(self.directory.path, Int64(Self.bytes)) == 0 else { return nil }
        }

        func fill() throws {
            let free = Int(weir_free_bytes(self.directory.path))
            try Data(repeating: 1, count: free).write(to: URL(filePath: self.directory.file("filler")))
        }

        func free() throws { try FileManager.default.removeItem(atPath: self.directory.file("filler")) }

        deinit { weir_unmount(self.directory.path) }
    }

    /// Jobs with labels of their own, so that each takes room; sent until one is refused or there were enough.
    private static func statuses(_ port: Int, _ answers: Answers, first: Int64, count: Int64) async throws -> Set<Int> {
        let before = answers.all.count
        try await onThread { try answers.send(port, first: first) { $0 == count } }
        return Set(answers.all[before...].map(\.status))
    }

    @Test(
        "no space for the database: the outbox keeps it; none for the outbox either: 503, never 202; then all is applied",
        .enabled(if: Disk.isPossible, "a file system has to be mounted"))
    func fullDisks() async throws {
        let disk = try #require(try Disk())
        let other = try #require(try Disk())
        let path = disk.directory.file("weir.db")
        let server = try await ServerProcess.start(
            database: path, environment: ["WEIR_OUTBOX": other.directory.file("outbox.db")])
        let answers = Answers()
        #expect(try await Self.statuses(server.port, answers, first: 1, count: 20) == [202])
        try disk.fill()
        // What the log's file has room for is still committed.
        #expect(try await Self.statuses(server.port, answers, first: 10_000, count: 3_000) == [202])
        #expect(try await Self.outboxCount(server) > 0)
        try other.fill()
        let refused = try await Self.statuses(server.port, answers, first: 20_000, count: 2_000)
        #expect(refused == [202, 503])
        try disk.free()
        try other.free()
        #expect(try await Self.drained(server))
        #expect(try await eventually(within: .seconds(10)) { server.isRunning })
        var last: Set<Int> = []
        for round in Int64(0)..<20 where last != [202] {
            last = try await Self.statuses(server.port, answers, first: 30_000 + round * 100, count: 20)
        }
        #expect(last == [202])
        #expect(try await Self.missing(server.port, answers.all).isEmpty)
        #expect(try await server.stop() == 0)
    }
}
