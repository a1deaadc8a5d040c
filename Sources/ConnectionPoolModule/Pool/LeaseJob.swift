//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization

/// What the engine's thread may ask while it works for a lease: is it still wanted?
///
/// Isolation: any thread. Reading costs one atomic load and, for the deadline, one reading of the clock.
public class LeaseSignal: @unchecked Sendable {
    // Immutable but for an atomic; the subclass says who guards the rest.
    /// When the caller is answered at the latest.
    public let deadline: ContinuousClock.Instant
    private let stopRequested = Atomic<Bool>(false)

    package init(deadline: ContinuousClock.Instant) { self.deadline = deadline }

    /// Whether the caller is gone or its deadline has passed.
    public final var isStopped: Bool {
        self.stopRequested.load(ordering: .relaxed) || ContinuousClock.now >= self.deadline
    }

    package final func stop() { self.stopRequested.store(true, ordering: .relaxed) }
}

/// One lease's closure on its way to a connection, and its result on the way back.
///
/// A closure may run more than once (a batch rolled back under it); the last result counts.
public class LeaseJob<Connection>: LeaseSignal, @unchecked Sendable {
    // `id`, `isCancelled` and `startedAt` are guarded by the pool's monitor; the result belongs to the connection's
    // thread while the lease runs.
    /// What was asked for.
    public final let lease: Lease
    /// When it was asked for.
    package final let askedAt: ContinuousClock.Instant
    /// When it was handed to its connection.
    package internal(set) final var startedAt: ContinuousClock.Instant
    /// Its name in the machine, once it has one.
    final var id: LeaseID?
    /// Whether its task was cancelled before the machine knew of it.
    final var isCancelled = false

    init(lease: Lease, askedAt: ContinuousClock.Instant) {
        self.lease = lease
        self.askedAt = askedAt
        self.startedAt = askedAt
        super.init(deadline: askedAt.advanced(by: lease.timeout))
    }

    /// Runs the closure and keeps its result.
    ///
    /// - Returns: The error it threw, if any.
    public func run(on connection: Connection) -> (any Error)? { preconditionFailure("a job without a closure") }

    /// Replaces the result by an error.
    public func fail(_ error: any Error) { preconditionFailure("a job without a closure") }

    /// Replaces the result by the pool's own word for a closure that was stopped, when it was: the engine may notice a
    /// deadline before the pool's timer does, and the caller is to be told the same in both cases.
    public final func failIfStopped() {
        guard self.isStopped else { return }
        self.fail(
            LeaseError(
                reason: .deadlineExceeded, label: self.lease.label, callSite: self.lease.callSite,
                elapsed: .now - self.askedAt, holders: [], hadStarted: true))
    }

    /// Resumes the caller with the result. Either this or ``refuse(_:)`` is called, once, without the pool's lock.
    func answer() { preconditionFailure("a job without a closure") }

    /// Resumes the caller with an error, while the connection's thread may still be at work on the result.
    func refuse(_ error: any Error) { preconditionFailure("a job without a closure") }
}

/// The job of a closure with a typed result.
final class TypedLeaseJob<Connection, Value: Sendable>: LeaseJob<Connection>, @unchecked Sendable {
    // `result` belongs to the connection's thread until it answers; a refusal does not touch it. The machine lets
    // exactly one of the two resume the caller. `continuation` is set before the job is handed to anyone.
    private let body: @Sendable (Connection) throws -> Value
    private var result: Result<Value, any Error>?
    var continuation: UnsafeContinuation<Value, any Error>?

    init(lease: Lease, askedAt: ContinuousClock.Instant, body: @escaping @Sendable (Connection) throws -> Value) {
        self.body = body
        super.init(lease: lease, askedAt: askedAt)
    }

    override func run(on connection: Connection) -> (any Error)? {
        do {
            self.result = .success(try self.body(connection))
            return nil
        } catch {
            self.result = .failure(error)
            return error
        }
    }

    override func fail(_ error: any Error) { self.result = .failure(error) }

    override func answer() {
        guard let result = self.result else { preconditionFailure("a lease was answered without a result") }
        self.continuation?.resume(with: result)
    }

    override func refuse(_ error: any Error) { self.continuation?.resume(throwing: error) }
}
