//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Something that happened in a pool and that somebody may want to log or count.
public enum PoolEvent: Sendable {
    /// A connection was opened.
    case opened(ConnectionID, after: Duration)
    /// A connection could not be opened; another try follows.
    case openFailed(any Error)
    /// A connection is being closed.
    case closing(ConnectionID, ConnectionCloseReason)
    /// A lease got no connection, or was stopped at its deadline.
    case refused(LeaseError)
    /// The callers of a connection have all been answered while its engine still works; it is set apart.
    case quarantined(ConnectionID)
    /// The engine of a connection that was set apart has returned after so long at work.
    case released(ConnectionID, after: Duration)
}

/// Is told what happens in a pool.
public protocol PoolDelegate: Sendable {
    /// Called without any lock, on the thread where it happened; it must not block.
    func poolDid(_ event: PoolEvent, pool: String)
}

/// Hears nothing.
struct SilentPoolDelegate: PoolDelegate {
    func poolDid(_ event: PoolEvent, pool: String) {}
}
