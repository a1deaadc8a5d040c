//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

/// Why a delivery was not taken.
public enum IngestError: Error, Sendable {
    /// The byte budget is used up.
    case full
    /// Its time ran out before the database or the outbox had confirmed it.
    case late
    /// The server is stopping.
    case shuttingDown
    /// Neither the database nor the outbox could take it; the database's cause, and the outbox's.
    case unavailable(database: String, outbox: String)
}

extension IngestStateMachine.Failure {
    /// Whether another try may help, going by what the database threw.
    ///
    /// Result codes that blame the data: SQLITE_TOOBIG 18, SQLITE_CONSTRAINT 19, SQLITE_MISMATCH 20, SQLITE_RANGE 25
    /// (sqlite.org/rescode.html). All others pass, or have to be mended by somebody, and no delivery is to be given up
    /// for them; errors that are not the database's are the delivery's.
    init(_ error: any Error) {
        switch error {
        case let error as DatabaseError:
            self = [18, 19, 20, 25].contains(error.code.primary.rawValue) ? .permanent : .transient
        case is LeaseError, is CancellationError: self = .transient
        default: self = .permanent
        }
    }
}
