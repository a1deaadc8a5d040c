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

@Suite("Walking a result in pages", .timeLimit(.minutes(2)))
struct RowPagesTests {
    private static let rows = 10_000

    /// A database of jobs of which many began at the same instant.
    private func withJobs(
        _ change: (inout SQLiteConfiguration) -> Void = { _ in }, _ body: (TestDatabase) async throws -> Void
    ) async throws {
        try await TestDatabase.with(change) { test async throws in
            _ = try await test.database.write(Lease("fill", timeout: .seconds(60))) { db in
                try db.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, started INTEGER, note TEXT)")
                try db.execute("CREATE INDEX jobs_started ON jobs (started, id)")
                var generator = SeededGenerator(seed: 1)
                try db.executeBatch(
                    "INSERT INTO jobs VALUES (?, ?, 'x')",
                    rows: (0..<Self.rows).map {
                        [.integer(Int64($0)), .integer(.random(in: 0..<100, using: &generator))]
                    })
            }
            try await body(test)
        }
    }

    private static func paging(size: Int = 1_000, isDescending: Bool = false) -> SQLPaging {
        SQLPaging("SELECT id, started FROM jobs", key: ["started", "id"], size: size, isDescending: isDescending)
    }

    @Test("every row comes once, in the order of the key, whatever the size of the pages", arguments: [false, true])
    func complete(isDescending: Bool) async throws {
        try await self.withJobs { test async throws in
            var generator = SeededGenerator(seed: 2)
            for size in [1_000, 3_333, Self.rows, Int.random(in: 50..<500, using: &generator)] {
                let paging = Self.paging(size: size, isDescending: isDescending)
                var keys: [[Int64]] = []
                var sizes: [Int] = []
                for try await page in test.database.pages(
                    Lease("walk"), paging, { [$0.integer(1), $0.integer(0)] })
                {
                    keys += page.rows
                    sizes.append(page.rows.count)
                    #expect(page.key == page.rows.last?.map { .integer($0) })
                    #expect(page.isLast == (keys.count == Self.rows), "size \(size)")
                }
                #expect(keys.count == Self.rows && Set(keys.map { $0[1] }).count == Self.rows, "size \(size)")
                let ordered = isDescending ? keys.reversed() : keys
                #expect(zip(ordered, ordered.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
                #expect(sizes.dropLast().allSatisfy { $0 == size } && sizes.allSatisfy { $0 > 0 })
            }
        }
    }

    /// Walks `jobs` while rows are deleted behind the walk and ahead of it.
    ///
    /// - Returns: The ids that were there all the time and were not met exactly once.
    private func faults(
        _ test: TestDatabase, next: (_ met: [[Int64]]) async throws -> [[Int64]]
    ) async throws -> Int {
        var met: [[Int64]] = []
        var deleted: Set<Int64> = []
        while true {
            let rows = try await next(met)
            if rows.isEmpty { break }
            met += rows
            // Every tenth of those just met, which moves all later rows up by as many places.
            let victims = rows.filter { $0[1] % 10 == 0 }.map { $0[1] }
            deleted.formUnion(victims)
            try await test.database.delete(Lease("delete"), from: "jobs", key: "id", keys: victims)
        }
        let counts = Dictionary(met.map { ($0[1], 1) }, uniquingKeysWith: +)
        return (0..<Int64(Self.rows)).filter { !deleted.contains($0) && counts[$0] != 1 }.count
    }

    @Test("rows deleted between two pages take no other row with them; with OFFSET they do")
    func deletions() async throws {
        try await self.withJobs { test async throws in
            let faults = try await self.faults(test) { met in
                let key = met.last.map { $0.map { SQLValue.integer($0) } }
                let page = try await test.database.read(Lease("page")) { db in
                    try db.page(Self.paging(), after: key) { [$0.integer(1), $0.integer(0)] }
                }
                return page?.rows ?? []
            }
            #expect(faults == 0)
        }
        try await self.withJobs { test async throws in
            let faults = try await self.faults(test) { met in
                let offset = met.count
                return try await test.database.read(Lease("offset")) { db in
                    try db.rows("SELECT started, id FROM jobs ORDER BY started, id LIMIT 1000 OFFSET \(offset)") {
                        [$0.integer(0), $0.integer(1)]
                    }
                }
            }
            #expect(faults > 500)
        }
    }

    @Test("each page has a lease of its own, and none is held between two")
    func leases() async throws {
        try await self.withJobs({ $0.readersMax = 1 }) { test async throws in
            let before = test.database.readerPool.leases
            var pages = 0
            for try await page in test.database.pages(Lease("walk"), Self.paging(), as: Job.self) {
                pages += 1
                #expect(page.rows.count == 1_000)
                #expect(try await eventually { test.database.readerPool.used == 0 })
                // The only reader is free for others, in the middle of the walk.
                #expect(try await test.count() == 0)
            }
            #expect(pages == 10)
            // The walk's pages and the reads inside it: not one lease more.
            #expect(test.database.readerPool.leases - before == 20)
        }
    }

    private struct Job: Decodable, Sendable {
        var id: Int64
        var started: Int64
    }

    @Test("each page sees what was committed before it, and the key carries the walk over a restart")
    func resume() async throws {
        try await self.withJobs { test async throws in
            var resumed: [SQLValue]?
            for try await page in test.database.pages(Lease("walk"), Self.paging(), as: Job.self) {
                resumed = page.key
                break
            }
            let late = Int64(Self.rows)
            _ = try await test.database.write(Lease("late")) {
                try $0.execute("INSERT INTO jobs VALUES (\(late), 1000, 'late'), (\(-1), -1, 'behind the walk')")
            }
            await test.database.close()
            let again = try await SQLiteDatabase.open(TestDatabase.configuration(test.directory))
            var ids: [Int64] = []
            for try await page in again.pages(Lease("walk"), Self.paging(), after: resumed, as: Job.self) {
                ids += page.rows.map(\.id)
            }
            await again.close()
            #expect(ids.count == Self.rows - 1_000 + 1 && Set(ids).count == ids.count)
            #expect(ids.last == late && !ids.contains(-1))
        }
    }

    @Test("a cancelled walk ends inside the page it waits for")
    func cancellation() async throws {
        try await self.withJobs { test async throws in
            let database = test.database
            let begun = Gate()
            let walk = Task {
                var pages = 0
                // A walk that ends too early must not leave the test waiting.
                defer { Task { await begun.open() } }
                let paging = SQLPaging("SELECT id FROM jobs", key: ["id"], size: 100)
                for try await _ in database.pages(Lease("walk", timeout: .seconds(60)), paging, { $0.integer(0) }) {
                    pages += 1
                    if pages == 3 {
                        await begun.open()
                        // Waits for its own cancellation, which is the only thing that can end it.
                        let (never, continuation) = AsyncStream<Void>.makeStream()
                        for await _ in never {}
                        continuation.finish()
                    }
                }
                return pages
            }
            await begun.wait()
            walk.cancel()
            await #expect(throws: CancellationError.self) { try await walk.value }
            #expect(try await test.count() == 0)
        }
    }

    @Test("an error ends the walk")
    func errors() async throws {
        struct Stop: Error {}
        try await self.withJobs { test async throws in
            let pages = test.database.pages(Lease("walk"), Self.paging()) { row in
                if row.integer(1) > 50 { throw Stop() }
                return row.integer(0)
            }
            var iterator = pages.makeAsyncIterator()
            await #expect(throws: Stop.self) { while try await iterator.next() != nil {} }
            #expect(try await iterator.next() == nil)
        }
    }

    @Test("a key that would lose rows is refused: null, not unique, or not in the result")
    func keys() async throws {
        try await self.withJobs { test async throws in
            func error(_ query: SQL, _ key: [String], size: Int = 1_000) async -> ColumnError? {
                do {
                    for try await _ in test.database.pages(
                        Lease("walk"), SQLPaging(query, key: key, size: size), { $0.integer(0) })
                    {}
                    return nil
                } catch {
                    return error as? ColumnError
                }
            }
            #expect(await error("SELECT id, started FROM jobs", ["started"])?.reason == .repeatedKey)
            #expect(await error("SELECT id, NULL AS n FROM jobs", ["n", "id"])?.reason == .nullKey)
            #expect(await error("SELECT id, NULL AS n FROM jobs", ["n", "id"])?.column == "n")
            // Two rows with one key that only stand on either side of an edge.
            let pair: SQL = "SELECT 1 AS id UNION ALL SELECT 1"
            #expect(await error(pair, ["id"], size: 1)?.reason == .repeatedKey)
            #expect(await error("SELECT id FROM jobs", ["id"]) == nil)
            await #expect(throws: DatabaseError.self) {
                try await test.database.read(Lease("page")) {
                    try $0.page(SQLPaging("SELECT id FROM jobs", key: ["started"])) { $0.integer(0) }
                }
            }
        }
    }

    /// SQLite's plan of a page.
    private func plan(_ test: TestDatabase, _ paging: SQLPaging, after key: [SQLValue]?) async throws -> String {
        let statement = paging.statement(after: key)
        return try await test.database.read(Lease("plan")) { db in
            try db.rows("EXPLAIN QUERY PLAN " + statement) { $0.text(3) }.joined(separator: "; ")
        }
    }

    @Test("a later page is found by the index and sorts nothing; without an index it is not")
    func plans() async throws {
        try await self.withJobs { test async throws in
            let filtered = SQLPaging(
                "SELECT id, started, note FROM jobs WHERE note = \("x")", key: ["started", "id"])
            for isDescending in [false, true] {
                var paging = filtered
                if isDescending {
                    paging = SQLPaging(
                        "SELECT id, started FROM jobs WHERE note = \("x")", key: ["started", "id"], isDescending: true)
                }
                let plan = try await self.plan(test, paging, after: [.integer(50), .integer(5)])
                #expect(plan.contains("SEARCH") && plan.contains("jobs_started") && !plan.contains("TEMP B-TREE"))
            }
            let unindexed = SQLPaging("SELECT id, note FROM jobs", key: ["note", "id"])
            let plan = try await self.plan(test, unindexed, after: [.text("x"), .integer(5)])
            #expect(plan.contains("SCAN") && plan.contains("TEMP B-TREE"))
        }
    }
}
