//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import Foundation
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// Copies of a database in use.
@Suite("Backup", .serialized, .timeLimit(.minutes(5)))
struct BackupTests {
    /// A database of some megabytes: `t` with rows 0 ..< `rows`.
    static func filled(_ rows: Int, _ body: (TestDatabase) async throws -> Void) async throws {
        try await TestDatabase.with { test async throws in
            _ = try await test.database.write(.patient("fill")) {
                try $0.execute(
                    """
                    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < \(rows))
                    INSERT INTO t (id, value, text) SELECT i, i, printf('%0500d', i) FROM n
                    """)
            }
            try await body(test)
        }
    }

    /// The values of a file that nobody has open.
    static func values(_ path: String) throws -> [Int64] {
        let connection = try ToolConnection(path, .live, signal: LeaseSignal(deadline: .now.advanced(by: .seconds(60))))
        defer { connection.close() }
        return try connection.column("SELECT value FROM t ORDER BY value").compactMap { Int64($0) }
    }

    private static func configuration(_ path: String) -> SQLiteConfiguration {
        SQLiteConfiguration(path: path, applicationID: TestDatabase.applicationID)
    }

    private func expectRefusal(
        _ words: [String], sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async {
        await #expect(sourceLocation: sourceLocation) {
            try await body()
        } throws: { error in
            let text = (error as? DatabaseError)?.description ?? "\(error)"
            return words.allSatisfy { text.contains($0) }
        }
    }

    // MARK: - Copies

    @Test("under full write rate a backup ends, and holds every write that was acknowledged before it began")
    func underLoad() async throws {
        try await Self.filled(40_000) { test async throws in
            let database = test.database
            let acknowledged = Log<Int64>()
            let isDone = Flag()
            let copy = test.directory.file("copy.db")
            let progress = Log<SQLiteBackup.Progress>()
            let (known, during) = try await withThrowingTaskGroup(of: Void.self) { group in
                for task in Int64(1)...8 {
                    group.addTask {
                        var value = task * 10_000_000
                        while !isDone.isSet {
                            let next = value
                            _ = try await database.write(.patient("write")) {
                                try $0.execute(
                                    "INSERT INTO t (value, text) VALUES (\(next), printf('%0500d', \(next)))")
                            }
                            acknowledged.add(next)
                            value += 1
                        }
                    }
                }
                #expect(try await eventually { acknowledged.all.count > 500 })
                let known = acknowledged.all
                let summary = try await database.backup(to: copy) { progress.add($0) }
                let during = acknowledged.all.count - known.count
                isDone.set()
                try await group.waitForAll()
                #expect(summary.path == copy && summary.bytes == FileFacts(copy)?.bytes)
                return (known, during)
            }
            print("backup: \(known.count) writes before, \(during) while it was made")
            #expect(during > 10)
            let values = try Self.values(copy)
            #expect(Set(values).isSuperset(of: known) && Set(values).isSuperset(of: 0..<40_000))
            // One snapshot: each sender's rows without a gap.
            for task in Int64(1)...8 {
                let own = values.filter { $0 / 10_000_000 == task }
                #expect(own == Array(task * 10_000_000..<task * 10_000_000 + Int64(own.count)))
            }
            let copying = progress.all.filter { $0.phase == .copying }
            #expect(copying.map(\.bytesDone) == copying.map(\.bytesDone).sorted() && copying.count > 10)
            #expect(copying.last?.bytesDone == copying.last?.bytesTotal)
            #expect(FileFacts(copy)?.permissions == 0o600)
            #expect(FileFacts(copy + ".partial") == nil)
        }
    }

