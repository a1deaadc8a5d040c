//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
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
    let readers: ConnectionPool<SQLiteReaderDriver>
    private let memory: MemoryKeeper
    private let log: LogKeeper

    init(
        configuration: SQLiteConfiguration, statistics: WriterStatistics, readers: ConnectionPool<SQLiteReaderDriver>,
        memory: MemoryKeeper = MemoryKeeper()
    ) {
        self.configuration = configuration
        self.statistics = statistics
        self.readers = readers
        self.memory = memory
        self.log = LogKeeper(goalBytes: configuration.walGoalBytes)
    }

    /// Opens the connection, and the way for readers, once what was left behind is recovered.
    ///
    /// - Throws: ``DatabaseError``; also while a reader of before a failure has not ended.
    func open(_ id: ConnectionID) throws -> SQLiteConnection {
        WorkerThread.beNice(self.configuration.niceness)
        guard self.statistics.recovery == nil || self.readers.waitUntilEmpty(for: Self.readersPatience) else {
            throw self.readersError
        }
        let connection = try SQLiteConnection(self.configuration, role: .writer)
        self.statistics.opened()
        do {
            // Pages that a crash left in the log are recovered by this connection, before any other exists.
            _ = try connection.scalar("SELECT count(*) FROM sqlite_schema")
            try self.settleLog(connection)
        } catch {
            connection.close()
            throw error
        }
        self.statistics.recovering(nil)
        self.readers.resume()
        self.memory.opened(connection, id, pool: self.name)
        return connection
    }

    func execute(
        _ leases: LeaseBatch, on connection: SQLiteConnection, answer: (Job) -> Void
    ) -> ConnectionVerdict {
        let limits = WriteBatch<Job>.Limits(
            countMax: self.configuration.groupMax, timeMax: self.configuration.groupTimeMax,
            bytesMax: self.configuration.groupBytesMax)
        var batch = WriteBatch([leases.first] + leases.rest, limits: limits) { $0.lease.lane.isHeavy }
        while !batch.isDone {
            let stop =
                self.runGroup(&batch, on: connection, answer: answer)
                ?? self.commit(&batch, on: connection, answer: answer)
            guard let stop else { continue }
            // Whoever is told that an outcome is unknown, and looks, must not see the state of before the recovery.
            if case .recover(let cause) = stop.remedy { self.suspendReaders(cause: cause) }
            if let unknown = stop.unknown { self.failAll(batch.takeMembers(), unknown, answer: answer) }
            self.failAll(batch.takeAll(), stop.error, answer: answer)
            if case .none = stop.remedy { break }
            return .broken
        }
        // Without a gap the log would grow for as long as the load lasts.
        self.tidyLog(connection, .underLoad)
        guard let failure = self.log.failure else { return .reusable }
        self.suspendReaders(cause: "\(failure)")
        return .broken
    }

    /// Keeps readers away until the writer has opened and recovered the file.
    func suspendReaders(cause: String) {
        self.statistics.recovering(cause)
        self.readers.suspend(cause: cause)
    }

    /// Every group has been looked at already when it ended.
    func validate(_ connection: SQLiteConnection) -> Bool { connection.isAutocommit }

    /// Moves committed pages from the log into the file, between two groups and only here.
    func becameIdle(_ connection: SQLiteConnection) {
        self.tidyLog(connection, .gap)
        self.memory.writerBecameIdle(connection)
    }

    /// A log that a reader keeps from being emptied is looked at again, though nobody writes any more; and the cache of
    /// a writer that nobody needs is given back.
    func idleUntil(_ connection: SQLiteConnection) -> MonotonicInstant? {
        let instants = [self.log.policy.nextLook(now: .now), self.memory.writerIdleUntil(connection)]
        return instants.compactMap(\.self).min()
    }

    /// Empties the log, then closes.
    func close(_ connection: SQLiteConnection, isHealthy: Bool) {
        // After a failed sync a checkpoint would rest on pages that may never have reached the disk.
        if isHealthy, self.log.failure == nil { _ = self.checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE) }
        connection.close()
        self.memory.closed(connection)
    }

    /// How long one try to open waits for readers to end; the pool tries again, and says meanwhile what it waits for.
    private static let readersPatience: Duration = .seconds(1)

    private var readersError: DatabaseError {
        let holders = self.readers.holders.map(\.description).joined(separator: ", ")
        return DatabaseError(
            code: .sqliteBusy, operation: "recover \(self.configuration.path)",
            message: "readers of before the failure have not ended yet: \(holders.isEmpty ? "stopped ones" : holders)",
            outcome: .notCommitted)
    }

    // MARK: - The log

    /// What the writer's thread knows of the log. Only that thread touches it: at most one connection exists.
    private final class LogKeeper: @unchecked Sendable {
        var policy: LogPolicy
        /// The sync of a checkpoint that failed. The system may have dropped pages that an earlier, incomplete checkpoint
        /// copied and that no later one would copy again: nothing is copied until all is recovered, which follows the
        /// next batch. Commits are safe meanwhile, since they write only pages of their own.
        var failure: DatabaseError?

        init(goalBytes: Int) { self.policy = LogPolicy(goalBytes: goalBytes) }
    }

    /// A page of the default size and its frame header. Source: sqlite.org/fileformat2.html#walformat.
    private static let frameBytes = 4_096 + 24

    /// Makes sure that what was recovered is on the disk, and empties the log.
    ///
    /// After a crash, and more so after a failed sync, pages of the log may be in the system's cache only, marked as
    /// written; a checkpoint would synchronise nothing and then copy them into the file.
    private func settleLog(_ connection: SQLiteConnection) throws {
        self.log.policy = LogPolicy(goalBytes: self.configuration.walGoalBytes)
        self.log.failure = nil
        try self.rewriteLog(connection)
        let result = self.checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE, waiting: .zero)
        // A full disk is no reason to read nothing: the log holds all of it, and is on the disk.
        if case .failure(let error) = result, error.code.primary != .sqliteFull { throw error }
    }

    /// Writes the log's bytes over themselves and synchronises it, with the writer's lock held.
    private func rewriteLog(_ connection: SQLiteConnection) throws {
        try connection.control("BEGIN IMMEDIATE")
        defer { self.rollBack(connection) }
        let code = weir_sqlite3_rewrite_log(connection.db)
        guard code == SQLITE_OK else {
            throw DatabaseError(
                code: .init(rawValue: code), operation: "write the log of \(self.configuration.path) anew",
                message: String(cString: sqlite3_errstr(code)))
        }
    }

    private func tidyLog(_ connection: SQLiteConnection, _ moment: LogPolicy.Moment) {
        let bytes = connection.walFrames * Self.frameBytes
        let started = MonotonicInstant.now
        guard self.log.failure == nil, self.log.policy.shouldCheckpoint(moment, bytes: bytes, now: started) else {
            return
        }
        do {
            let isUrgent = moment == .underLoad
            let result = try self.checkpoint(
                connection, isUrgent ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
                waiting: isUrgent ? self.log.policy.patience(bytes: bytes) : .zero
            ).get()
            if self.log.policy.checkpointed(moment, result, now: .now) {
                let cut = try self.checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE, waiting: .zero).get()
                if cut.fileBytes == 0 { self.log.policy.truncated() }
            }
            self.report(result, connection)
        } catch {
            // The log stays as it is: nothing is lost, and a later gap tries again.
            let now = MonotonicInstant.now
            self.log.policy.failed(after: now - started, now: now)
        }
    }

    private func report(_ result: LogPolicy.Result, _ connection: SQLiteConnection) {
        let framesWaiting = result.frames - result.framesCopied
        let pinned = self.log.policy.pinnedSince.map { since in
            // A lease that was stopped at its deadline is no holder any more, but its engine may not have returned.
            let holders = self.readers.holders
            return PinnedLog(
                bytes: result.fileBytes, framesWaiting: framesWaiting, since: since,
                holders: holders.isEmpty ? self.statistics.pinned?.holders ?? [] : holders)
        }
        self.statistics.log(
            bytes: Int(weir_sqlite3_log_bytes(connection.db)), framesWaiting: framesWaiting, pinned: pinned)
    }

    /// - Parameter patience: How long it may wait for readers, instead of as long as for a lock.
    /// - Returns: What became of the log; a reader in the way is no failure.
    private func checkpoint(
        _ connection: SQLiteConnection, _ mode: Int32, waiting patience: Duration? = nil
    ) -> Result<LogPolicy.Result, DatabaseError> {
        precondition(connection.role == .writer, "only the writer checkpoints")
        self.statistics.checkpointing(connection.db)
        let started = MonotonicInstant.now
        let usual = Int32(clamping: self.configuration.busyTimeout.inMilliseconds)
        sqlite3_busy_timeout(connection.db, patience.map { Int32(clamping: $0.inMilliseconds) } ?? usual)
        defer { sqlite3_busy_timeout(connection.db, usual) }
        var frames: Int32 = 0
        var copied: Int32 = 0
        let code = sqlite3_wal_checkpoint_v2(connection.db, "main", mode, &frames, &copied)
        guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else {
            let error = DatabaseError.call("checkpoint", connection.db)
            if Self.isSyncFailure(error) { self.log.failure = error }
            self.statistics.checkpointFailed()
            return .failure(error)
        }
        return .success(
            LogPolicy.Result(
                frames: Int(frames), framesCopied: Int(copied), fileBytes: Int(weir_sqlite3_log_bytes(connection.db)),
                duration: .now - started))
    }
}
