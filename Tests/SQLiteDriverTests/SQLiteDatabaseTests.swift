//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// A database of a test's own.
struct TestDatabase: Sendable {
    static let applicationID: Int32 = 0x7465_7374

    let directory: TemporaryDirectory
    let database: SQLiteDatabase

    var path: String { self.directory.file("test.db") }

    static func configuration(_ directory: TemporaryDirectory) -> SQLiteConfiguration {
        var configuration = SQLiteConfiguration(path: directory.file("test.db"), applicationID: Self.applicationID)
        configuration.readersMax = 3
        return configuration
    }

    /// Opens a database with one table, runs `body`, and closes it.
    static func with(
        _ change: (inout SQLiteConfiguration) -> Void = { _ in }, _ body: (TestDatabase) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        var configuration = Self.configuration(directory)
        change(&configuration)
        let database = try await SQLiteDatabase.open(configuration)
        _ = try await database.write(Lease("create")) {
            try $0.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value INTEGER NOT NULL UNIQUE, text TEXT)")
        }
        let test = TestDatabase(directory: directory, database: database)
        do {
            try await body(test)
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    func count() async throws -> Int64 {
        try await self.database.read(Lease("count")) { try $0.row("SELECT count(*) FROM t") { $0.integer(0) } ?? -1 }
    }

    /// A query that takes for ever, in small steps.
    static let endless: SQL = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
}

@Suite("SQLiteDatabase", .timeLimit(.minutes(5)))
struct SQLiteDatabaseTests {
    @Test("values of every kind come back as they went in")
    func values() async throws {
        try await TestDatabase.with { test async throws in
            let blob: [UInt8] = [0, 1, 255]
            let row = try await test.database.read(Lease("values")) { db in
                try db.row(
                    """
                    SELECT \(Int64.min), \(1.5), \("grüße 'x'; --"), \(blob), \(String?.none), \(""), \([UInt8]())
                    """
                ) { row in
                    #expect(row.integer(0) == Int64.min)
                    #expect(row.real(1) == 1.5)
                    #expect(row.text(2) == "grüße 'x'; --")
                    #expect(row.blob(3) == [0, 1, 255])
                    #expect(row.isNull(4) && row.optionalText(4) == nil)
                    #expect(!row.isNull(5) && row.text(5).isEmpty)
                    #expect(!row.isNull(6) && row.blob(6).isEmpty)
                    return true
                }
            }
            #expect(row == true)
        }
    }

