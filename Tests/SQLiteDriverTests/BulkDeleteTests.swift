//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// Reads at a constant rate of arrival, beside a write transaction that takes seconds.
@Suite("Reads beside a bulk delete", .timeLimit(.minutes(4)))
struct BulkDeleteTests {
    private static let rows = 1_200_000

    private func fill(_ database: SQLiteDatabase, rows: Int = Self.rows) async throws {
        let numbers: SQL = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))"
        _ = try await database.write(Lease("fill", lane: .maintenance, timeout: .seconds(120))) {
            try $0.execute("CREATE TABLE IF NOT EXISTS victims (id INTEGER PRIMARY KEY, a INTEGER, b TEXT)")
            try $0.execute("CREATE INDEX IF NOT EXISTS victims_a ON victims (a)")
            try $0.execute("CREATE INDEX IF NOT EXISTS victims_b ON victims (b)")
            try $0.execute("INSERT INTO victims \(numbers) SELECT i, i * 7919 % 1000003, 'row ' || i FROM n")
            try $0.execute("INSERT OR IGNORE INTO t \(numbers) SELECT i, i, 'text ' || i FROM n WHERE i <= 10000")
        }
    }

    /// Asks for a read at each instant of an even schedule, whether or not the ones before have been answered, and
    /// returns how long after its instant each was answered.
    private func openLoop(
        perSecond rate: Int, until isOver: @escaping @Sendable () -> Bool,
        read: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> [Duration] {
        try await withThrowingTaskGroup(of: Duration.self) { group in
            let start = ContinuousClock.now
            var asked = 0
            while !isOver() {
                let elapsed = ContinuousClock.now - start
                let due = Int(elapsed / .seconds(1) * Double(rate))
                while asked < due {
                    asked += 1
                    let number = asked
                    let instant = start.advanced(by: .seconds(1) * number / rate)
                    group.addTask {
                        try await read(number)
                        return .now - instant
                    }
                }
                try await Task.sleep(for: .milliseconds(1), tolerance: .zero)
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func p99(_ durations: [Duration]) -> Duration {
        durations.sorted()[durations.count * 99 / 100]
    }

    private static let point: SQL = "SELECT text FROM t WHERE id = 4711"
    private static let bulk: SQL = "DELETE FROM victims WHERE id > 0"

    private func read(_ database: SQLiteDatabase) async throws {
        _ = try await database.read(Lease("point", timeout: .seconds(30))) { try $0.row(Self.point) { $0.text(0) } }
    }

    /// A fifth of what tasks that wait for each other's answers get through; at most as many as an unoptimised test can
    /// ask for without measuring itself.
    private func fifthOfCapacity(_ database: SQLiteDatabase) async throws -> Int {
        let end = ContinuousClock.now.advanced(by: .seconds(1))
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        try await self.read(database)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return min(max(100, count / 5), 2_000)
    }

    @Test("reads at a fifth of the capacity take at most three times as long beside a delete of a million rows")
    func beside() async throws {
        try await TestDatabase.with { test in
            let database = test.database
            var attempts: [String] = []
            // What else runs on the machine may spoil one comparison, hardly three; the control is off by hundreds.
            for _ in 1...3 {
                try await self.fill(database)
                let rate = try await self.fifthOfCapacity(database)
                let end = ContinuousClock.now.advanced(by: .seconds(3))
                let calm = try await self.openLoop(perSecond: rate, until: { ContinuousClock.now >= end }) { _ in
                    try await self.read(database)
                }
                let isDeleted = Flag()
                async let deletion: Duration = {
                    defer { isDeleted.set() }
                    let start = ContinuousClock.now
                    let lease = Lease("bulk delete", lane: .maintenance, timeout: .seconds(60))
                    let count = try await database.write(lease) { try $0.execute(Self.bulk) }
                    #expect(count.value == Self.rows)
                    return .now - start
                }()
                let busy = try await self.openLoop(perSecond: rate, until: { isDeleted.isSet }) { _ in
                    try await self.read(database)
                }
                let (before, beside) = (self.p99(calm), self.p99(busy))
                attempts.append(
                    "p99 \(before) calm, \(beside) beside a delete of \(try await deletion), \(rate) reads/s")
                print("bulk delete: \(attempts[attempts.count - 1])")
                if beside <= before * 3, beside < .milliseconds(10) { return }
            }
            Issue.record("\(attempts)")
        }
    }

    @Test("control: behind one connection and one mutex the same reads wait for the whole delete")
    func oneConnection() async throws {
        try await TestDatabase.with { test in
            try await self.fill(test.database, rows: 400_000)
            await test.database.close()
            let connection = try OneConnection(test.path)
            let isDeleted = Flag()
            async let deletion: Void = onThread {
                defer { isDeleted.set() }
                try connection.run(Self.bulk.text)
            }
            let busy = try await self.openLoop(perSecond: 200, until: { isDeleted.isSet }) { _ in
                try await onThread { try connection.run(Self.point.text) }
            }
            try await deletion
            print("bulk delete, one connection: p99 \(self.p99(busy))")
            #expect(self.p99(busy) > .seconds(1))
        }
    }

    /// What servers do that this library is against.
    private final class OneConnection: @unchecked Sendable {
        // The connection is used under the monitor only.
        private let monitor = Monitor()
        private var db: OpaquePointer?

        struct Failed: Error {}

        init(_ path: String) throws {
            guard sqlite3_open_v2(path, &self.db, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else { throw Failed() }
        }

        deinit { sqlite3_close_v2(self.db) }

        func run(_ sql: String) throws {
            try self.monitor.withLock {
                guard sqlite3_exec(self.db, sql, nil, nil, nil) == SQLITE_OK else { throw Failed() }
            }
        }
    }
}
