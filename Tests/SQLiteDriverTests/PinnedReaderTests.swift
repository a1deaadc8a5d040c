//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CWeirSQLite
import ConnectionPoolModule
import SQLCore
import Synchronization
import TestSupport
import Testing

@testable import SQLiteDriver

@Suite("A reader that pins the log", .serialized, .timeLimit(.minutes(60)))
struct PinnedReaderTests {
    private static let goalBytes = 256 << 10

    /// What a run at full write rate saw while the reader held the log.
    private struct Outcome: Sendable {
        var logBytesMax = 0
        /// What had been written to the log, with the time since the reader began.
        var samples: [(at: Duration, bytes: Int64)] = []
        var pinned: PinnedLog?
        var slowestWrite: Duration = .zero

        /// What the log may grow to while a reader of this deadline lives: all that is written until then, and in half a
        /// second more for the deadline to be noticed and the log to be emptied, and what it holds anyway.
        func bound(deadline: Duration) -> Int {
            let end = deadline + .milliseconds(500)
            let written = (self.samples.first { $0.at >= end } ?? self.samples.last)?.bytes ?? 0
            return 4 * PinnedReaderTests.goalBytes + Int(written)
        }
    }

    private final class Findings: Sendable {
        private let outcome = Mutex(Outcome())

        var all: Outcome { self.outcome.withLock { $0 } }

        func note(_ change: (inout Outcome) -> Void) { self.outcome.withLock { change(&$0) } }
    }

    private static func deadline() -> Duration {
        .milliseconds(environment("WEIR_PIN_MILLISECONDS", default: 1_500))
    }

    private func write(_ task: Int64, _ database: SQLiteDatabase, _ isOver: Flag, _ findings: Findings) async throws {
        var round: Int64 = 0
        while !isOver.isSet {
            round += 1
            let id = task * 1_000 + round % 500
            // Another one each time: SQLite writes no page whose content stays the same.
            let text = Ledger.text(task &+ 8 &* round)
            let started = ContinuousClock.now
            _ = try await database.write(Lease("fill", acquireTimeout: .seconds(30), timeout: .seconds(30))) {
                try $0.execute(
                    """
                    INSERT INTO ledger (id, text) VALUES (\(id), \(text))
                    ON CONFLICT (id) DO UPDATE SET text = excluded.text
                    """)
            }
            let duration = ContinuousClock.now - started
            findings.note { $0.slowestWrite = max($0.slowestWrite, duration) }
        }
    }