    @Test("a held snapshot ends the copy in as many steps as it has pages; without it every write begins it anew")
    func heldSnapshot() async throws {
        try await Self.filled(2_000) { test async throws in
            let signal = LeaseSignal(deadline: .now.advanced(by: .seconds(60)))
            /// Steps of ten pages with a write between each and the next.
            @Sendable func steps(holding: Bool, _ name: String) async throws -> (steps: Int, code: Int32, due: Int) {
                let source = try ToolConnection(test.path, .live, signal: signal)
                let partial = try PartialFile(test.directory.file(name))
                let destination = try ToolConnection(partial.path, .copy, signal: signal)
                defer {
                    destination.close()
                    source.close()
                }
                if holding { _ = try PageCopy(source) }
                let backup = try #require(sqlite3_backup_init(destination.db, "main", source.db, "main"))
                defer { sqlite3_backup_finish(backup) }
                let due = (try source.integer("PRAGMA page_count") + 9) / 10
                var count = 0
                var code = SQLITE_OK
                while code == SQLITE_OK, count < 2 * due {
                    code = sqlite3_backup_step(backup, 10)
                    count += 1
                    let text = "changed \(count)"
                    _ = try await test.database.write(.patient("write")) {
                        try $0.execute("UPDATE t SET text = \(text) WHERE id = 7")
                    }
                }
                return (count, code, due)
            }
            let held = try await steps(holding: true, "held.db")
            #expect(held.code == SQLITE_DONE && held.steps <= held.due + 1)
            let loose = try await steps(holding: false, "loose.db")
            print("steps of \(held.due) due: \(held.steps) with a snapshot, \(loose.steps) and no end without")
            #expect(loose.code == SQLITE_OK && loose.steps == 2 * loose.due)
        }
    }

    @Test("the copy is a database of its own: it opens, writes, and is backed up again over itself when asked to")
    func independent() async throws {
        try await Self.filled(100) { test async throws in
            let copy = test.directory.file("copy.db")
            _ = try await test.database.backup(to: copy)
            let opened = try await SQLiteDatabase.open(Self.configuration(copy))
            _ = try await opened.write(.patient("write")) { try $0.execute("INSERT INTO t (value) VALUES (5000)") }
            // A database in use is not replaced, even where replacing is asked for.
            await self.expectRefusal(["copy.db", "another name"]) {
                _ = try await test.database.backup(to: copy, overwrites: true)
            }
            await opened.close()
            #expect(try Self.values(copy).count == 101)
            await self.expectRefusal(["exists", "another name"]) { _ = try await test.database.backup(to: copy) }
            _ = try await test.database.backup(to: copy, overwrites: true)
            #expect(try Self.values(copy).count == 100)
        }
    }

    @Test("what a killed backup left behind is taken over; what another one is making is left alone")
    func leftovers() async throws {
        try await Self.filled(100) { test async throws in
            let copy = test.directory.file("copy.db")
            try Data(repeating: 7, count: 1 << 20).write(to: URL(filePath: copy + ".partial"))
            do {
                let other = try PartialFile(copy + ".partial")
                await self.expectRefusal(["another process is making"]) { _ = try await test.database.backup(to: copy) }
                _ = other
            }
            try Data(repeating: 7, count: 1 << 20).write(to: URL(filePath: copy + ".partial"))
            _ = try await test.database.backup(to: copy)
            #expect(try Self.values(copy).count == 100)
            #expect(FileFacts(copy + ".partial") == nil)
        }
    }

    // MARK: - Refusals

