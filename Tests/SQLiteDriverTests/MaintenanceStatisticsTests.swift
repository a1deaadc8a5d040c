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

/// The query planner's statistics.
@Suite("Planner statistics", .serialized, .timeLimit(.minutes(5)))
struct MaintenanceStatisticsTests {
    /// Rows of the table whose analysis is timed; the known figure is 2 million.
    private static let rows = ProcessInfo.processInfo.environment["WEIR_TEST_ROWS"].flatMap { Int64($0) } ?? 300_000

    /// The index that a reader would use.
    private func plan(_ database: SQLiteDatabase) async throws -> String {
        try await database.read(.patient("plan")) {
            try $0.row("EXPLAIN QUERY PLAN SELECT text FROM p WHERE b = 1 AND c = 1") { $0.text(3) } ?? ""
        }
    }

    /// Fills `p` so that one of its two columns tells rows apart and the other does not.
    private func fill(_ database: SQLiteDatabase, telling column: String) async throws {
        _ = try await database.write(.patient("fill")) { db in
            try db.execute("CREATE TABLE IF NOT EXISTS p (id INTEGER PRIMARY KEY, b INTEGER, c INTEGER, text TEXT)")
            try db.execute("CREATE INDEX IF NOT EXISTS p_b ON p (b)")
            try db.execute("CREATE INDEX IF NOT EXISTS p_c ON p (c)")
            try db.execute("DELETE FROM p")
            try db.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
                INSERT INTO p (b, c) SELECT \(column == "b" ? "i" as SQL : "1" as SQL),
                \(column == "c" ? "i" as SQL : "1" as SQL) FROM n
                """)
        }
    }

    @Test("a reader opened before uses the new plan after; without its replacement it keeps the old one")
    func plans() async throws {
        try await TestDatabase.with({ $0.readersMax = 1 }) { test async throws in
            let database = test.database
            try await self.fill(database, telling: "b")
            #expect(try await database.optimize() == 2)
            #expect(try await self.plan(database).contains("p_b"))
            try await self.fill(database, telling: "c")
            // Control: new statistics alone.
            _ = try await database.writer.withConnection(.patient("analyze")) { connection in
                try connection.asDriver { try connection.control("ANALYZE") }
            }
            #expect(try await self.plan(database).contains("p_b"))
            _ = try await database.optimize()
            #expect(try await self.plan(database).contains("p_c"))
        }
    }

    @Test("tables that only readers search are analysed too; PRAGMA optimize alone would leave them out")
    func readersTables() async throws {
        try await TestDatabase.with { test async throws in
            let database = test.database
            try await self.fill(database, telling: "c")
            _ = try await self.plan(database)
            @Sendable func analysed() async throws -> Int64 {
                try await database.read(.patient("analysed")) { db in
                    guard try db.row("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'", { _ in }) != nil else {
                        return 0
                    }
                    return try db.row("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'p'") { $0.integer(0) } ?? 0
                }
            }
            // Control. From 3.46 on 0x10002 looks at all tables; before, the bit is not known.
            _ = try await database.writer.withConnection(.patient("pragma")) { connection in
                try connection.asDriver {
                    try connection.control("PRAGMA analysis_limit=400")
                    try connection.control("PRAGMA optimize")
                }
            }
            #expect(try await analysed() == 0)
            _ = try await database.optimize()
            #expect(try await analysed() == 2)
        }
    }

    @Test("the writer is held for milliseconds, however large the table; without a limit it is held for its size")
    func hold() async throws {
        try await TestDatabase.with { test async throws in
            let database = test.database
            _ = try await database.write(.patient("fill")) { db in
                try db.execute(
                    """
                    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < \(Self.rows))
                    INSERT INTO t (id, value, text) SELECT i, i, i % 1000 FROM n
                    """)
                try db.execute("CREATE INDEX t_text ON t (text)")
                try db.execute("CREATE INDEX t_both ON t (text, value)")
            }
            @Sendable func hold(_ limit: Int) async throws -> Duration {
                try await database.writer.withConnection(.patient("hold")) { connection in
                    try connection.asDriver {
                        try connection.control("PRAGMA analysis_limit=\(limit)")
                        return try ContinuousClock().measure { try connection.control("ANALYZE t") }
                    }
                }
            }
            let unlimited = try await hold(0)
            var limited: [Duration] = []
            for _ in 0..<5 { limited.append(try await hold(400)) }
            let typical = limited.sorted()[2]
            print("analysis of \(Self.rows) rows: the writer is held for \(typical), without a limit for \(unlimited)")
            #expect(typical < .milliseconds(50))
            #expect(unlimited > typical * 5)
            // And the product's own call lets writes pass.
            let writes = try await withThrowingTaskGroup(of: Duration.self) { group in
                let isDone = Flag()
                group.addTask {
                    var longest = Duration.zero
                    while !isDone.isSet {
                        let took = try await ContinuousClock().measure {
                            _ = try await database.write(.patient("beside")) {
                                try $0.execute("UPDATE t SET text = text WHERE id = 1")
                            }
                        }
                        longest = max(longest, took)
                    }
                    return longest
                }
                _ = try await database.optimize()
                isDone.set()
                return try await group.next() ?? .zero
            }
            print("the longest write beside it took \(writes)")
            #expect(writes < .seconds(1))
        }
    }
}
