//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CWeirSQLite
import SQLCore
import TestSupport
import Testing

@testable import ConnectionPoolModule
@testable import SQLiteDriver

@Suite("The writer's driver", .serialized, .timeLimit(.minutes(5)))
struct WriterDriverTests {
    private static let faults = Fault.all.filter { $0.code != SQLITE_BUSY }

    /// What a stretch of random batches came to.
    private struct Tally: CustomStringConvertible {
        var complaints: [String] = []
        var verdict = Ledger.Verdict()
        var committed = 0
        var notCommitted = 0
        var unknown = 0
        /// Writes that ran more than once.
        var again = 0
        var reopened = 0

        static func += (left: inout Tally, right: Tally) {
            left.complaints += right.complaints
            left.committed += right.committed
            left.notCommitted += right.notCommitted
            left.unknown += right.unknown
            left.again += right.again
            left.reopened += right.reopened
        }

        var description: String {
            "\(self.committed) committed, \(self.notCommitted) not, \(self.unknown) unknown, \(self.again) run again, "
                + "\(self.reopened) connections replaced"
        }
    }

    private static let limits: @Sendable (inout SQLiteConfiguration) -> Void = {
        $0.cacheBytes = 64 << 10
        $0.walGoalBytes = 64 << 10
        $0.groupMax = 5
        $0.groupBytesMax = 60_000
        $0.busyTimeout = .milliseconds(20)
    }

    private static func batch(after row: inout Int64, using generator: inout SeededGenerator) -> [WatchedWrite] {
        (0..<Int.random(in: 1...12, using: &generator)).map { _ in
            row += 1
            // Half of all do well, so that there is something to lose.
            let isGood = Bool.random(using: &generator)
            let behaviour = WatchedWrite.Behaviour.allCases.randomElement(using: &generator) ?? .good
            let lane = Int.random(in: 0..<8, using: &generator) == 0 ? Lane.heavy : .ingest
            return WatchedWrite(row: row, isGood ? .good : behaviour, lane: lane)
        }
    }

    /// Random batches of every behaviour, with faults in between.
    private func torture(seed: UInt64, batches: Int) throws -> Tally {
        var generator = SeededGenerator(seed: seed)
        var bench = try DriverBench(Self.limits)
        var tally = Tally()
        var row: Int64 = 0
        for _ in 0..<batches {
            let jobs = Self.batch(after: &row, using: &generator)
            if Int.random(in: 0..<3, using: &generator) > 0,
                let fault = Self.faults.randomElement(using: &generator)
            {
                bench.plan.arm(fault, nth: Int64.random(in: 1...30, using: &generator))
            }
            tally.complaints += try bench.run(jobs)
            tally.again += jobs.count { $0.runs > 1 }
            if Bool.random(using: &generator) { bench.driver.becameIdle(bench.connection) }
        }
        tally.verdict = try bench.ledger.verdict(bench.connection)
        tally.committed = bench.ledger.count(.committed)
        tally.notCommitted = bench.ledger.count(.notCommitted)
        tally.unknown = bench.ledger.count(.unknown)
        tally.reopened = bench.driver.statistics.current.connections - 1
        bench.close()
        return tally
    }

    @Test("every write of 1,000 random batches, with faults, is answered once and truly")
    func answers() async throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        let total = try await onThread {
            var total = Tally()
            for round in UInt64(0)..<20 {
                let tally = try self.torture(seed: seed &+ round, batches: 50)
                #expect(tally.complaints.isEmpty, "seed \(seed &+ round): \(tally.complaints.prefix(3))")
                #expect(tally.verdict.isGood, "seed \(seed &+ round): \(tally.verdict)")
                total += tally
                if !tally.complaints.isEmpty || !tally.verdict.isGood { break }
            }
            return total
        }
        print("seed \(seed): \(total)")
        #expect(total.committed > 1_000 && total.notCommitted > 500 && total.unknown > 10)
        #expect(total.again > 100 && total.reopened > 10)
    }

    @Test("control: an answer that is given twice, or never, is noticed")
    func control() throws {
        let jobs = (0..<3).map { WatchedWrite(row: $0, .good) }
        for write in jobs.prefix(2) {
            write.job.fail(WatchedWrite.OwnError())
            write.job.answer()
        }
        jobs[0].job.answer()
        #expect(DriverBench.complaints(jobs).count == 2)
    }

    /// Transactions that a batch of writes takes when nothing goes wrong.
    private func commits(_ jobs: [WatchedWrite]) throws -> Int {
        var bench = try DriverBench(Self.limits)
        #expect(try bench.run(jobs).isEmpty)
        #expect(try bench.ledger.verdict(bench.connection).isGood)
        bench.close()
        return bench.driver.statistics.current.commits
    }

    private func jobs(_ count: Int64, _ behaviour: WatchedWrite.Behaviour = .good, heavy: Set<Int64> = [])
        -> [WatchedWrite]
    {
        (0..<count).map { WatchedWrite(row: $0, behaviour, lane: heavy.contains($0) ? .maintenance : .ingest) }
    }

    @Test("a group is cut by count and by bytes, and a long write is committed by itself")
    func cuts() throws {
        #expect(try self.commits(self.jobs(5)) == 1)
        #expect(try self.commits(self.jobs(6)) == 2)
        // The second reaches the 60,000 bytes.
        #expect(try self.commits(self.jobs(4, .isLarge)) == 2)
        #expect(try self.commits(self.jobs(4, heavy: [2])) == 3)
        #expect(try self.commits(self.jobs(4, heavy: [0, 1])) == 3)
    }

    @Test("a member's deferred constraint: the others commit, each by itself, and none runs without need")
    func deferred() throws {
        let jobs =
            self.jobs(2) + [WatchedWrite(row: 2, .breaksDeferredConstraint)] + [
                WatchedWrite(row: 3, .good)
            ]
        #expect(try self.commits(jobs) == 3)
        #expect(jobs.map(\.runs) == [2, 2, 2, 2])
        #expect((jobs[2].error as? DatabaseError)?.outcome == .notCommitted)
    }

    @Test("a member that does well first and fails when it runs again gets its second word")
    func secondTime() throws {
        let jobs = [
            WatchedWrite(row: 0, .failsTheSecondTime), WatchedWrite(row: 1, .losesTransaction),
            WatchedWrite(row: 2, .good),
        ]
        #expect(try self.commits(jobs) == 1)
        #expect(jobs[0].error is WatchedWrite.OwnError)
        #expect(jobs[2].error == nil)
    }

    @Test("without a gap, and without a reader in the way, the log ends at twice its goal")
    func noGap() throws {
        var bench = try DriverBench { $0.walGoalBytes = 64 << 10 }
        var logBytesMax = 0
        for row in Int64(0)..<300 {
            #expect(try bench.run([WatchedWrite(row: row, .good)]).isEmpty)
            logBytesMax = max(logBytesMax, Int(weir_sqlite3_log_bytes(bench.connection.db)))
        }
        // One transaction may go beyond.
        #expect(logBytesMax > 2 * 64 << 10 && logBytesMax < 3 * 64 << 10)
        #expect(bench.driver.statistics.current.checkpoints > 5)
        bench.close()
    }
}
