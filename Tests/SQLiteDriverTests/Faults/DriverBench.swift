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
final class WatchedWrite: @unchecked Sendable {
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
struct DriverBench {
    let plan: FaultPlan
    let driver: SQLiteWriterDriver
    let ledger = Ledger()
    var connection: SQLiteConnection
    private let timer = DeadlineTimer()

    init(_ change: (inout SQLiteConfiguration) -> Void = { _ in }) throws {
        self.plan = try FaultPlan(TemporaryDirectory(inMemory: true))
        var configuration = self.plan.configuration
        change(&configuration)
        let memory = MemoryKeeper(writerIdleMax: .seconds(60), onRelease: nil)
        let readers = ConnectionPool(
            driver: SQLiteReaderDriver(configuration: configuration, memory: memory),
            limits: configuration.readerLimits, timer: timer)
        self.driver = SQLiteWriterDriver(
            configuration: configuration, statistics: WriterStatistics(), readers: readers, memory: memory)
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
