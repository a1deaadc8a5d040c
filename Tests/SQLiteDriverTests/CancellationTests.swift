//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import FoundationEssentials
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// `WEIR_CANCELLATIONS` says how many tasks leave; a million takes some minutes.
@Suite("Cancellation", .serialized, .timeLimit(.minutes(30)))
struct CancellationTests {
    private static let cancellations =
        ProcessInfo.processInfo.environment["WEIR_CANCELLATIONS"].flatMap(Int.init) ?? 100_000

    /// Rows whose values are three times their names, and a table for writes.
    private static let schema: [SQL] = [
        "CREATE TABLE n (id INTEGER PRIMARY KEY, value INTEGER NOT NULL)",
        """
        INSERT INTO n (id, value) WITH RECURSIVE i (i) AS (
            SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < \(CancellationStorm.rows)) SELECT i, 3 * i FROM i
        """,
        "CREATE TABLE done (id INTEGER NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (id, part)) WITHOUT ROWID",
    ]

    private func subject(_ database: SQLiteDatabase) -> CancellationStorm.Subject {
        { work, lease, progress in
            switch work {
            case .sum(let range):
                try await database.read(lease) { db in
                    progress.begin()
                    defer { progress.end() }
                    return try Self.sum(range, db)
                }
            case .endless:
                try await database.read(lease) { db in
                    progress.begin()
                    return try db.row(TestDatabase.endless) { $0.integer(0) } ?? 0
                }
            case .write(let id):
                try await database.write(lease) { db in
                    progress.begin()
                    defer { progress.end() }
                    let count = CancellationStorm.rowCount(id)
                    for part in 0..<count { try db.execute("INSERT INTO done (id, part) VALUES (\(id), \(part))") }
                    // A query in a write may be stopped, too: by the write's own deadline, and by nobody else's.
                    _ = try Self.sum(1...200, db)
                    return count
                }.value
            }
        }
    }

    private static func sum(_ range: ClosedRange<Int64>, _ db: any SQLReading) throws -> Int64 {
        try db.row("SELECT sum(value) FROM n WHERE id BETWEEN \(range.lowerBound) AND \(range.upperBound)") {
            $0.integer(0)
        } ?? 0
    }

    @Test("100,000 tasks that leave at any moment harm nobody else: results are right, and nothing is left behind")
    func storm() async throws {
        try await TestDatabase.with({ $0.walGoalBytes = 64 << 10 }) { test async throws in
            for sql in Self.schema {
                _ = try await test.database.write(Lease("schema", timeout: .seconds(60))) { try $0.execute(sql) }
            }
            let storm = CancellationStorm(
                seed: UInt64.random(in: 1...UInt64.max), tasks: 32, isMixed: true,
                subject: self.subject(test.database))
            let started = MonotonicInstant.now
            let tally = await storm.run(cancellations: Self.cancellations)
            print(
                "cancellations: seed \(storm.seed), \(tally.asked) leases, \(tally.cancelled) left (\(tally.stopped) in "
                    + "time, \(tally.tooLate) too late), \(tally.overdue) overdue, \(MonotonicInstant.now - started)")
            #expect(tally.violations == 0, "\(tally.violations), the first: \(tally.firstViolation ?? "")")
            #expect(tally.cancelled >= Self.cancellations)
            // A quick machine lets few leases become overdue.
            for count in [tally.stopped, tally.tooLate, tally.overdue] { #expect(count > Self.cancellations / 1_000) }
            try await self.checkWrites(test.database, tally)
            try await self.checkConnections(test)
        }
    }

    /// Every write that was answered is there, whole; none that was refused is.
    private func checkWrites(_ database: SQLiteDatabase, _ tally: CancellationStorm.Tally) async throws {
        let parts = try await database.read(Lease("parts", timeout: .seconds(60))) { db in
            var parts: [Int64: Int64] = [:]
            try db.forEachRow("SELECT id, count(*) FROM done GROUP BY id") {
                parts[$0.integer(0)] = $0.integer(1)
                return true
            }
            return parts
        }
        let torn = parts.count { $0.value != CancellationStorm.rowCount($0.key) }
        let lost = tally.writes.count { $0.value && parts[$0.key] == nil }
        let foreign = parts.keys.count { tally.writes[$0] != true && !tally.unknownWrites.contains($0) }
        #expect(torn == 0 && lost == 0 && foreign == 0, "\(torn) torn, \(lost) lost, \(foreign) nobody asked for")
        #expect(tally.writes.values.count { $0 } > 0 && tally.writes.values.count { !$0 } > 0)
    }

    /// No connection is held, none has a transaction or a statement open, and the log can begin anew.
    private func checkConnections(_ test: TestDatabase) async throws {
        let database = test.database
        #expect(
            try await eventually {
                let (readers, writer) = (database.readerPool, database.writerPool)
                return readers.used == 0 && readers.pending == 0 && writer.used == 0 && writer.pending == 0
            })
        #expect(database.readerPool.quarantined == 0)
        #expect(try await self.restarts(of: test) > Self.writes / 2)
        // Control: one reader in its transaction, and the log goes on and on.
        let (begun, end) = (Flag(), Flag())
        async let pinned: Int64 = database.read(Lease("pin", timeout: .seconds(60))) { db in
            let sum = try Self.sum(1...10, db)
            begun.set()
            end.spin()
            return sum
        }
        #expect(try await eventually { begun.isSet })
        #expect(try await self.restarts(of: test) <= 1)
        end.set()
        #expect(try await pinned == 165)
    }

