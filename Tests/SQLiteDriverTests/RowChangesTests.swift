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

@Suite("Counts of changed rows", .timeLimit(.minutes(1)))
struct RowChangesTests {
    /// Three tables with 10, 200 and 3,000 rows, of which the second and third hang on the first by foreign keys,
    /// and a log that a trigger fills.
    private func withTables(_ body: (TestDatabase) async throws -> Void) async throws {
        try await TestDatabase.with { test async throws in
            _ = try await test.database.write(Lease("fill")) { db in
                try db.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
                try db.execute(
                    "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a ON DELETE CASCADE, state TEXT)")
                try db.execute("CREATE INDEX b_a ON b (a)")
                try db.execute("CREATE TABLE c (id INTEGER PRIMARY KEY)")
                try db.execute("CREATE TABLE log (id INTEGER)")
                try db.execute(
                    "CREATE TRIGGER b_deleted AFTER DELETE ON b BEGIN INSERT INTO log VALUES (old.id); END")
                for (table, count) in [("a", 10), ("b", 200), ("c", 3_000)] {
                    let columns: SQL = table == "b" ? "(id, a)" : "(id)"
                    let values: SQL = table == "b" ? "i, i % 10" : "i"
                    let inserted = try db.execute(
                        """
                        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < \(count))
                        INSERT INTO \(identifier: table) \(columns) SELECT \(values) FROM n
                        """)
                    #expect(inserted == count)
                }
            }
            try await body(test)
        }
    }

    @Test("wiping several tables reports each row once; SQLite's own counters do not")
    func wipe() async throws {
        try await self.withTables { test async throws in
            let (counts, last, total) = try await test.database.write(Lease("wipe")) { db in
                let before = try db.row("SELECT total_changes()") { $0.integer(0) } ?? -1
                let counts = try ["b", "a", "c"].map { try db.execute("DELETE FROM \(identifier: $0)") }
                let last = try db.row("SELECT changes()") { $0.integer(0) }
                let total = try db.row("SELECT total_changes()") { $0.integer(0) - before }
                return (counts, last, total)
            }.value
            #expect(counts == [200, 10, 3_000] && counts.reduce(0, +) == 3_210)
            // What others report: the last statement only, or what triggers did as well.
            #expect(last == 3_000)
            #expect(total == 3_410)
        }
    }

    @Test("what foreign keys and triggers did is not counted")
    func cascade() async throws {
        try await self.withTables { test async throws in
            let (deleted, left, logged) = try await test.database.write(Lease("cascade")) { db in
                (
                    try db.execute("DELETE FROM a WHERE id < 3"), try db.row("SELECT count(*) FROM b", as: Int.self),
                    try db.row("SELECT count(*) FROM log", as: Int.self)
                )
            }.value
            #expect(deleted == 3 && left == 140 && logged == 60)
        }
    }

    @Test("a statement that changes no rows by its nature counts nothing, whatever came before it")
    func otherStatements() async throws {
        try await self.withTables { test async throws in
            let counts = try await test.database.write(Lease("others")) { db in
                try db.execute("DELETE FROM c WHERE id < 100")
                return [
                    try db.execute("CREATE TABLE d (id INTEGER PRIMARY KEY, n INTEGER)"),
                    try db.execute("CREATE TABLE e AS SELECT id FROM c"), try db.execute("SELECT * FROM c"),
                    try db.execute("CREATE INDEX e_id ON e (id)"), try db.execute("ALTER TABLE e ADD COLUMN x"),
                    try db.execute("DROP TABLE e"), try db.execute("DELETE FROM c WHERE id < 100"),
                    try db.execute("UPDATE c SET id = id WHERE id < 0"),
                ]
            }.value
            #expect(counts == Array(repeating: 0, count: 8))
        }
    }

