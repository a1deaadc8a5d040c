//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench
import GRDB

/// GRDB's pool in its quickest idiom: async accesses, cached statements, columns by index from a cursor, no records.
struct GRDBPeer: Peer {
    let pool: DatabasePool
    let rows: Int64

    init(_ setup: PeerSetup) throws {
        var configuration = Configuration()
        configuration.maximumReaderCount = setup.readers
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            let kib = db.configuration.readonly ? setup.readerCacheKiB : setup.writerCacheKiB
            try db.execute(sql: "PRAGMA cache_size=-\(kib)")
            try db.execute(sql: "PRAGMA temp_store=1")
            try db.execute(sql: "PRAGMA mmap_size=0")
            try db.execute(sql: "PRAGMA secure_delete=FAST")
        }
        // GRDB names no VFS, so for this one opening the slow one is the default.
        if setup.isSlow { weir_bench_slow_register(true) }
        defer { if setup.isSlow { weir_bench_slow_register(false) } }
        self.pool = try DatabasePool(path: setup.path, configuration: configuration)
        self.rows = setup.rows
        let wanted = setup.isFull ? 2 : 1
        try self.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous=\(wanted)")
            guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == wanted else {
                throw BenchFailure("GRDB did not take synchronous=\(wanted)")
            }
        }
    }

    func close() async throws { try self.pool.close() }

    func execute(_ statement: BenchStatement) async throws {
        try await self.pool.write { db in try db.execute(sql: "\(statement.text)") }
    }

    func run(_ kind: Kind, _ load: Load) async throws -> Measurement {
        let rows = self.rows
        return switch kind {
        case .emptyLease: try await measure(load) { _ in try await self.pool.read { _ in 0 } }
        case .pointRead: try await measure(load) { try await self.pointRead(pick($0, rows)) }
        case .pageRead: try await measure(load) { try await self.pageRead(pick($0, rows - 25)) }
        case .scan: try await measure(load) { try await self.scan(pick($0, rows - 10_000)) }
        case .singleWrite: try await measure(load) { try await self.write($0, count: 1) }
        case .tenWrites: try await measure(load) { try await self.write($0, count: 10) }
        case .mixed:
            try await measure(load) { random in
                random % 10 == 0
                    ? try await self.write(random / 10, count: 1) : try await self.pointRead(pick(random / 10, rows))
            }
        }
    }

    private func pointRead(_ id: Int64) async throws -> Int64 {
        let row = try await self.pool.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT name, status, created, attempts FROM jobs WHERE id = ?")
            statement.setUncheckedArguments([id])
            let cursor = try Row.fetchCursor(statement)
            // The row is the cursor's: it ends with it.
            return try withExtendedLifetime(cursor) {
                try cursor.next().map { PointRow(name: $0[0], status: $0[1], created: $0[2], attempts: $0[3]) }
            }
        }
        guard let row else { throw BenchFailure("no job \(id)") }
        return row.sum
    }

    private func pageRead(_ first: Int64) async throws -> Int64 {
        let page = try await self.pool.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT id, repository, name, status, created FROM jobs WHERE id >= ? ORDER BY id LIMIT 25")
            statement.setUncheckedArguments([first])
            let cursor = try Row.fetchCursor(statement)
            var page: [PageRow] = []
            while let row = try cursor.next() {
                page.append(PageRow(id: row[0], repository: row[1], name: row[2], status: row[3], created: row[4]))
            }
            return page
        }
        guard page.count == 25 else { throw BenchFailure("a page of \(page.count) rows") }
        return page.reduce(0) { $0 + $1.sum }
    }

    private func scan(_ first: Int64) async throws -> Int64 {
        try await self.pool.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT id, status, created, started, completed FROM jobs WHERE id >= ? AND id < ?")
            statement.setUncheckedArguments([first, first + 10_000])
            let cursor = try Row.fetchCursor(statement)
            var sum: Int64 = 0
            while let row = try cursor.next() {
                let status: String = row[1]
                sum += (row[0] as Int64) + Int64(status.utf8.count)
                sum += (row[4] as Int64) - (row[3] as Int64) + (row[3] as Int64) - (row[2] as Int64)
            }
            return sum
        }
    }

    private func write(_ random: UInt64, count: Int) async throws -> Int64 {
        try await self.pool.write { [rows] db in
            var random = random
            var sum: Int64 = 0
            let statement = try db.cachedStatement(sql: "UPDATE jobs SET attempts = attempts + 1 WHERE id = ?")
            for _ in 0..<count {
                let id = pick(random, rows)
                statement.setUncheckedArguments([id])
                try statement.execute()
                sum += id
                _ = weir_bench_next(&random)
            }
            return sum
        }
    }
}
