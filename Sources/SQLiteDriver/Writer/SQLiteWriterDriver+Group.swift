//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

/// Running and committing the members of one transaction. Each job is answered once: when its own work failed, when
/// the group's fate is known, or with the rest of the batch when there is no going on.
extension SQLiteWriterDriver {
    /// Why the rest of a batch is not run.
    struct Stop {
        enum Remedy {
            /// Another process has the lock, and has kept it for the whole busy time-out: the others need not try.
            case none
            /// The connection is of no more use. What was not answered is not committed.
            case replace
            /// The disk's state is in doubt: everything is closed, opened anew and recovered.
            case recover(cause: String)
        }

        /// For those that are left: they are not committed.
        let error: any Error
        /// For the members of the transaction, when their outcome is unknown.
        var unknown: (any Error)?
        let remedy: Remedy
    }

    // MARK: - Members

    /// Begins a transaction and runs members until the group is complete.
    ///
    /// - Returns: Nil when the members, if any, are to be committed.
    func runGroup(
        _ batch: inout WriteBatch<Job>, on connection: SQLiteConnection, answer: (Job) -> Void
    ) -> Stop? {
        while let turn = batch.next(now: .now, bytes: connection.boundBytes) {
            let job = turn.job
            if job.isStopped {
                self.failAll([job], self.lateError, answer: answer)
                continue
            }
            do {
                if batch.isEmpty, connection.isAutocommit { try connection.control("BEGIN IMMEDIATE") }
            } catch {
                self.failAll([job], Self.notCommitted(error), answer: answer)
                return self.stop(error, isBusyHarmless: true)
            }
            do {
                if try self.run(turn, on: connection) {
                    batch.join(turn)
                    continue
                }
                answer(job)
            } catch {
                // The driver's own statement failed: SAVEPOINT, RELEASE or ROLLBACK.
                self.failAll([job], Self.notCommitted(error), answer: answer)
                if !connection.isAutocommit || Self.isSyncFailure(error) { return self.stop(error) }
            }
            // When the transaction is gone, so is the work of those before: they run again.
            if connection.isAutocommit { batch.transactionLost() }
        }
        guard batch.isEmpty, !connection.isAutocommit else { return nil }
        self.rollBack(connection)
        return connection.isAutocommit ? nil : Stop(error: self.brokenError, remedy: .replace)
    }

    /// Runs one member, inside a savepoint unless it is the only one.
    ///
    /// - Returns: False when the member failed; its own work is undone, and perhaps the transaction with it.
    /// - Throws: What leaves the connection in doubt.
    private func run(_ turn: WriteBatch<Job>.Turn, on connection: SQLiteConnection) throws -> Bool {
        let job = turn.job
        if !turn.isAlone { try connection.control("SAVEPOINT member") }
        connection.failure = nil
        let error = connection.withLease(job) { job.run(on: connection) }
        if let failure = connection.failure, Self.isSyncFailure(failure) { throw failure }
        // A closure may keep an error to itself, and SQLite may end the transaction without a word.
        if connection.failure != nil || connection.isAutocommit {
            job.fail(Self.notCommitted(error ?? connection.failure ?? DatabaseError.transactionLost))
            if !connection.isAutocommit { try connection.control("ROLLBACK") }
            return false
        }
        guard let error else {
            if !turn.isAlone { try connection.control("RELEASE member") }
            return true
        }
        job.fail(Self.notCommitted(error))
        guard !turn.isAlone else {
            try connection.control("ROLLBACK")
            return false
        }
        try connection.control("ROLLBACK TO member")
        try connection.control("RELEASE member")
        return false
    }

    // MARK: - Commit

    /// Commits the group and answers its members.
    ///
    /// - Returns: Nil when the batch may go on.
    func commit(
        _ batch: inout WriteBatch<Job>, on connection: SQLiteConnection, answer: (Job) -> Void
    ) -> Stop? {
        guard !batch.isEmpty else { return nil }
        let started = MonotonicInstant.now
        do {
            try connection.control("COMMIT")
        } catch {
            return self.commitFailed(error, &batch, on: connection, answer: answer)
        }
        let members = batch.takeMembers()
        self.statistics.committed(members: members.count, duration: .now - started)
        for job in members { answer(job) }
        return nil
    }

    private func commitFailed(
        _ error: any Error, _ batch: inout WriteBatch<Job>, on connection: SQLiteConnection, answer: (Job) -> Void
    ) -> Stop? {
        switch (error as? DatabaseError)?.code {
        case .sqliteConstraint? where batch.members.count > 1:
            // One member's deferred constraint fails the commit of all: each runs again in a transaction of its own.
            self.rollBack(connection)
            batch.split()
        case .sqliteConstraint?, .sqliteBusy?, .sqliteFull?:
            // Nothing of it can be in the log. A full disk cut the last frame short, the one that makes a commit:
            // with safe overwriting, SQLite's default for this system, nothing is written after it.
            self.rollBack(connection)
            self.failAll(batch.takeMembers(), Self.notCommitted(error), answer: answer)
        default:
            // After a failed sync the frames may be in the log or not, and a second sync may lie.
            var unknown = error as? DatabaseError
            unknown?.outcome = .unknown
            return Stop(error: self.brokenError, unknown: unknown ?? error, remedy: .recover(cause: "\(error)"))
        }
        return connection.isAutocommit ? nil : Stop(error: self.brokenError, remedy: .replace)
    }

    func rollBack(_ connection: SQLiteConnection) {
        guard !connection.isAutocommit else { return }
        // SQLite rolls back by itself when this fails, or the connection is replaced by the caller.
        try? connection.control("ROLLBACK")
    }

    func failAll(_ jobs: [Job], _ error: any Error, answer: (Job) -> Void) {
        for job in jobs {
            job.fail(error)
            answer(job)
        }
    }

    // MARK: - Errors

    private func stop(_ error: any Error, isBusyHarmless: Bool = false) -> Stop {
        let isBusy = (error as? DatabaseError)?.code.primary == .sqliteBusy
        if isBusy, isBusyHarmless { return Stop(error: Self.notCommitted(error), remedy: .none) }
        return Stop(
            error: Self.notCommitted(error), remedy: Self.isSyncFailure(error) ? .recover(cause: "\(error)") : .replace)
    }

    /// Whether the system could not write what it had taken: it may drop it, and say nothing the next time.
    static func isSyncFailure(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return error.code == .sqliteSyncFailed || error.code == .sqliteDirectorySyncFailed
    }

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
}