    @Test("upserts, replacements, RETURNING and batches count each row they put or change once")
    func upserts() async throws {
        try await self.withTables { test async throws in
            let counts = try await test.database.write(Lease("upserts")) { db in
                [
                    try db.execute("INSERT INTO c (id) VALUES (1), (2), (-1) ON CONFLICT DO NOTHING"),
                    try db.execute("INSERT OR REPLACE INTO c (id) VALUES (1), (2), (-2)"),
                    try db.execute(
                        "INSERT INTO b (id, a) VALUES (0, 1), (-1, 1) ON CONFLICT (id) DO UPDATE SET a = excluded.a"),
                    try db.execute("UPDATE c SET id = id WHERE id < 10 AND id >= 0 RETURNING id"),
                    try db.executeBatch("UPDATE b SET state = ? WHERE a = ?", rows: [[.text("x"), .integer(2)]]),
                    try db.executeBatch("DELETE FROM b WHERE a = ?", rows: (2..<5).map { [.integer($0)] }),
                    try db.executeBatch("DELETE FROM b WHERE a = ?", rows: []),
                ]
            }.value
            #expect(counts == [1, 3, 2, 10, 20, 60, 0])
        }
    }

    @Test("any number of keys is deleted in one commit and counted exactly; a list of that length is refused")
    func deleteKeys() async throws {
        try await self.withTables { test async throws in
            _ = try await test.database.write(Lease("fill", timeout: .seconds(30))) {
                try $0.executeBatch("INSERT INTO c (id) VALUES (?)", rows: (3_000..<60_000).map { [.integer($0)] })
            }
            let before = test.database.writerStatistics.current
            // 50,000 keys: 5,000 of them twice, 5,000 not there, in no order.
            var generator = SeededGenerator(seed: 3)
            var keys = Array(Int64(20_000)..<60_000)
            keys += Array(Int64(20_000)..<25_000) + Array(Int64(90_000)..<95_000)
            keys.shuffle(using: &generator)
            let deleted = try await test.database.delete(
                Lease("delete", timeout: .seconds(30)), from: "c", key: "id", keys: keys)
            #expect(deleted.value == 40_000)
            let after = test.database.writerStatistics.current
            #expect(after.commits - before.commits == 1 && after.members - before.members == 1)
            let left = try await test.database.read(Lease("left")) {
                try $0.row("SELECT count(*), max(id) FROM c") { [$0.integer(0), $0.integer(1)] }
            }
            #expect(left == [20_000, 19_999])
            // Debian's SQLite takes 250,000 values in a statement, the usual one 32,766.
            let list = Array(Int64(0)..<250_001)
            await #expect(throws: DatabaseError.self) {
                try await test.database.write(Lease("list")) {
                    try $0.execute("DELETE FROM c WHERE id IN \(list: list)")
                }
            }
        }
    }

    @Test("keys of other kinds, and a key that several rows share, are deleted and counted too")
    func deleteOtherKeys() async throws {
        try await self.withTables { test async throws in
            let counts = try await test.database.write(Lease("delete")) { db in
                try db.execute("CREATE TABLE names (name TEXT PRIMARY KEY, hash BLOB UNIQUE)")
                try db.execute("INSERT INTO names VALUES ('a''b', x'01'), ('\"', x'02'), ('c', x'03')")
                return [
                    try db.delete(from: "names", key: "name", keys: ["a'b", "\"", "?"]),
                    try db.delete(from: "names", key: "hash", keys: [[UInt8(3)], [9]]),
                    try db.delete(from: "b", key: "a", keys: Set([1, 2])),
                    try db.delete(from: "b", key: "a", keys: [Int64]()),
                ]
            }.value
            #expect(counts == [2, 1, 40, 0])
        }
    }

    @Test("a closure that fails after it has deleted leaves everything in place")
    func deleteUndone() async throws {
        struct Own: Error {}
        try await self.withTables { test async throws in
            await #expect(throws: Own.self) {
                try await test.database.write(Lease("delete")) { db in
                    #expect(try db.delete(from: "c", key: "id", keys: 0..<3_000) == 3_000)
                    throw Own()
                }
            }
            let left = try await test.database.read(Lease("left")) {
                try $0.row("SELECT count(*) FROM c", as: Int.self)
            }
            #expect(left == 3_000)
        }
    }
}
