//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A bounded pool of connections, each with a thread of its own.
///
/// Callers hand in synchronous closures; a closure runs on a connection's thread, so no database call ever runs on
/// Swift's cooperative threads and no connection is held across an `await`. Every wait has a deadline and the queue a
/// bound. All decisions are ``PoolStateMachine``'s.
public final class ConnectionPool<Driver: PoolDriver>: PoolCore, @unchecked Sendable {
    // The driver is immutable; everything else is the core's.
    private let driver: Driver

    /// - Parameters:
    ///   - driver: Opens, runs and closes connections.
    ///   - limits: The bounds.
    ///   - timer: Ends overdue leases; shared by the pools of one database.
    ///   - delegate: Is told of events.
    package init(
        driver: Driver, limits: PoolStateMachine.Limits, timer: DeadlineTimer, delegate: (any PoolDelegate)? = nil
    ) {
        self.driver = driver
        super.init(name: driver.name, limits: limits, timer: timer, delegate: delegate)
    }

    /// Runs `body` on a connection and returns its result.
    ///
    /// - Parameters:
    ///   - lease: Lane, limits and label.
    ///   - body: Synchronous, without effects outside: a writer may run it more than once.
    /// - Throws: ``LeaseError`` when no connection was free in time or the deadline passed, `CancellationError` when
    ///   the task was cancelled, and what `body` throws.
    ///
    /// Isolation: any. Cancellation: answered at once while waiting and, for readers, while running.
    @inlinable
    public func withConnection<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (Driver.Connection) throws -> Value
    ) async throws -> Value {
        let job = LeaseJob(lease: lease)
        defer { self.returned(job) }
        return try await withTaskCancellationHandler {
            #if DEBUG
            // Checked: who is resumed twice stops the process, and who never is, is named. It is also the one that
            // ThreadSanitizer can follow when a result comes before its caller sleeps.
            return try await withCheckedThrowingContinuation { self.submit(job, body, $0) }
            #else
            return try await withUnsafeThrowingContinuation { self.submit(job, body, $0) }
            #endif
        } onCancel: {
            self.cancel(job)
        }
    }

    /// Runs `body` on a connection and hands its result to `answer`, without a task that waits.
    ///
    /// For one that is to go on at once with the next: a task would first have to get a thread, and the connection would
    /// wait for it.
    ///
    /// - Parameters:
    ///   - lease: Lane, limits and label.
    ///   - body: Synchronous, without effects outside: a writer may run it more than once.
    ///   - answer: Called once, on the connection's thread or on the caller's; it must not wait, and may ask for the
    ///     next lease. What it is given is what ``withConnection(_:_:)`` returns or throws.
    ///
    /// Isolation: any. Cancellation: none; the lease's limits end it.
    @inlinable
    public func withConnection<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (Driver.Connection) throws -> Value,
        answer: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        self.submit(LeaseJob(lease: lease, isDirect: true), body, DirectCaller(take: answer))
    }

    /// Hides the types of a closure and its caller in the job.
    @inlinable
    func submit<Caller: LeaseCaller>(
        _ job: LeaseJob, _ body: @escaping @Sendable (Driver.Connection) throws -> Caller.Value, _ caller: Caller
    ) where Caller.Value: Sendable {
        // Belongs to the connection's thread until it answers; a refusal does not touch it.
        nonisolated(unsafe) var result: Result<Caller.Value, any Error>?
        job.call = { command in
            switch command {
            case .run(let connection):
                do {
                    // A pool hands its own connections to its own leases only.
                    result = .success(try body(unsafeDowncast(connection, to: Driver.Connection.self)))
                } catch {
                    result = .failure(error)
                    return error
                }
            case .fail(let error): result = .failure(error)
            case .answer:
                guard let result else { preconditionFailure("a lease was answered without a result") }
                caller.take(result)
            case .refuse(let error): caller.take(.failure(error))
            }
            return nil
        }
        self.submit(job)
    }

    override func runThread(_ id: ConnectionID, _ slot: Slot) {
        let started = MonotonicInstant.now
        let connection: Driver.Connection
        do {
            connection = try self.driver.open(id)
        } catch {
            return self.openFailed(id, error)
        }
        self.opened(id, after: .now - started)
        var isHealthy = true
        let becameIdle = {
            self.driver.becameIdle(connection)
            return self.driver.idleUntil(connection)
        }
        while let batch = self.nextBatch(slot, becameIdle: becameIdle) {
            var verdict = self.driver.execute(batch, on: connection) { job in self.answer(job) }
            if verdict == .suspect { verdict = self.driver.validate(connection) ? .reusable : .broken }
            isHealthy = verdict != .broken
            self.finished(id, slot, batch, isReusable: verdict == .reusable)
        }
        self.driver.close(connection, isHealthy: isHealthy)
        self.closed(id)
    }
}

/// Who waits for a lease's result.
@usableFromInline
protocol LeaseCaller<Value>: Sendable {
    associatedtype Value

    func take(_ result: sending Result<Value, any Error>)
}

#if DEBUG
extension CheckedContinuation: LeaseCaller where E == any Error {
    @usableFromInline
    func take(_ result: sending Result<T, any Error>) { self.resume(with: result) }
}
#else
extension UnsafeContinuation: LeaseCaller where E == any Error {
    @inlinable
    func take(_ result: sending Result<T, any Error>) { self.resume(with: result) }
}
#endif

/// A closure that is called with the result.
@usableFromInline
struct DirectCaller<Value: Sendable>: LeaseCaller {
    @usableFromInline let closure: @Sendable (Result<Value, any Error>) -> Void

    @inlinable
    init(take closure: @escaping @Sendable (Result<Value, any Error>) -> Void) { self.closure = closure }

    @inlinable
    func take(_ result: sending Result<Value, any Error>) { self.closure(result) }
}
