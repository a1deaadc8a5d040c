//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization

/// What the engine's thread may ask while it works for a lease: is it still wanted?
///
/// Isolation: any thread. Reading costs one atomic load and, for the deadline, one reading of the clock.
public final class LeaseSignal: Sendable {
    /// When the caller is answered at the latest.
    public let deadline: ContinuousClock.Instant
    private let stopRequested = Atomic<Bool>(false)

    package init(deadline: ContinuousClock.Instant) { self.deadline = deadline }

    /// Whether the caller is gone or its deadline has passed.
    public var isStopped: Bool {
        self.stopRequested.load(ordering: .relaxed) || ContinuousClock.now >= self.deadline
    }

    package func stop() { self.stopRequested.store(true, ordering: .relaxed) }
}

/// One lease's closure on its way to a connection, and its result on the way back.
///
/// A closure may run more than once (a batch rolled back under it); the last result counts.
public struct LeaseJob<Connection>: Sendable {
    package let id: LeaseID
    /// What was asked for.
    public let lease: Lease
    /// Whether the caller still waits.
    public let signal: LeaseSignal
    package let askedAt: ContinuousClock.Instant
    private let call: any LeaseCall<Connection>

    init(id: LeaseID, lease: Lease, askedAt: ContinuousClock.Instant, call: some LeaseCall<Connection>) {
        self.id = id
        self.lease = lease
        self.askedAt = askedAt
        self.signal = LeaseSignal(deadline: askedAt.advanced(by: lease.timeout))
        self.call = call
    }

    /// Runs the closure and keeps its result.
    ///
    /// - Returns: The error it threw, if any.
    public func run(on connection: Connection) -> (any Error)? { self.call.run(on: connection) }

    /// Replaces the result by an error.
    public func fail(_ error: any Error) { self.call.fail(error) }

    /// Replaces the result by the pool's own word for a closure that was stopped, when it was: the engine may notice a
    /// deadline before the pool's timer does, and the caller is to be told the same in both cases.
    public func failIfStopped() {
        guard self.signal.isStopped else { return }
        self.call.fail(
            LeaseError(
                reason: .deadlineExceeded, label: self.lease.label, callSite: self.lease.callSite,
                elapsed: .now - self.askedAt, holders: [], hadStarted: true))
    }

    /// Resumes the caller with the result. Either this or ``refuse(_:)`` is called, once, without the pool's lock.
    func answer() { self.call.answer() }

    /// Resumes the caller with an error, while the connection's thread may still be at work on the result.
    func refuse(_ error: any Error) { self.call.refuse(error) }
}

/// A closure, its result and its caller, with the result's type hidden.
protocol LeaseCall<Connection>: AnyObject, Sendable {
    associatedtype Connection

    func run(on connection: Connection) -> (any Error)?
    func fail(_ error: any Error)
    func answer()
    func refuse(_ error: any Error)
}

/// The call of a closure with a typed result.
final class TypedLeaseCall<Connection, Value: Sendable>: LeaseCall, @unchecked Sendable {
    // `result` belongs to the connection's thread until it answers; a refusal does not touch it. The machine lets
    // exactly one of the two resume the caller.
    private let body: @Sendable (Connection) throws -> Value
    private var result: Result<Value, any Error>?
    private let continuation: CheckedContinuation<Value, any Error>

    init(
        continuation: CheckedContinuation<Value, any Error>, body: @escaping @Sendable (Connection) throws -> Value
    ) {
        self.continuation = continuation
        self.body = body
    }

    func run(on connection: Connection) -> (any Error)? {
        do {
            self.result = .success(try self.body(connection))
            return nil
        } catch {
            self.result = .failure(error)
            return error
        }
    }

    func fail(_ error: any Error) { self.result = .failure(error) }

    func answer() {
        guard let result = self.result else { preconditionFailure("a lease was answered without a result") }
        self.continuation.resume(with: result)
    }

    func refuse(_ error: any Error) { self.continuation.resume(throwing: error) }
}
