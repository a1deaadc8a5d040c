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
    public let deadline: MonotonicInstant
    private let stopRequested = Atomic<Bool>(false)

    package init(deadline: MonotonicInstant) { self.deadline = deadline }

    /// Whether the caller is gone or its deadline has passed.
    public final var isStopped: Bool {
        self.stopRequested.load(ordering: .relaxed) || MonotonicInstant.now >= self.deadline
    }

    package final func stop() { self.stopRequested.store(true, ordering: .relaxed) }
}

/// One lease's closure on its way to a connection, and its result on the way back.
///
/// A closure may run more than once (a batch rolled back under it); the last result counts.
///
/// The types of connection and result are hidden in ``call``, which is made where they are known: everything between a
/// caller and its closure is compiled once and looks up no generic metadata, which took a fifth of a point read.
public final class LeaseJob: LeaseSignal, @unchecked Sendable {
    // `id`, `isCancelled` and `startedAt` are guarded by the pool's monitor; the result belongs to the connection's
    // thread while the lease runs. The machine lets exactly one resume the caller: with the result, or with a refusal,
    // which does not touch it.

    /// What the closure and its caller are asked to do.
    @usableFromInline
    enum Command {
        /// Run on this connection, keep the result, return its error.
        case run(AnyObject)
        /// Take this for the result.
        case fail(any Error)
        /// Resume the caller with the result.
        case answer
        /// Resume the caller with this error.
        case refuse(any Error)
    }

    /// What was asked for.
    public let lease: Lease
    /// When it was asked for.
    package let askedAt: MonotonicInstant
    /// When it was handed to its connection.
    package internal(set) var startedAt: MonotonicInstant
    /// Its name in the machine, once it has one.
    var id: LeaseID?
    /// Whether its task was cancelled before the machine knew of it.
    var isCancelled = false
    /// Whether its caller is a closure, which is called at once: see ``AnswerBaton``.
    let isDirect: Bool
    private let baton = Atomic<Bool>(false)
    /// Whether its caller, once resumed, resumes others: see ``AnswerBaton``. Set before the caller is resumed.
    var carriesBaton: Bool {
        get { self.baton.load(ordering: .relaxed) }
        set { self.baton.store(newValue, ordering: .relaxed) }
    }
    /// The closure with its types; set before the job is handed to anyone.
    @usableFromInline var call: (@Sendable (Command) -> (any Error)?)?

    @usableFromInline
    init(lease: Lease, isDirect: Bool = false) {
        self.lease = lease
        self.isDirect = isDirect
        self.askedAt = .now
        self.startedAt = self.askedAt
        super.init(deadline: self.askedAt.advanced(by: lease.timeout))
    }

    /// Runs the closure and keeps its result.
    ///
    /// - Parameter connection: One of the pool that the lease was asked of.
    /// - Returns: The error it threw, if any.
    public func run(on connection: AnyObject) -> (any Error)? { self.call?(.run(connection)) }

    /// Replaces the result by an error.
    public func fail(_ error: any Error) { _ = self.call?(.fail(error)) }

    /// Replaces the result by the pool's own word for a closure that was stopped, when it was: the engine may notice a
    /// deadline before the pool's timer does, and the caller is to be told the same in both cases.
    public func failIfStopped() {
        guard self.isStopped else { return }
        self.fail(
            LeaseError(
                reason: .deadlineExceeded, label: self.lease.label, callSite: self.lease.callSite,
                elapsed: .now - self.askedAt, holders: [], hadStarted: true))
    }

    /// Resumes the caller with the result. Either this or ``refuse(_:)`` is called, once, without the pool's lock.
    func answer() { _ = self.call?(.answer) }

    /// Resumes the caller with an error, while the connection's thread may still be at work on the result.
    func refuse(_ error: any Error) { _ = self.call?(.refuse(error)) }
}
