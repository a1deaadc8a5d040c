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

extension Lease {
    /// A lease of a test that is about something else than time: the checkpoint after a large write may take seconds.
    static func patient(_ label: StaticString) -> Lease {
        Lease(label, acquireTimeout: .seconds(60), timeout: .seconds(120))
    }
}

/// What call-backs on other threads have told.
final class Log<Element: Sendable>: @unchecked Sendable {
    // Guarded by `monitor`.
    private let monitor = Monitor()
    private var elements: [Element] = []

    func add(_ element: Element) { self.monitor.withLock { self.elements.append(element) } }

    var all: [Element] { self.monitor.withLock { self.elements } }
}

/// Work that nobody waits for.
@Suite("Maintenance", .serialized, .timeLimit(.minutes(5)))
struct MaintenanceTests {
    /// Writes one row after the other until told to stop.
    ///
    /// - Returns: How many were committed while `work` ran, and what it gave.
    private func writing<Value: Sendable>(
        beside work: @escaping @Sendable () async throws -> Value, in database: SQLiteDatabase
    ) async throws -> (writes: Int, value: Value) {
        let isDone = Flag()
        return try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                var count = 0
                while !isDone.isSet {
                    _ = try await database.write(.patient("beside")) {
                        try $0.execute("INSERT INTO beside (text) VALUES ('x')")
                    }
                    count += 1
                }
                return count
            }
            let result: Value
            do {
                result = try await work()
            } catch {
                isDone.set()
                throw error
            }
            isDone.set()
            return (try await group.next() ?? 0, result)
        }
    }

    /// A database with `rows` rows in `t`, values 0, 1, 2 …, and an empty table `beside`.
    private func filled(
        _ rows: Int, _ change: (inout SQLiteConfiguration) -> Void = { _ in },
        _ body: (TestDatabase) async throws -> Void
    ) async throws {
        try await TestDatabase.with(change) { test async throws in
            _ = try await test.database.write(.patient("fill")) { db in
                try db.execute("CREATE TABLE beside (id INTEGER PRIMARY KEY, text TEXT)")
                try db.execute(
                    """
                    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < \(rows))
                    INSERT INTO t (id, value, text) SELECT i, i, printf('%0100d', i) FROM n
                    """)
            }
            try await body(test)
        }
    }

    // MARK: - Deleting

    @Test("a bulk delete in slices lets writes pass, and counts exactly; in one statement it lets none")
    func slices() async throws {
        try await self.filled(60_000) { test async throws in
            let database = test.database
            let reported = Log<Int>()
            let sliced = try await self.writing(
                beside: {
                    try await database.deleteInSlices("test", from: "t", where: "value < \(30_000)") { total in
                        reported.add(total)
                    }
                }, in: database)
            #expect(sliced.value == 30_000)
            #expect(try await test.count() == 30_000)
            let totals = reported.all
            #expect(totals.last == 30_000 && totals.count > 10 && totals == totals.sorted())
            // Control: the same in one statement.
            let whole = try await self.writing(
                beside: {
                    try await database.write(.patient("whole")) {
                        try $0.execute("DELETE FROM t WHERE value < \(60_000)")
                    }.value
                }, in: database)
            #expect(whole.value == 30_000)
            print("writes beside a sliced delete: \(sliced.writes); beside one statement: \(whole.writes)")
            #expect(sliced.writes > 20)
            #expect(whole.writes < 10)
        }
    }

    @Test("rows of a table without rowid are found by a key of two columns, some of them text and blobs")
    func compositeKey() async throws {
        try await TestDatabase.with { test async throws in
            _ = try await test.database.write(.patient("create")) { db in
                try db.execute("CREATE TABLE w (a TEXT, b BLOB, c INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID")
                for index in Int64(0)..<5_000 {
                    let bytes = [UInt8(index & 0xff), UInt8(index >> 8)]
                    try db.execute("INSERT INTO w (a, b, c) VALUES (\("ä\(index % 7)"), \(bytes), \(index))")
                }
            }
            let count = try await test.database.deleteInSlices("test", from: "w", key: ["a", "b"], where: "c % 5 = 0")
            #expect(count == 1_000)
            let rest = try await test.database.read(.patient("rest")) {
                try $0.row("SELECT count(*), sum(c % 5 = 0) FROM w") { [$0.integer(0), $0.integer(1)] }
            }
            #expect(rest == [4_000, 0])
        }
    }

    @Test("rows that a trigger keeps do not hold up the end; a condition with OR does not reach beyond the key")
    func stuck() async throws {
        try await self.filled(100) { test async throws in
            _ = try await test.database.write(.patient("trigger")) {
                try $0.execute(
                    "CREATE TRIGGER keep BEFORE DELETE ON t WHEN old.value < 10 BEGIN SELECT RAISE(IGNORE); END")
            }
            let count = try await test.database.deleteInSlices("test", from: "t", where: "value < 20 OR value > 97")
            #expect(count == 12)
            #expect(try await test.count() == 88)
        }
    }

    @Test("a cancelled delete stops between two slices, and what it reported is gone")
    func cancelled() async throws {
        try await self.filled(50_000) { test async throws in
            let database = test.database
            let totals = Log<Int>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        try await database.deleteInSlices("test", from: "t", where: "value >= 0") { totals.add($0) }
                    }
                }
                #expect(try await eventually { totals.all.last ?? 0 > 1_000 })
                group.cancelAll()
                try await group.waitForAll()
            }
            let gone = try #require(totals.all.last)
            #expect(gone > 1_000 && gone < 50_000)
            #expect(try await test.count() == Int64(50_000 - gone))
        }
    }

    @Test("counts are exact over several tables in one write, foreign keys aside; a slice counts its table")
    func counts() async throws {
        try await self.filled(1_000) { test async throws in
            let database = test.database
            _ = try await database.write(.patient("create")) { db in
                try db.execute(
                    "CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t (id) ON DELETE CASCADE)")
                try db.execute("CREATE INDEX child_t ON child (t_id)")
                for _ in 0..<3 { try db.execute("INSERT INTO child (t_id) SELECT id FROM t") }
                try db.execute("INSERT INTO beside (text) SELECT 'x' FROM t WHERE id < 77")
            }
            @Sendable func rows() async throws -> Int {
                try await database.read(.patient("rows")) { db in
                    try db.row(
                        "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM child) + (SELECT count(*) FROM beside)"
                    ) { Int($0.integer(0)) } ?? -1
                }
            }
            let before = try await rows()
            #expect(before == 1_000 + 3_000 + 77)
            let deleted = try await database.write(.patient("wipe")) { db in
                try db.execute("DELETE FROM beside") + db.execute("DELETE FROM t WHERE id < 100")
                    + db.execute("DELETE FROM child WHERE t_id < 200")
                    + db.execute("UPDATE t SET text = '' WHERE id < 0")
            }.value
            // The foreign key deleted 300 children of the first hundred rows besides.
            #expect(deleted == 77 + 100 + 300)
            #expect(try await rows() == before - deleted - 300)
            #expect(try await database.deleteInSlices("test", from: "t", where: "id < 300") == 200)
            #expect(try await rows() == before - deleted - 300 - 200 - 300)
        }
    }

    // MARK: - Free pages

    @Test("free pages are given back in slices beside writes, some are kept, and the file is sound")
    func vacuum() async throws {
        try await self.filled(100_000) { test async throws in
            let database = test.database
            _ = try await database.deleteInSlices("test", from: "t", where: "value % 10 <> 0", pace: .init(share: 1))
            // Half-empty pages are not free: those are made by a range.
            _ = try await database.deleteInSlices("test", from: "t", where: "value < 80000", pace: .init(share: 1))
            let before = try await database.figures()
            #expect(before.freePages > 1_000)
            let slices = Log<Int>()
            let (writes, given) = try await self.writing(
                beside: {
                    try await database.vacuumInSlices(keeping: 100) { slices.add($0) }
                }, in: database)
            let after = try await database.figures()
            print("vacuum: \(given) pages in \(slices.all.count) slices, \(writes) writes beside them")
            #expect(after.freePages <= 100 && after.freePages > 0)
            #expect(after.pages < before.pages - given + 50 && given >= before.freePages - 100)
            #expect(slices.all.count > 1)
            #expect(writes > slices.all.count)
            #expect(try await SQLiteCheck(database.configuration, depth: .full).run().isEmpty)
            #expect(try await database.vacuumInSlices(keeping: 100) == 0)
            #expect(try await test.count() == 2_000)
        }
    }

    @Test("a caller's closure still gets no pragma, also right after the driver's own")
    func guarded() async throws {
        try await self.filled(10) { test async throws in
            let database = test.database
            for text in ["PRAGMA incremental_vacuum", "PRAGMA analysis_limit=400", "PRAGMA page_count"] {
                await #expect(throws: DatabaseError.self) {
                    try await database.write(.patient("refused")) { try $0.execute(SQL(testing: text)) }
                }
            }
            let refused = try await database.writer.withConnection(.patient("door")) { connection in
                try connection.asDriver { try connection.control("PRAGMA analysis_limit=400") }
                do {
                    try connection.control("PRAGMA analysis_limit")
                    return false
                } catch {
                    return true
                }
            }
            #expect(refused)
        }
    }
}
