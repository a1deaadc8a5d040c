//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench
import ConnectionPoolModule
import SQLCore
import SQLiteDriver

/// The layer under test, used as its users do: a lease and a statement with its values in each operation.
struct WeirPeer: Peer {
    let database: SQLiteDatabase
    let rows: Int64

    init(_ setup: PeerSetup) async throws {
        var configuration = SQLiteConfiguration(path: setup.path, applicationID: PeerSetup.applicationID)
        configuration.readersMax = setup.readers
        // The others keep all of theirs.
        configuration.readersMin = setup.readers
        configuration.memoryBytes = setup.memoryBytes
        configuration.durability = setup.isFull ? .full : .normal
        if setup.isSlow { configuration.vfs = String(cString: weir_bench_slow_vfs) }
        self.database = try await SQLiteDatabase.open(configuration)
        self.rows = setup.rows
    }

    func close() async { await self.database.close() }

    func execute(_ statement: BenchStatement) async throws {
        let lease = Lease("bench.bulk", acquireTimeout: .seconds(60), timeout: .seconds(120))
        _ = try await self.database.write(lease) { try $0.execute(SQL(stringLiteral: statement.text)) }
    }

    func run(_ kind: Kind, _ load: Load) async throws -> Measurement {
        let rows = self.rows
        return switch kind {
        case .emptyLease: try await measure(load) { _ in try await self.emptyLease() }
        case .pointRead: try await measure(load) { try await self.pointRead(pick($0, rows)) }
        case .pageRead: try await measure(load) { try await self.pageRead(pick($0, rows - 25)) }
        case .scan: try await measure(load) { try await self.scan(pick($0, rows - 10_000)) }
        case .singleWrite: try await measure(load) { try await self.singleWrite($0) }
        case .tenWrites: try await measure(load) { try await self.tenWrites($0) }
        case .mixed:
            try await measure(load) { random in
                random % 10 == 0
                    ? try await self.singleWrite(random / 10) : try await self.pointRead(pick(random / 10, rows))
            }
        }
    }

    private func emptyLease() async throws -> Int64 { try await self.database.read(Lease("bench.empty")) { _ in 0 } }

    private func pointRead(_ id: Int64) async throws -> Int64 {
        let row = try await self.database.read(Lease("bench.point")) { db in
            try db.row("SELECT name, status, created, attempts FROM jobs WHERE id = \(id)") {
                PointRow(name: $0.text(0), status: $0.text(1), created: $0.integer(2), attempts: $0.integer(3))
            }
        }
        guard let row else { throw BenchFailure("no job \(id)") }
        return row.sum
    }

    private func pageRead(_ first: Int64) async throws -> Int64 {
        let page = try await self.database.read(Lease("bench.page")) { db in
            try db.rows(
                "SELECT id, repository, name, status, created FROM jobs WHERE id >= \(first) ORDER BY id LIMIT 25"
            ) {
                PageRow(
                    id: $0.integer(0), repository: $0.text(1), name: $0.text(2), status: $0.text(3),
                    created: $0.integer(4))
            }
        }
        guard page.count == 25 else { throw BenchFailure("a page of \(page.count) rows") }
        return page.reduce(0) { $0 + $1.sum }
    }

    private func scan(_ first: Int64) async throws -> Int64 {
        let lease = Lease("bench.scan", acquireTimeout: .seconds(30), timeout: .seconds(60))
        return try await self.database.read(lease) { db in
            var sum: Int64 = 0
            try db.forEachRow(
                """
                SELECT id, status, created, started, completed FROM jobs WHERE id >= \(first) AND id < \(first + 10_000)
                """
            ) { row in
                sum += row.integer(0) + Int64(row.text(1).utf8.count)
                sum += row.integer(4) - row.integer(3) + row.integer(3) - row.integer(2)
                return true
            }
            return sum
        }
    }

    private func singleWrite(_ random: UInt64) async throws -> Int64 {
        let id = pick(random, self.rows)
        _ = try await self.database.write(Lease("bench.write", lane: .ingest)) { db in
            try db.execute("UPDATE jobs SET attempts = attempts + 1 WHERE id = \(id)")
        }
        return id
    }

    private func tenWrites(_ random: UInt64) async throws -> Int64 {
        try await self.database.write(Lease("bench.write10", lane: .ingest)) { [rows] db in
            var random = random
            var sum: Int64 = 0
            for _ in 0..<10 {
                let id = pick(random, rows)
                try db.execute("UPDATE jobs SET attempts = attempts + 1 WHERE id = \(id)")
                sum += id
                _ = weir_bench_next(&random)
            }
            return sum
        }.value
    }
}
