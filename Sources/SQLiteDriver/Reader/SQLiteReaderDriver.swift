//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

/// Opens reader connections and runs one lease at a time on each, in one snapshot.
struct SQLiteReaderDriver: PoolDriver {
    let name = "reader"
    let configuration: SQLiteConfiguration

    func open(_ id: ConnectionID) throws -> SQLiteConnection {
        try SQLiteConnection(self.configuration, role: .reader)
    }

    func execute(
        _ jobs: [LeaseJob<SQLiteConnection>], on connection: SQLiteConnection,
        answer: (LeaseJob<SQLiteConnection>) -> Void
    ) -> Bool {
        for job in jobs {
            var isSound = true
            do {
                // The snapshot is taken by the first statement that reads, which is after the lease was asked for.
                try connection.control("BEGIN")
                let error = connection.withLease(job.signal) { job.run(on: connection) } as? DatabaseError
                isSound = !(error?.code.endsConnection ?? false)
                if error?.code.primary == .sqliteInterrupt { job.failIfStopped() }
                // After an interrupt or an I/O error SQLite may have ended the transaction by itself.
                if !connection.isAutocommit { try connection.control("COMMIT") }
            } catch {
                job.fail(error)
                isSound = false
            }
            let isClean = isSound && connection.isAutocommit && !connection.hasBusyStatement
            answer(job)
            guard isClean else { return false }
        }
        return true
    }

    func becameIdle(_ connection: SQLiteConnection) {}

    func close(_ connection: SQLiteConnection, isHealthy: Bool) { connection.close() }
}