    @Test("a destination or a source that is unfit is refused with the remedy, and nothing is left behind")
    func refusals() async throws {
        try await Self.filled(100) { test async throws in
            let backup = SQLiteBackup(test.database.configuration)
            let link = test.directory.file("link.db")
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: test.path)
            for path in [test.path, link] {
                await self.expectRefusal(["the database itself"]) {
                    _ = try await backup.make(at: path, overwrites: true)
                }
            }
            await self.expectRefusal(["directory"]) { _ = try await backup.make(at: test.directory.path) }
            await self.expectRefusal(["directory exists"]) { _ = try await backup.make(at: "/nonexistent/copy.db") }
            let missing = Self.configuration(test.directory.file("none.db"))
            await self.expectRefusal(["none.db", "no such file"]) {
                _ = try await SQLiteBackup(missing).make(at: test.directory.file("copy.db"))
            }
            #expect(FileFacts(missing.path) == nil)
            var foreign = test.database.configuration
            foreign.applicationID = 77
            await self.expectRefusal(["another application"]) {
                _ = try await SQLiteBackup(foreign).make(at: test.directory.file("copy.db"))
            }
            try Data("x".utf8).write(to: URL(filePath: test.directory.file("other.db-wal")))
            await self.expectRefusal(["other.db-wal"]) {
                _ = try await backup.make(at: test.directory.file("other.db"))
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: test.directory.path).sorted()
            let own = ["test.db", "test.db-shm", "test.db-wal", "test.db.lock"]
            #expect(names == ["link.db", "other.db-wal"] + own)
            #expect(try await test.count() == 100)
        }
    }

    @Test("too little room is found out before anything is written")
    func room() {
        for (bytes, free, isRefused) in [(10 << 20, 10 << 20, true), (10 << 20, 12 << 20, false), (1, 0, true)] {
            let result = Result { try Copy.refuseFullDisk("/place", bytes: bytes, free: free) }
            guard case .failure(let error as DatabaseError) = result else {
                #expect(!isRefused)
                continue
            }
            #expect(isRefused && error.code == .sqliteFull && error.message.contains("make room"))
        }
    }

    @Test("a deadline and a cancellation end a backup in time, and nothing is left behind")
    func stopped() async throws {
        try await Self.filled(60_000) { test async throws in
            let configuration = test.database.configuration
            let copy = test.directory.file("copy.db")
            await self.expectRefusal(["deadline", "more time"]) {
                _ = try await SQLiteBackup(configuration, timeout: .milliseconds(3)).make(at: copy)
            }
            let began = Flag()
            let isCancelled = Flag()
            let started = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        try await SQLiteBackup(configuration).make(at: copy) { _ in
                            began.set()
                            isCancelled.spin()
                        }
                    }
                }
                #expect(try await eventually { began.isSet })
                group.cancelAll()
                isCancelled.set()
                try await group.waitForAll()
            }
            #expect(ContinuousClock.now - started < .seconds(4))
            #expect(FileFacts(copy) == nil && FileFacts(copy + ".partial") == nil)
        }
    }

    // MARK: - Checks

    @Test("a damaged page is found when the copy is checked; a wrong index entry only by the full check")
    func damage() async throws {
        let directory = try TemporaryDirectory()
        let configuration = TestDatabase.configuration(directory)
        let copy = directory.file("copy.db")
        let database = try await SQLiteDatabase.open(configuration)
        _ = try await database.write(.patient("fill")) { db in
            try db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value INTEGER, text TEXT)")
            try db.execute("CREATE INDEX t_text ON t (text)")
            for id in Int64(0)..<3_000 {
                try db.execute("INSERT INTO t (id, value, text) VALUES (\(id), \(id), \("needle-\(100_000 + id)"))")
            }
        }
        await database.close()
        let sound = try Data(contentsOf: URL(filePath: configuration.path))
        #expect(try await SQLiteCheck(configuration, depth: .full).run().isEmpty)

        // One letter in one of the two places of a text: table and index tell different stories.
        var wrong = sound
        let place = try #require(wrong.range(of: Data("needle-101234".utf8)))
        wrong[place.upperBound - 1] = UInt8(ascii: "x")
        try wrong.write(to: URL(filePath: configuration.path))
        #expect(try await SQLiteCheck(configuration, depth: .quick).run().isEmpty)
        #expect(try await !SQLiteCheck(configuration, depth: .full).run().isEmpty)
        _ = try await SQLiteBackup(configuration).make(at: copy)
        try FileManager.default.removeItem(atPath: copy)
        await self.expectRefusal(["damaged", "another copy"]) {
            _ = try await SQLiteBackup(configuration, check: .full).make(at: copy)
        }

        // A page of nothing.
        var broken = sound
        broken.replaceSubrange(5 * 4_096..<6 * 4_096, with: Data(repeating: 0xaa, count: 4_096))
        try broken.write(to: URL(filePath: configuration.path))
        await self.expectRefusal(["damaged"]) { _ = try await SQLiteBackup(configuration).make(at: copy) }
        #expect(FileFacts(copy) == nil && FileFacts(copy + ".partial") == nil)
    }

    @Test("a check tells how much it has read, and is answered at its deadline")
    func checkProgress() async throws {
        try await Self.filled(20_000) { test async throws in
            let reads = try #require(ThreadReads())
            let before = try #require(reads.bytes)
            _ = SystemFile.text("/proc/self/maps")
            #expect(try #require(reads.bytes) > before)
            await self.expectRefusal(["deadline"]) {
                _ = try await SQLiteCheck(test.database.configuration, depth: .full, timeout: .milliseconds(1)).run()
            }
        }
    }
}
