//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

/// Runs all writes and all checkpoints of a file on one connection, and commits in groups.
///
/// A group is what queued while the last one was committed. Members are isolated by savepoints and answered after
/// COMMIT returned. When the whole transaction is lost under a member, that member gets the error and the others run
/// again, which is why closures must have no effects outside.
struct SQLiteWriterDriver: PoolDriver {
    typealias Job = LeaseJob

    let name = "writer"
    let configuration: SQLiteConfiguration
    let statistics: WriterStatistics
    /// Called when the connection had to be given up: whatever else is open must be opened anew.
    let onBroken: @Sendable () -> Void

    func open(_ id: ConnectionID) throws -> SQLiteConnection {
        let connection = try SQLiteConnection(self.configuration, role: .writer)
        // Pages that a crash left in the log are recovered by this connection, before any other exists.
        _ = try connection.scalar("SELECT count(*) FROM sqlite_schema")
        // What was recovered may be in the page cache only; a checkpoint synchronises the log before it copies. From
        // then on a delivery that is found in the database is on the disk.
        self.checkpoint(connection, mode: "PASSIVE")
        return connection
    }

    func execute(
        _ batch: LeaseBatch, on connection: SQLiteConnection, answer: (Job) -> Void
    ) -> ConnectionVerdict {
        var pending = ([batch.first] + batch.rest)[...]
        while !pending.isEmpty {
            let group = self.runGroup(&pending, on: connection, answer: answer)
            switch group {
            case .ready(let members):
                guard self.commit(members, on: connection, answer: answer) else {
                    self.failAll(pending, self.brokenError, answer: answer)
                    self.onBroken()
                    return .broken
                }
            case .busy(let error):
                self.failAll(pending, error, answer: answer)
                pending.removeAll()
            case .broken(let error):
                self.failAll(pending, error, answer: answer)
                self.onBroken()
                return .broken
            }
        }
        // Without a gap the log would grow for as long as the load lasts.
        self.checkpoint(connection, ifOver: 4 * self.configuration.walGoalBytes)
        return .reusable
    }

    /// Every group has been looked at already when it ended.
    func validate(_ connection: SQLiteConnection) -> Bool { connection.isAutocommit }

    // MARK: - Members

    private enum Group {
        /// These members have run; the transaction is open unless there are none.
        case ready([Job])
        /// Another process has the lock, and has kept it for the whole busy time-out: the others need not try.
        case busy(any Error)
        /// The connection is of no more use; nothing was committed.
        case broken(any Error)
    }

    /// Begins a transaction and runs members until the group is full.
    private func runGroup(
        _ pending: inout ArraySlice<Job>, on connection: SQLiteConnection, answer: (Job) -> Void
    ) -> Group {
        var members: [Job] = []
        let started = MonotonicInstant.now
        while let job = pending.first {
            if members.count >= self.configuration.groupMax { break }
            if !members.isEmpty, MonotonicInstant.now - started > self.configuration.groupTimeMax { break }
            pending.removeFirst()
            if job.isStopped {
                job.fail(self.lateError)
                answer(job)
                continue
            }
            if members.isEmpty, connection.isAutocommit {
                do {
                    try connection.control("BEGIN IMMEDIATE")
                } catch {
                    pending = [job] + pending
                    let error = Self.notCommitted(error)
                    return (error as? DatabaseError)?.code.primary == .sqliteBusy ? .busy(error) : .broken(error)
                }
            }
            do {
                // A member alone needs no savepoint, and is spared the copies of pages that one makes.
                let isAlone = members.isEmpty && pending.isEmpty
                if try isAlone ? self.runAlone(job, on: connection) : self.runMember(job, on: connection) {
                    members.append(job)
                } else if connection.isAutocommit {
                    // The transaction is gone and with it the work of those before: they run again.
                    answer(job)
                    pending = members + pending
                    members.removeAll()
                } else {
                    answer(job)
                }
            } catch {
                job.fail(Self.notCommitted(error))
                answer(job)
                guard connection.isAutocommit else {
                    self.rollBack(connection)
                    pending = members + pending
                    return .broken(Self.notCommitted(error))
                }
                pending = members + pending
                members.removeAll()
            }
        }
        if members.isEmpty, !connection.isAutocommit { self.rollBack(connection) }
        return .ready(members)
    }

    /// Runs the only member of a transaction.
    ///
    /// - Returns: False when it failed; the transaction is gone then.
    private func runAlone(_ job: Job, on connection: SQLiteConnection) throws -> Bool {
        guard let error = connection.withLease(job, { job.run(on: connection) }) else {
            // SQLite may have ended the transaction without telling the statement that ran: nothing is committed then.
            if connection.isAutocommit { job.fail(DatabaseError.transactionLost) }
            return !connection.isAutocommit
        }
        job.fail(Self.notCommitted(error))
        if !connection.isAutocommit { try connection.control("ROLLBACK") }
        return false
    }

