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

@Suite("Conditional updates", .timeLimit(.minutes(2)))
struct RowConditionTests {
    /// What one round of a race came to.
    private struct Round {
        var winners: [String]
        var state: String
        /// How often a terminal state was written, by a trigger's count.
        var writes: Int
    }

    /// Cancels a running job and lets it exit at the same time, `count` times.
    private func race(
        _ count: Int, _ update: @escaping @Sendable (any SQLWriting, _ job: Int, _ state: String) throws -> Bool
    ) async throws -> [Round] {
        var rounds: [Round] = []
        try await TestDatabase.with { test async throws in
            let database = test.database
            _ = try await database.write(Lease("fill")) { db in
                try db.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT NOT NULL)")
                try db.execute("CREATE TABLE ends (job INTEGER NOT NULL)")
                try db.execute(
                    "CREATE TRIGGER ended AFTER UPDATE OF state ON jobs BEGIN INSERT INTO ends VALUES (new.id); END")
                try db.executeBatch(
                    "INSERT INTO jobs VALUES (?, 'running')", rows: (0..<count).map { [.integer(Int64($0))] })
            }
            for job in 0..<count {
                let winners = try await withThrowingTaskGroup(of: String?.self) { group in
                    // Either may come first, or both may share a transaction.
                    for state in job % 2 == 0 ? ["cancelled", "completed"] : ["completed", "cancelled"] {
                        group.addTask {
                            try await database.write(Lease("end")) { try update($0, job, state) }.value ? state : nil
                        }
                    }
                    return try await group.reduce(into: [String]()) { if let winner = $1 { $0.append(winner) } }
                }
                rounds.append(
                    try await database.read(Lease("look")) { db in
                        Round(
                            winners: winners,
                            state: try db.row("SELECT state FROM jobs WHERE id = \(job)", as: String.self) ?? "",
                            writes: try db.row("SELECT count(*) FROM ends WHERE job = \(job)", as: Int.self) ?? -1)
                    })
            }
        }
        return rounds
    }

    /// The rounds in which not exactly one of the two won, or in which the state is not the winner's.
    private func faults(_ rounds: [Round]) -> Int {
        rounds.filter { $0.winners.count != 1 || $0.winners != [$0.state] || $0.writes != 1 }.count
    }

    @Test("of cancel and exit, raced 1,000 times, exactly one wins each time; without the condition both do")
    func cancelAgainstExit() async throws {
        let rounds = try await self.race(1_000) { db, job, state in
            try db.compareAndSet("UPDATE jobs SET state = \(state) WHERE id = \(job) AND state = 'running'")
        }
        #expect(rounds.count == 1_000 && self.faults(rounds) == 0)
        // Both really race: neither always wins.
        let cancelled = rounds.filter { $0.state == "cancelled" }.count
        #expect((1..<1_000).contains(cancelled), "\(cancelled) cancelled")
        let unconditional = try await self.race(50) { db, job, state in
            try db.compareAndSet("UPDATE jobs SET state = \(state) WHERE id = \(job)")
        }
        #expect(self.faults(unconditional) == 50)
    }

    @Test("a row that is not there, or not as expected, is false; an insert can win as well")
    func outcomes() async throws {
        try await TestDatabase.with { test async throws in
            let outcomes = try await test.database.write(Lease("outcomes")) { db in
                [
                    try db.compareAndSet("INSERT INTO t (id, value) VALUES (1, 1) ON CONFLICT DO NOTHING"),
                    try db.compareAndSet("INSERT INTO t (id, value) VALUES (1, 1) ON CONFLICT DO NOTHING"),
                    try db.compareAndSet("UPDATE t SET value = 2 WHERE id = 1 AND value = 1"),
                    try db.compareAndSet("UPDATE t SET value = 3 WHERE id = 1 AND value = 1"),
                    try db.compareAndSet("UPDATE t SET value = 3 WHERE id = 2"),
                    try db.compareAndSet("DELETE FROM t WHERE id = 1 AND value = 2"),
                    try db.compareAndSet("DELETE FROM t WHERE id = 1 AND value = 2"),
                ]
            }.value
            #expect(outcomes == [true, false, true, false, false, true, false])
        }
    }

    @Test("more than one row is an error, and none of them is changed")
    func tooManyRows() async throws {
        try await TestDatabase.with { test async throws in
            _ = try await test.database.write(Lease("fill")) {
                try $0.execute("INSERT INTO t (id, value) VALUES (1, 1), (2, 2), (3, 3)")
            }
            await #expect {
                try await test.database.write(Lease("update")) {
                    try $0.compareAndSet("UPDATE t SET text = \("secret") WHERE value > \(1)")
                }
            } throws: { error in
                guard let error = error as? TooManyRowsError else { return false }
                return error.changed == 2 && "\(error)".contains("2 rows") && !"\(error)".contains("secret")
            }
            let changed = try await test.database.read(Lease("look")) {
                try $0.row("SELECT count(*) FROM t WHERE text IS NOT NULL", as: Int.self)
            }
            #expect(changed == 0)
        }
    }
}
