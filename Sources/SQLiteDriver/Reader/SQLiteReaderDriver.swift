//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import SQLCore

/// Opens reader connections and runs one lease at a time on each, in one snapshot.
///
/// Leases that were asked for before a transaction began may share it: their snapshot is still taken after they were
/// asked for. Under load that spares each of them BEGIN, COMMIT and the locks of the log.
@usableFromInline
struct SQLiteReaderDriver: PoolDriver {
    @usableFromInline let name = "reader"
    let configuration: SQLiteConfiguration
    var memory = MemoryKeeper()

    /// Longest age of a transaction that a further lease may join. A longer one would keep pages in the log.
    private static let sharedAgeMax: Duration = .milliseconds(2)

    @usableFromInline
    func open(_ id: ConnectionID) throws -> SQLiteConnection {
        WorkerThread.beNice(self.configuration.niceness)
        let connection = try SQLiteConnection(self.configuration, role: .reader)
        self.memory.opened(connection, id, pool: self.name)
        return connection
    }

    @usableFromInline
    func execute(
        _ batch: LeaseBatch, on connection: SQLiteConnection,
        answer: (LeaseJob) -> Void
    ) -> ConnectionVerdict {
        let job = batch.first
        let isPolite = job.lease.lane.isHeavy && WorkerThread.lowerPriority()
        let verdict = self.run(job, on: connection)
        // An unprivileged thread cannot raise its priority again: then the connection ends, and its memory with it.
        if isPolite, !WorkerThread.restorePriority(niceness: self.configuration.niceness), verdict == .reusable {
            connection.endShared()
            return .retired
        }
        return verdict
    }

    private func run(_ job: LeaseJob, on connection: SQLiteConnection) -> ConnectionVerdict {
        do {
            try self.beginOrJoin(job, on: connection)
        } catch {
            job.fail(error)
            return .broken
        }
        guard let error = connection.withLease(job, { job.run(on: connection) }) else { return .reusable }
        let code = (error as? DatabaseError)?.code
        if code?.primary == .sqliteInterrupt {
            if connection.work.exceededHeap { job.fail(DatabaseError.queryTooLarge) }
            job.failIfStopped()
        }
        return code?.endsConnection ?? false ? .broken : .suspect
    }

    private func beginOrJoin(_ job: LeaseJob, on connection: SQLiteConnection) throws {
        if let began = connection.sharedSince {
            if job.askedAt < began, job.startedAt - began < Self.sharedAgeMax { return }
            try connection.endRead()
        }
        // The snapshot is taken by the first statement that reads, which is after this instant.
        try connection.beginRead(at: .now)
    }

    /// After an error: ends the transaction, if SQLite has not, and looks for statements that still run.
    @usableFromInline
    func validate(_ connection: SQLiteConnection) -> Bool {
        do {
            try connection.endRead()
            return connection.isAutocommit && !connection.hasBusyStatement
        } catch {
            return false
        }
    }

    /// Lets go of the snapshot, since nobody is there to share it, and of what a long query left in memory.
    @usableFromInline
    func becameIdle(_ connection: SQLiteConnection) {
        connection.endShared()
        self.memory.readerBecameIdle(connection)
    }

    @usableFromInline
    func close(_ connection: SQLiteConnection, isHealthy: Bool) {
        connection.close()
        self.memory.closed(connection)
    }
}