    @Test("a write is seen by a read asked for after it was answered, by 64 tasks a million times")
    func readYourWrites() async throws {
        try await TestDatabase.with { test async throws in
            let database = test.database
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in Int64(0)..<64 {
                    group.addTask {
                        for round in Int64(0)..<15_625 {
                            let value = task * 10_000 + round
                            _ = try await database.write(Lease("set", timeout: .seconds(60))) {
                                try $0.execute(
                                    "INSERT INTO t (id, value) VALUES (\(task), \(value)) ON CONFLICT (id) DO UPDATE SET value = excluded.value"
                                )
                            }
                            let seen = try await database.read(Lease("get", timeout: .seconds(60))) {
                                try $0.row("SELECT value FROM t WHERE id = \(task)") { $0.integer(0) }
                            }
                            if seen != value {
                                Issue.record("task \(task) wrote \(value) and read \(String(describing: seen))")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let figures = database.writerStatistics.current
            #expect(figures.members > 64 * 15_625)
            // Groups really form: far fewer commits than writes.
            #expect(figures.commits * 4 < figures.members)
        }
    }

    @Test("one bad member of a group gets its error, its siblings commit")
    func isolation() async throws {
        try await TestDatabase.with { test async throws in
            let database = test.database
            let outcomes = try await test.group(50) { index, db in
                // Every fifth collides with the first.
                try db.execute("INSERT INTO t (id, value) VALUES (\(index + 1), \(index % 5 == 0 ? -1 : index))")
            }
            let failures = outcomes.compactMap { $0 }
            #expect(failures.count == 9)
            for error in failures {
                #expect(error.code.primary == .sqliteConstraint && error.outcome == .notCommitted)
                #expect(!error.description.contains("-1"))
            }
            #expect(try await test.count() == 41)
            _ = database
        }
    }

    @Test("a member's deferred constraint fails the commit: it alone gets the error")
    func deferredConstraint() async throws {
        try await TestDatabase.with { test async throws in
            _ = try await test.database.write(Lease("create")) {
                try $0.execute(
                    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)"
                )
            }
            let outcomes = try await test.group(50) { index, db in
                if index == 25 {
                    try db.execute("INSERT INTO child (id, parent) VALUES (1, 12345)")
                } else {
                    try db.execute("INSERT INTO t (id, value) VALUES (\(index), \(index))")
                }
            }
            #expect(outcomes.compactMap { $0 }.count == 1)
            #expect(outcomes[25]?.outcome == .notCommitted)
            #expect(try await test.count() == 49)
        }
    }

    @Test("a member whose transaction is rolled back under it takes nobody with it")
    func autoRollback() async throws {
        try await TestDatabase.with { test async throws in
            _ = try await test.database.write(Lease("create")) {
                try $0.execute(
                    """
                    CREATE TRIGGER stop BEFORE INSERT ON t WHEN new.value = -7
                    BEGIN SELECT RAISE(ROLLBACK, 'the whole transaction is gone'); END
                    """)
            }
            let outcomes = try await test.group(50) { index, db in
                try db.execute("INSERT INTO t (id, value) VALUES (\(index), \(index == 25 ? -7 : index))")
            }
            #expect(outcomes.compactMap { $0 }.count == 1)
            #expect(outcomes[25]?.outcome == .notCommitted)
            #expect(try await test.count() == 49)
        }
    }

    @Test(
        "statements that would end the transaction or reach beyond the file are refused",
        arguments: [
            "COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT x", "RELEASE member", "END", "PRAGMA synchronous = OFF",
            "PRAGMA wal_checkpoint", "ATTACH ':memory:' AS other", "VACUUM",
        ])
    func refused(_ text: String) async throws {
        try await TestDatabase.with { test async throws in
            let outcomes = try await test.group(3) { index, db in
                try db.execute("INSERT INTO t (id, value) VALUES (\(index), \(index))")
                if index == 1 { try db.execute(SQL(testing: text)) }
            }
            #expect(outcomes.compactMap { $0 }.count == 1)
            #expect(outcomes[1] != nil)
            #expect(try await test.count() == 2)
            await #expect(throws: DatabaseError.self) {
                try await test.database.read(Lease("refused")) { try $0.row(SQL(testing: text)) { _ in } }
            }
        }
    }

    @Test("a closure's own error undoes its work and is passed on")
    func ownError() async throws {
        struct Own: Error, Equatable {}
        try await TestDatabase.with { test async throws in
            await #expect(throws: Own.self) {
                try await test.database.write(Lease("own")) {
                    try $0.execute("INSERT INTO t (id, value) VALUES (1, 1)")
                    throw Own()
                }
            }
            #expect(try await test.count() == 0)
        }
    }

    @Test("readers may not write, and see one snapshot from their first statement on")
    func readers() async throws {
        try await TestDatabase.with { test async throws in
            let database = test.database
            await #expect(throws: DatabaseError.self) {
                try await database.read(Lease("write")) { _ = try $0.row("DELETE FROM t RETURNING id") { _ in } }
            }
            let begun = Gate()
            let mayGoOn = Flag()
            async let counts = database.read(Lease("snapshot", timeout: .seconds(60))) { db in
                let before = try db.row("SELECT count(*) FROM t") { $0.integer(0) }
                Task { await begun.open() }
                mayGoOn.spin()
                return (before, try db.row("SELECT count(*) FROM t") { $0.integer(0) })
            }
            await begun.wait()
            _ = try await database.write(Lease("insert")) {
                try $0.execute("INSERT INTO t (id, value) VALUES (1, 1)")
            }
            mayGoOn.set()
            let (before, after) = try await counts
            #expect(before == 0 && after == 0)
            #expect(try await test.count() == 1)
        }
    }

    @Test("a query is stopped inside the engine at its deadline, and the connection is used again")
    func deadline() async throws {
        try await TestDatabase.with({ $0.readersMax = 1 }) { test async throws in
            let started = ContinuousClock.now
            await #expect {
                try await test.database.read(Lease("endless", timeout: .milliseconds(200))) {
                    try $0.row(TestDatabase.endless) { _ in }
                }
            } throws: { ($0 as? LeaseError)?.reason == .deadlineExceeded }
            #expect(ContinuousClock.now - started < .seconds(10))
            #expect(try await test.count() == 0)
        }
    }

    @Test("a cancelled query is stopped inside the engine")
    func cancellation() async throws {
        try await TestDatabase.with({ $0.readersMax = 1 }) { test async throws in
            let database = test.database
            let begun = Gate()
            let task = Task {
                try await database.read(Lease("endless", timeout: .seconds(60))) { db in
                    Task { await begun.open() }
                    return try db.row(TestDatabase.endless) { $0.integer(0) }
                }
            }
            await begun.wait()
            task.cancel()
            await #expect(throws: CancellationError.self) { _ = try await task.value }
            // The only reader is free again long before the query's own minute is over.
            #expect(try await test.count() == 0)
        }
    }

