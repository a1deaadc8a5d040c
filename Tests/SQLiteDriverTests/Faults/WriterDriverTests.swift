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

/// A write that keeps what the writer does to it.
private final class WatchedWrite: @unchecked Sendable {
    // Used by one thread only.
    enum Behaviour: CaseIterable {
        case good
        case breaksConstraint
        case breaksDeferredConstraint
        case losesTransaction
        case swallowsLossOfTransaction
        case swallowsEveryError
        case throwsOwnError
        case failsTheSecondTime
        case isLate
        case isLarge
    }

    struct OwnError: Error {}

    let row: Int64
    let behaviour: Behaviour
    let job: LeaseJob
    private(set) var runs = 0
    private(set) var answers = 0
    private(set) var error: (any Error)?
    private var hasResult = false

    init(row: Int64, _ behaviour: Behaviour, lane: Lane = .ingest) {
        self.row = row
        self.behaviour = behaviour
        self.job = LeaseJob(
            lease: Lease("write", lane: lane, timeout: behaviour == .isLate ? .zero : .seconds(60)))
        self.job.call = { [unowned self] in self.perform($0) }
    }

    private func perform(_ command: LeaseJob.Command) -> (any Error)? {
        switch command {
        case .run(let connection):
            self.runs += 1
            self.hasResult = true
            do {
                try self.work(unsafeDowncast(connection, to: SQLiteConnection.self))
                self.error = nil
            } catch {
                self.error = error
            }
            return self.error
        case .fail(let error):
            self.hasResult = true
            self.error = error
        case .answer:
            precondition(self.hasResult, "answered without a result")
            self.answers += 1
        case .refuse: preconditionFailure("the driver refuses nothing")
        }
        return nil
    }

    private func work(_ db: any SQLWriting) throws {
        if self.behaviour == .swallowsEveryError {
            // It says that it did well; then all of it must be there, the row included.
            return try Ledger.write(self.row, db, swallowsErrorOfRead: true)
        }
        try Ledger.write(self.row, db)
        switch self.behaviour {
        case .good, .isLate, .swallowsEveryError: break
        case .breaksConstraint: try Ledger.write(self.row, db)
        case .breaksDeferredConstraint: try db.execute("INSERT INTO child (parent) VALUES (\(self.row + 1_000_000))")
        case .losesTransaction: try db.execute("INSERT INTO trap (id) VALUES (1)")
        case .swallowsLossOfTransaction: _ = try? db.execute("INSERT INTO trap (id) VALUES (1)")
        case .throwsOwnError: throw OwnError()
        case .failsTheSecondTime: if self.runs > 1 { throw OwnError() }
        case .isLarge: try db.execute("INSERT INTO large (bytes) VALUES (\([UInt8](repeating: 7, count: 50_000)))")
        }
    }

    func note(in ledger: Ledger) {
        switch self.error {
        case nil: ledger.note(self.row, .committed)
        // The caller's own error is passed on as it is: nothing of the closure is committed.
        case is OwnError: ledger.note(self.row, .notCommitted)
        case .some(let error): ledger.note(self.row, error)
        }
    }
}

/// The writer's driver without its pool, on this thread.
private struct DriverBench {
    let plan: FaultPlan
    let driver: SQLiteWriterDriver
    let ledger = Ledger()
    var connection: SQLiteConnection
    private let timer = DeadlineTimer()

    init(_ change: (inout SQLiteConfiguration) -> Void = { _ in }) throws {
        self.plan = try FaultPlan(TemporaryDirectory(inMemory: true))
        var configuration = self.plan.configuration
        change(&configuration)
        let readers = ConnectionPool(
            driver: SQLiteReaderDriver(configuration: configuration), limits: configuration.readerLimits, timer: timer)
        self.driver = SQLiteWriterDriver(
            configuration: configuration, statistics: WriterStatistics(), readers: readers)
        self.connection = try self.driver.open(ConnectionID(1))
        for sql: SQL in [
            Ledger.schema,
            "CREATE TABLE child (parent INTEGER REFERENCES ledger (id) DEFERRABLE INITIALLY DEFERRED)",
            "CREATE TABLE large (bytes BLOB)", "CREATE TABLE trap (id INTEGER)",
            """
            CREATE TRIGGER spring BEFORE INSERT ON trap
            BEGIN SELECT RAISE(ROLLBACK, 'the whole transaction is gone'); END
            """,
        ] { _ = try self.connection.execute(sql) }
    }

    /// Runs a batch, opens the file again when it must be, and says how often each job was answered wrongly.
    mutating func run(_ jobs: [WatchedWrite]) throws -> [String] {
        var batch = LeaseBatch(jobs[0].job)
        for job in jobs.dropFirst() { batch.append(job.job) }
        let verdict = self.driver.execute(batch, on: self.connection) { $0.answer() }
        self.plan.disarm()
        if verdict == .broken {
            self.driver.close(self.connection, isHealthy: false)
            self.connection = try self.driver.open(ConnectionID(2))
        }
        for job in jobs { job.note(in: self.ledger) }
        return Self.complaints(jobs)
    }

    static func complaints(_ jobs: [WatchedWrite]) -> [String] {
        jobs.filter { $0.answers != 1 }.map { "row \($0.row), \($0.behaviour): answered \($0.answers) times" }
    }

    func close() {
        self.driver.close(self.connection, isHealthy: true)
        self.timer.stop()
    }
}

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
        $0.memoryBytes = 128 << 10
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

    private func jobs(_ count: Int64, _ behaviour: WatchedWrite.Behaviour = .good, heavy: Set<Int64> = []) -> [WatchedWrite]
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
        let jobs = self.jobs(2) + [WatchedWrite(row: 2, .breaksDeferredConstraint)] + [
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

    @Test("without a gap, and without a reader in the way, the log ends at four times its goal")
    func noGap() throws {
        var bench = try DriverBench { $0.walGoalBytes = 64 << 10 }
        var logBytesMax = 0
        for row in Int64(0)..<300 {
            #expect(try bench.run([WatchedWrite(row: row, .good)]).isEmpty)
            logBytesMax = max(logBytesMax, Int(weir_sqlite3_log_bytes(bench.connection.db)))
        }
        // One transaction may go beyond.
        #expect(logBytesMax > 4 * 64 << 10 && logBytesMax < 5 * 64 << 10)
        #expect(bench.driver.statistics.current.checkpoints > 5)
        bench.close()
    }
}