    private static let writes = 64

    /// How often the log begins anew during some writes, with gaps in which the writer checkpoints all of it.
    private func restarts(of test: TestDatabase) async throws -> Int {
        let before = try Self.salt(test)
        for round in 0..<Self.writes {
            // A text of its own: SQLite writes no page that stays as it is.
            let text = String(repeating: "\(round % 10)", count: 128 << 10)
            let checkpoints = test.database.writerStatistics.current.checkpoints
            _ = try await test.database.write(Lease("grow", timeout: .seconds(60))) {
                try $0.execute("INSERT OR REPLACE INTO t (id, value, text) VALUES (1, \(round), \(text))")
            }
            // Beside a pinned log the writer tries less and less often.
            _ = try await eventually(within: .milliseconds(100)) {
                test.database.writerStatistics.current.checkpoints > checkpoints
            }
        }
        // A checkpoint is counted when it begins: the next one waits for its end.
        _ = try await test.database.write(Lease("end", timeout: .seconds(60))) { _ in }
        return Int(try Self.salt(test) &- before)
    }

    /// The number in the log's header that grows by one whenever the log begins anew (sqlite.org/fileformat2.html#walformat).
    /// The log itself is never locked: reading it drops no lock.
    private static func salt(_ test: TestDatabase) throws -> UInt32 {
        let log = try #require(FileManager.default.contents(atPath: test.path + "-wal"))
        return log.dropFirst(16).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    // MARK: - Control

    /// One connection that everybody shares, and an interrupt for whoever leaves: it hits whatever runs just then.
    private final class SharedConnection: @unchecked Sendable {
        // SQLite's own mutex guards `db`; `monitor` lets one statement run at a time.
        private let monitor = Monitor()
        private var db: OpaquePointer?

        init() throws {
            guard sqlite3_open_v2(":memory:", &self.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nil) == SQLITE_OK
            else { throw DatabaseError.call("open", self.db) }
            let rows = CancellationStorm.rows
            sqlite3_exec(
                self.db,
                """
                CREATE TABLE n (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
                INSERT INTO n (id, value) WITH RECURSIVE i (i) AS (
                    SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < \(rows)) SELECT i, 3 * i FROM i
                """, nil, nil, nil)
        }

        deinit { sqlite3_close_v2(self.db) }

        func sum(_ range: ClosedRange<Int64>, _ progress: CancellationStorm.Progress) throws -> Int64 {
            try self.monitor.withLock {
                progress.begin()
                defer { progress.end() }
                var statement: OpaquePointer?
                defer { sqlite3_finalize(statement) }
                let sql = "SELECT sum(value) FROM n WHERE id BETWEEN \(range.lowerBound) AND \(range.upperBound)"
                guard sqlite3_prepare_v2(self.db, sql, -1, &statement, nil) == SQLITE_OK,
                    sqlite3_step(statement) == SQLITE_ROW
                else { throw DatabaseError.call("step", self.db) }
                return sqlite3_column_int64(statement, 0)
            }
        }

        func interrupt() { sqlite3_interrupt(self.db) }
    }

    @Test("control: an interrupt that is sent to a connection, and not to a lease, is noticed")
    func lateInterrupt() async throws {
        let connection = try SharedConnection()
        var tally = CancellationStorm.Tally()
        for seed in UInt64(1)...20 where tally.violations == 0 {
            let storm = CancellationStorm(seed: seed, tasks: 8, isMixed: false) { work, _, progress in
                guard case .sum(let range) = work else { throw CancellationError() }
                return try await withTaskCancellationHandler {
                    try await onThread { try connection.sum(range, progress) }
                } onCancel: {
                    connection.interrupt()
                }
            }
            tally += await storm.run(cancellations: 2_000)
        }
        print("cancellations, control: \(tally.violations) of \(tally.asked) harmed: \(tally.firstViolation ?? "")")
        #expect(tally.violations > 0)
        #expect(tally.firstViolation?.contains("interrupt") ?? false)
    }
}