    /// Runs one member inside a savepoint.
    ///
    /// - Returns: False when the member failed; its own work is undone, and perhaps the transaction with it.
    private func runMember(_ job: Job, on connection: SQLiteConnection) throws -> Bool {
        try connection.control("SAVEPOINT member")
        let error = connection.withLease(job) { job.run(on: connection) }
        guard let error else {
            if connection.isAutocommit {
                job.fail(DatabaseError.transactionLost)
                return false
            }
            try connection.control("RELEASE member")
            return true
        }
        job.fail(Self.notCommitted(error))
        if !connection.isAutocommit {
            try connection.control("ROLLBACK TO member")
            try connection.control("RELEASE member")
        }
        return false
    }

    // MARK: - Commit

    /// Commits the group and answers its members.
    ///
    /// - Returns: False when the connection must be replaced.
    private func commit(
        _ members: [Job], on connection: SQLiteConnection, answer: (Job) -> Void
    ) -> Bool {
        guard !members.isEmpty else { return true }
        let started = MonotonicInstant.now
        do {
            try connection.control("COMMIT")
        } catch let error as DatabaseError {
            return self.commitFailed(error, members, on: connection, answer: answer)
        } catch {
            preconditionFailure("the driver's own statements throw DatabaseError only")
        }
        self.statistics.committed(members: members.count, duration: .now - started)
        for job in members { answer(job) }
        return true
    }

    private func commitFailed(
        _ error: DatabaseError, _ members: [Job], on connection: SQLiteConnection, answer: (Job) -> Void
    ) -> Bool {
        switch error.code {
        case .sqliteConstraint where members.count > 1:
            // One member's deferred constraint fails the commit of all: each runs again in a transaction of its own.
            self.rollBack(connection)
            var rest = members[...]
            while let job = rest.popFirst() {
                var alone = [job][...]
                let group = self.runGroup(&alone, on: connection, answer: answer)
                if case .ready(let one) = group, self.commit(one, on: connection, answer: answer) { continue }
                // Those that were not answered yet: this one, if it could not even begin, and the rest.
                self.failAll(alone + rest, self.brokenError, answer: answer)
                return false
            }
            return true
        case .sqliteConstraint, .sqliteBusy, .sqliteFull:
            self.rollBack(connection)
            self.failAll(members[...], Self.notCommitted(error), answer: answer)
            return connection.isAutocommit
        default:
            // After a failed sync the frames may be in the log or not, and a second sync may lie.
            var unknown = error
            unknown.outcome = .unknown
            self.failAll(members[...], unknown, answer: answer)
            return false
        }
    }

    private func rollBack(_ connection: SQLiteConnection) {
        guard !connection.isAutocommit else { return }
        // SQLite rolls back by itself when this fails, or the connection is replaced by the caller.
        try? connection.control("ROLLBACK")
    }

    private func failAll(_ jobs: ArraySlice<Job>, _ error: any Error, answer: (Job) -> Void) {
        for job in jobs {
            job.fail(error)
            answer(job)
        }
    }

    // MARK: - Errors

    private static func notCommitted(_ error: any Error) -> any Error {
        guard var error = error as? DatabaseError else { return error }
        error.outcome = .notCommitted
        return error
    }

    private var lateError: DatabaseError {
        DatabaseError(
            code: .sqliteInterrupt, operation: "write", message: "its deadline passed before it began",
            outcome: .notCommitted)
    }

    private var brokenError: DatabaseError {
        DatabaseError(
            code: .sqliteIOError, operation: "write", message: "the writer connection failed and is being reopened",
            outcome: .notCommitted)
    }

    // MARK: - Gaps

    /// Moves committed pages from the log into the file, between two groups and only here.
    func becameIdle(_ connection: SQLiteConnection) {
        self.checkpoint(connection, ifOver: self.configuration.walGoalBytes)
    }

    /// Empties the log, then closes.
    func close(_ connection: SQLiteConnection, isHealthy: Bool) {
        // After a failed sync a checkpoint would rest on pages that may never have reached the disk.
        if isHealthy { self.checkpoint(connection, mode: "TRUNCATE") }
        connection.close()
    }

    private func checkpoint(_ connection: SQLiteConnection, ifOver bytes: Int) {
        guard connection.walFrames * Self.frameBytes >= bytes else { return }
        self.checkpoint(connection, mode: "PASSIVE")
    }

    /// A page of the default size and its frame header. Source: sqlite.org/fileformat2.html#walformat.
    private static let frameBytes = 4_096 + 24

    private func checkpoint(_ connection: SQLiteConnection, mode: String) {
        precondition(connection.role == .writer, "only the writer checkpoints")
        self.statistics.checkpointing(connection.db)
        // A checkpoint that fails leaves the log as it is: nothing is lost, and the next gap tries again.
        try? connection.control("PRAGMA wal_checkpoint(\(mode))")
    }
}
