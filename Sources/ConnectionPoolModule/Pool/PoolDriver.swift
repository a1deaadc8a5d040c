//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What is to become of a connection after its batch.
public enum ConnectionVerdict: Sendable, Equatable {
    /// It may serve the next lease.
    case reusable
    /// Something failed on it: ``PoolDriver/validate(_:)`` decides.
    case suspect
    /// It has done its work and is closed in good order.
    case retired
    /// It is of no more use.
    case broken
}

/// What a pool needs to know of its engine. All calls for one connection come on that connection's own thread.
public protocol PoolDriver: Sendable {
    /// An open connection; it never leaves its thread.
    associatedtype Connection: AnyObject

    /// The name of the pool, for threads, errors and metrics: `reader`, `writer`.
    var name: String { get }

    /// Opens a connection; may block.
    func open(_ id: ConnectionID) throws -> Connection

    /// Runs a batch of leases.
    ///
    /// - Parameters:
    ///   - batch: The leases, in the order they are to run; one for pools whose batch limit is 1.
    ///   - connection: The connection.
    ///   - answer: May be called as soon as a lease's result is final; those left over are answered on return.
    func execute(
        _ batch: LeaseBatch, on connection: Connection, answer: (LeaseJob) -> Void
    ) -> ConnectionVerdict

    /// Whether a suspect connection is clean: no open transaction, no busy statement. May block.
    func validate(_ connection: Connection) -> Bool

    /// Called when a connection has nothing to do, before it waits.
    func becameIdle(_ connection: Connection)

    /// When an idle connection is to be given to ``becameIdle(_:)`` once more, if nothing happens before; nil: never.
    func idleUntil(_ connection: Connection) -> MonotonicInstant?

    /// Closes a connection; may block. The next one opens only after this has returned.
    ///
    /// - Parameter isHealthy: False when its last batch left it broken: then it is let go as it is.
    func close(_ connection: Connection, isHealthy: Bool)
}

extension PoolDriver {
    public func idleUntil(_ connection: Connection) -> MonotonicInstant? { nil }
}

/// One lease or several that a connection runs together.
public struct LeaseBatch: Sequence {
    /// The first lease; usually the only one, and then nothing else is allocated.
    public let first: LeaseJob
    /// The others.
    public private(set) var rest: [LeaseJob] = []

    init(_ first: LeaseJob) { self.first = first }

    mutating func append(_ job: LeaseJob) { self.rest.append(job) }

    public struct Iterator: IteratorProtocol {
        fileprivate let batch: LeaseBatch
        fileprivate var position = -1

        public mutating func next() -> LeaseJob? {
            defer { self.position += 1 }
            if self.position < 0 { return self.batch.first }
            return self.position < self.batch.rest.count ? self.batch.rest[self.position] : nil
        }
    }

    public func makeIterator() -> Iterator { Iterator(batch: self) }
}
