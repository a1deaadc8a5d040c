//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What a pool needs to know of its engine. All calls for one connection come on that connection's own thread.
public protocol PoolDriver: Sendable {
    /// An open connection; it never leaves its thread.
    associatedtype Connection

    /// The name of the pool, for threads, errors and metrics: `reader`, `writer`.
    var name: String { get }

    /// Opens a connection; may block.
    func open(_ id: ConnectionID) throws -> Connection

    /// Runs a batch of leases and answers each of them exactly once.
    ///
    /// - Parameters:
    ///   - jobs: The leases, in the order they are to run; one for pools whose batch limit is 1.
    ///   - connection: The connection.
    ///   - answer: To be called as soon as a job's result is final.
    /// - Returns: False when the connection must be closed and replaced.
    func execute(
        _ jobs: [LeaseJob<Connection>], on connection: Connection, answer: (LeaseJob<Connection>) -> Void
    ) -> Bool

    /// Called when a connection has nothing to do, before it waits.
    func becameIdle(_ connection: Connection)

    /// Closes a connection; may block. The next one opens only after this has returned.
    ///
    /// - Parameter isHealthy: False when its last batch said that it must be replaced: then it is let go as it is.
    func close(_ connection: Connection, isHealthy: Bool)
}