    @Test("a deadline in the middle of a group's write undoes no sibling")
    func deadlineInsideWrite() async throws {
        try await TestDatabase.with { test async throws in
            let outcomes = try await test.group(50, timeoutOf25: .milliseconds(1)) { index, db in
                if index == 25 {
                    try db.execute(
                        """
                        INSERT INTO t (id, value) WITH RECURSIVE n (i) AS (
                            SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i, i FROM n
                        """)
                } else {
                    try db.execute("INSERT INTO t (id, value) VALUES (\(index), \(index))")
                }
            }
            #expect(outcomes.enumerated().allSatisfy { $0.offset == 25 || $0.element == nil })
            let kept = try await test.database.read(Lease("kept")) {
                try $0.row("SELECT count(*) FROM t WHERE id < 1000") { $0.integer(0) }
            }
            #expect(kept == 49)
        }
    }

    @Test("a row loop left early leaves no busy statement behind, and the log is emptied at the end")
    func earlyExit() async throws {
        struct Enough: Error {}
        try await TestDatabase.with({ $0.readersMax = 1 }) { test async throws in
            _ = try await test.database.write(Lease("fill")) {
                for id in Int64(0)..<100 { try $0.execute("INSERT INTO t (id, value) VALUES (\(id), \(id))") }
            }
            for _ in 0..<50 {
                await #expect(throws: Enough.self) {
                    try await test.database.read(Lease("early")) { db in
                        try db.forEachRow("SELECT id FROM t") { _ in throw Enough() }
                    }
                }
                let first = try await test.database.read(Lease("first")) {
                    try $0.row("SELECT id FROM t ORDER BY id") { $0.integer(0) }
                }
                #expect(first == 0)
            }
            #expect(test.database.readerPool.connections == 1)
        }
    }

    @Test("statements are kept in a bounded cache")
    func statementCache() async throws {
        try await TestDatabase.with({ $0.statementsMax = 8 }) { test async throws in
            let database = test.database
            let sums = try await database.read(Lease("many texts", timeout: .seconds(60))) { db in
                try (0..<2_000).map { number in
                    try db.row(SQL(testing: "SELECT \(number) + 1")) { $0.integer(0) } ?? 0
                }
            }
            #expect(sums == (0..<2_000).map { Int64($0) + 1 })
        }
    }
}

extension SQL {
    /// A statement from a text that is only known when the test runs, letters and marks as they are.
    init(testing text: String) {
        var parts: [SQL] = []
        for character in text {
            parts.append(
                character.isLetter || character.isNumber || character == "_"
                    ? "\(identifier: String(character))" : Self.mark(character))
        }
        self = parts.joined(separator: "")
    }

    private static func mark(_ character: Character) -> SQL {
        switch character {
        case " ": " "
        case "=": "="
        case "'": "'"
        case ":": ":"
        case "+": "+"
        default: preconditionFailure("no mark for \(character)")
        }
    }
}

extension TestDatabase {
    /// Sends writes that end up in one group: they queue behind one that waits for them.
    ///
    /// - Returns: Each member's error.
    func group(
        _ count: Int, timeoutOf25: Duration = .seconds(60),
        _ body: @escaping @Sendable (_ index: Int, any SQLWriting) throws -> Void
    ) async throws -> [DatabaseError?] {
        let database = self.database
        let hasBegun = Flag()
        let isQueued = Flag()
        async let first = database.write(Lease("first", timeout: .seconds(60))) { _ in
            hasBegun.set()
            isQueued.spin()
        }
        // A member that began before it would not be in the group.
        _ = try await eventually { hasBegun.isSet }
        let outcomes = try await withThrowingTaskGroup(of: (Int, DatabaseError?).self) { group in
            for index in 0..<count {
                group.addTask {
                    let timeout = index == 25 ? timeoutOf25 : .seconds(60)
                    do {
                        _ = try await database.write(
                            Lease("member", acquireTimeout: .seconds(60), timeout: timeout)
                        ) { try body(index, $0) }
                        return (index, nil)
                    } catch let error as DatabaseError {
                        return (index, error)
                    } catch is LeaseError where index == 25 {
                        return (index, nil)
                    }
                }
            }
            group.addTask {
                _ = try await eventually { database.writerPool.pending >= count - 1 }
                isQueued.set()
                return (-1, nil)
            }
            var outcomes = [DatabaseError?](repeating: nil, count: count)
            for try await (index, error) in group where index >= 0 { outcomes[index] = error }
            return outcomes
        }
        _ = try await first
        return outcomes
    }
}