    /// Looks at the log every few milliseconds.
    private func watch(
        _ plan: FaultPlan, _ database: SQLiteDatabase, until isOver: Flag, _ findings: Findings
    ) async throws {
        let before = weir_fault_log_bytes(plan.number)
        let started = ContinuousClock.now
        while !isOver.isSet {
            let bytes = Int(weir_file_size(database.configuration.path + "-wal"))
            let sample = (ContinuousClock.now - started, weir_fault_log_bytes(plan.number) - before)
            let pinned = database.pinned
            findings.note {
                $0.logBytesMax = max($0.logBytesMax, bytes)
                $0.samples.append(sample)
                $0.pinned = pinned ?? $0.pinned
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Full write rate for as long as `hold` lasts, which keeps a snapshot, and for a second and a half more.
    private func run(
        _ plan: FaultPlan, _ database: SQLiteDatabase, hold: (Findings) async throws -> Void
    ) async throws -> Outcome {
        let findings = Findings()
        let isOver = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in Int64(0)..<8 { group.addTask { try await self.write(task, database, isOver, findings) } }
            group.addTask { try await self.watch(plan, database, until: isOver, findings) }
            try await hold(findings)
            // Long enough for a log that is not emptied to outgrow the bound.
            try await Task.sleep(for: .milliseconds(1_500))
            isOver.set()
            try await group.waitForAll()
        }
        return findings.all
    }

    private func open(_ plan: FaultPlan) async throws -> SQLiteDatabase {
        var configuration = plan.configuration
        configuration.walGoalBytes = Self.goalBytes
        let database = try await SQLiteDatabase.open(configuration)
        _ = try await database.write(Lease("create")) { try $0.execute(Ledger.schema) }
        return database
    }

    @Test("held by a lease, the log grows until the lease's deadline, names it, and shrinks again")
    func lease() async throws {
        let plan = try FaultPlan(TemporaryDirectory())
        let database = try await self.open(plan)
        let deadline = Self.deadline()
        let outcome = try await self.run(plan, database) { _ in
            await #expect {
                _ = try await database.read(Lease("export", timeout: deadline)) {
                    _ = try $0.row("SELECT count(*) FROM ledger") { $0.integer(0) }
                    return try $0.row(TestDatabase.endless) { $0.integer(0) }
                }
            } throws: { ($0 as? LeaseError)?.reason == .deadlineExceeded }
        }
        let bound = outcome.bound(deadline: deadline)
        print(
            "log \(outcome.logBytesMax >> 10) KiB at most, bound \(bound >> 10) KiB, slowest write "
                + "\(outcome.slowestWrite.inMilliseconds) ms; \(outcome.pinned.map { "\($0)" } ?? "never pinned")")
        // The test shows something only if the reader did pin the log.
        #expect(outcome.logBytesMax > 8 * Self.goalBytes)
        #expect(outcome.logBytesMax <= bound)
        let culprit = try #require(outcome.pinned?.holders.first)
        #expect(culprit.label == "export" && culprit.callSite.contains("PinnedReaderTests"))
        #expect(try await eventually { weir_file_size(database.configuration.path + "-wal") <= 4 * Self.goalBytes })
        #expect(try await eventually { database.pinned == nil })
        await database.close()
    }

    @Test("a log that is let go of when nobody writes any more shrinks all the same")
    func quiet() async throws {
        let plan = try FaultPlan(TemporaryDirectory())
        let database = try await self.open(plan)
        let hasBegun = Flag()
        let mayEnd = Flag()
        async let held = database.read(Lease("held", timeout: .seconds(60))) {
            let count = try $0.row("SELECT count(*) FROM ledger") { $0.integer(0) }
            hasBegun.set()
            mayEnd.spin()
            return count
        }
        #expect(try await eventually { hasBegun.isSet })
        _ = try await database.write(Lease("fill", timeout: .seconds(60))) {
            for id in Int64(0)..<1_000 { try Ledger.write(id, $0) }
        }
        #expect(try await eventually { database.pinned?.holders.first?.label == "held" })
        #expect(weir_file_size(database.configuration.path + "-wal") > 4 * Self.goalBytes)
        mayEnd.set()
        #expect(try await held == 0)
        #expect(try await eventually { weir_file_size(database.configuration.path + "-wal") <= 4 * Self.goalBytes })
        #expect(try await eventually { database.pinned == nil })
        await database.close()
    }

    @Test("control: a reader without a deadline takes the log beyond the bound, and is none of our leases")
    func stray() async throws {
        let plan = try FaultPlan(TemporaryDirectory())
        let database = try await self.open(plan)
        let deadline = Duration.milliseconds(200)
        let outcome = try await self.run(plan, database) { findings in
            let reader = try await onThread { [configuration = database.configuration] in
                let reader = try SQLiteConnection(configuration, role: .reader)
                try reader.control("BEGIN")
                _ = try reader.scalar("SELECT count(*) FROM ledger")
                return UncheckedBox(reader)
            }
            // However long it takes: nothing ends this reader, and nothing bounds the log.
            _ = try await eventually(within: .seconds(60)) {
                findings.all.logBytesMax > findings.all.bound(deadline: deadline)
            }
            try await onThread { reader.value.close() }
        }
        #expect(outcome.logBytesMax > outcome.bound(deadline: deadline))
        #expect(outcome.pinned?.holders.isEmpty ?? false)
        await database.close()
    }

    /// A connection that is handed from thread to thread, and used by one at a time.
    private struct UncheckedBox: @unchecked Sendable {
        let value: SQLiteConnection

        init(_ value: SQLiteConnection) { self.value = value }
    }
}
