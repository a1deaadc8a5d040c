//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import SQLCore
import Synchronization
import TestSupport
import Testing

@testable import SQLiteDriver

@Suite("Memory is released", .timeLimit(.minutes(1)))
struct MemoryReleaseTests {
    private static let rows: Int64 = 40_000

    /// A database of about 20 MB and a count of releases.
    private func with(
        idleMax: Duration = .seconds(30), _ body: (TestDatabase, borrowing Atomic<Int>) async throws -> Void
    ) async throws {
        let releases = Counter()
        try await TestDatabase.with({
            $0.readersMax = 1
            $0.readerIdleTimeout = idleMax
            $0.onMemoryReleased = { releases.value.add(1, ordering: .relaxed) }
        }) { test async throws in
            _ = try await test.database.write(Lease("fill", timeout: .seconds(30))) {
                try $0.execute(
                    """
                    INSERT INTO t (id, value, text) WITH RECURSIVE n (i) AS (
                        SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT \(Self.rows)) SELECT i, i, hex(zeroblob(250)) FROM n
                    """)
            }
            // Opened before anything is counted.
            #expect(try await test.count() == Self.rows)
            try await body(test, releases.value)
        }
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    private func cacheBytes(_ test: TestDatabase, _ pool: String) -> Int {
        test.database.memory.first { $0.pool == pool }?.cacheBytes ?? -1
    }

    @Test("a reader gives its cache back after a long query, and the account says so")
    func longQuery() async throws {
        try await self.with { test, releases async throws in
            let before = releases.load(ordering: .relaxed)
            // 40,000 rows are more than a million instructions only when every one is looked at many times.
            let used = try await test.database.read(Lease("long", timeout: .seconds(30))) { db in
                _ = try db.row("SELECT sum(length(a.text)) FROM t a, (SELECT 1 FROM t LIMIT 10)") { $0.integer(0) }
                return (db as? SQLiteConnection)?.cacheBytes ?? 0
            }
            #expect(used > 4 << 20)
            #expect(try await eventually { releases.load(ordering: .relaxed) > before })
            #expect(self.cacheBytes(test, "reader") < 256 << 10)
        }
    }

    @Test("short queries, however many, keep the cache warm")
    func shortQueries() async throws {
        try await self.with { test, releases async throws in
            let before = releases.load(ordering: .relaxed)
            for _ in 0..<20 {
                _ = try await test.database.read(Lease("short")) { db in
                    try db.row("SELECT sum(length(text)) FROM t WHERE id % 3 = 0 AND id < 8000") { $0.integer(0) }
                }
            }
            let used = try await test.database.read(Lease("used")) { ($0 as? SQLiteConnection)?.cacheBytes ?? 0 }
            #expect(used > 2 << 20)
            #expect(releases.load(ordering: .relaxed) == before)
        }
    }

    @Test("the writer keeps its cache between writes, and gives it back after a rest")
    func idleWriter() async throws {
        for (idleMax, returns) in [(Duration.milliseconds(200), true), (.seconds(30), false)] {
            try await self.with(idleMax: idleMax) { test, releases async throws in
                let database = test.database
                let used = try await database.write(Lease("write")) { db in
                    try db.execute("UPDATE t SET text = 'x' WHERE id = 1")
                    return (db as? SQLiteConnection)?.cacheBytes ?? 0
                }.value
                #expect(used > 4 << 20)
                // Ten times as long as the rest of the one, and a tenth of the other's.
                let isBack = try await eventually(within: .seconds(2)) {
                    self.cacheBytes(test, "writer") < 256 << 10 && releases.load(ordering: .relaxed) > 0
                }
                #expect(isBack == returns)
            }
        }
    }

    @Test("the account names every open connection, and no closed one")
    func account() async throws {
        try await self.with { test, _ async throws in
            let memory = test.database.memory
            #expect(memory.map(\.pool) == ["reader", "writer"])
            #expect(memory.allSatisfy { $0.statementBytes > 0 && $0.schemaBytes > 0 })
            await test.database.close()
            #expect(test.database.memory.isEmpty)
        }
    }

    @Test("the directory of large sorts is where SQLite puts them, and one in memory is known")
    func temporaryDirectory() throws {
        #expect(!SQLiteMemory.temporaryDirectory.isEmpty)
        #expect(SQLiteMemory.isInMemory(directory: "/dev/shm"))
        #expect(!SQLiteMemory.isInMemory(directory: "/proc") && !SQLiteMemory.isInMemory(directory: "/none"))
    }
}
