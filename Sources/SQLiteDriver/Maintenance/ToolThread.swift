//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

package import ConnectionPoolModule
import SQLCore

/// A thread of its own for blocking work that a caller awaits: a backup, a check, a look at the machine.
///
/// The work looks at ``check()`` between its steps and stops by itself. Where it hangs inside a call, its caller is
/// answered all the same, some seconds after the deadline or the cancellation.
package final class ToolThread: @unchecked Sendable {
    // `phase`, `onExpiry` and `isCancelled` are guarded by `monitor`.
    private enum Phase {
        /// Whoever comes first answers. Can go to: `.claimed`, `.answered`.
        case running
        /// The work is in its last steps and answers by itself. Can go to: `.answered`.
        case claimed
        /// The caller has its answer.
        case answered
    }

    private let name: String
    private let timeout: Duration
    private let grace: Duration
    private let monitor = Monitor()
    private let timer = DeadlineTimer()
    private var phase = Phase.running
    private var onExpiry: ((any Error) -> Void)?
    private var isCancelled = false
    /// Stops queries of the work's connections at the deadline, or when the caller has left.
    package let signal: LeaseSignal

    private init(name: String, timeout: Duration, grace: Duration) {
        self.name = name
        self.timeout = timeout
        self.grace = grace
        self.signal = LeaseSignal(deadline: .now.advanced(by: timeout))
    }

    /// Runs `body` on a new thread.
    ///
    /// - Parameters:
    ///   - name: The work's name, for the thread and for errors.
    ///   - timeout: How long it may take.
    ///   - grace: How long the work has to clean up when it is to stop.
    ///   - body: Blocking work; it gets the thread for ``check()`` and ``claim()``.
    /// - Throws: `CancellationError`, ``DatabaseError`` at the deadline, and what `body` throws.
    package static func run<Value: Sendable>(
        _ name: String, timeout: Duration, grace: Duration = .seconds(5),
        _ body: @escaping @Sendable (ToolThread) throws -> Value
    ) async throws -> Value {
        let thread = ToolThread(name: name, timeout: timeout, grace: grace)
        defer { thread.timer.stop() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
                thread.monitor.withLock { thread.onExpiry = { continuation.resume(throwing: $0) } }
                thread.expire(at: thread.signal.deadline.advanced(by: grace))
                // A cancellation before this point had nobody to answer yet.
                if Task.isCancelled { thread.cancel() }
                WorkerThread.start(name: name) {
                    // Others go first. Where that cannot be had, the work is done all the same.
                    _ = WorkerThread.lowerPriority()
                    let result = Result { try body(thread) }
                    thread.end { continuation.resume(with: thread.explained(result)) }
                }
            }
        } onCancel: {
            thread.cancel()
        }
    }

    /// Throws when the work is to stop.
    package func check() throws {
        if let error = self.monitor.withLock({ self.stopError }) { throw error }
    }

    /// Begins the last, short steps, which are not to be abandoned half-way: from here on only the work answers.
    ///
    /// - Throws: As ``check()``; then the steps must not be taken.
    package func claim() throws {
        try self.monitor.withLock {
            if let error = self.stopError { throw error }
            guard case .running = self.phase else { throw self.deadlineError }
            self.phase = .claimed
        }
    }

    /// Calls `body` from another thread every `interval` while `work` runs on this one.
    package func ticking<Result>(
        every interval: Duration, _ body: @escaping @Sendable () -> Void, while work: () throws -> Result
    ) rethrows -> Result {
        let client = self.timer.add { now in
            body()
            return now.advanced(by: interval)
        }
        self.timer.arm(client, at: .now.advanced(by: interval))
        defer { self.timer.remove(client) }
        return try work()
    }

    // MARK: - Answering

    /// The work has ended: its caller gets the result, unless it was answered before.
    private func end(_ answer: () -> Void) {
        let isOwed = self.monitor.withLock {
            defer { self.phase = .answered }
            self.onExpiry = nil
            if case .answered = self.phase { return false }
            return true
        }
        if isOwed { answer() }
    }

    /// The work did not end in time: its caller is answered, and it ends whenever it can.
    private func expire() {
        let answer = self.monitor.withLock { () -> (() -> Void)? in
            guard case .running = self.phase, let onExpiry = self.onExpiry else { return nil }
            self.phase = .answered
            self.onExpiry = nil
            let error = self.stopError ?? self.deadlineError
            return { onExpiry(error) }
        }
        answer?()
    }

    private func expire(at instant: MonotonicInstant) {
        let client = self.timer.add { [weak self] _ in
            self?.expire()
            return nil
        }
        self.timer.arm(client, at: instant)
    }

    private func cancel() {
        self.monitor.withLock { self.isCancelled = true }
        self.signal.stop()
        self.expire(at: .now.advanced(by: self.grace))
    }

    /// A query that the signal has ended says only that it was interrupted: the cause is told instead.
    private func explained<Value>(_ result: Result<Value, any Error>) -> Result<Value, any Error> {
        guard case .failure(let error as DatabaseError) = result, error.code.primary == .sqliteInterrupt else {
            return result
        }
        return .failure(self.monitor.withLock { self.stopError } ?? error)
    }

    private var stopError: (any Error)? {
        if self.isCancelled { return CancellationError() }
        return self.signal.isStopped ? self.deadlineError : nil
    }

    private var deadlineError: DatabaseError {
        DatabaseError(
            code: .sqliteInterrupt, operation: self.name,
            message: "stopped at its deadline after \(self.timeout); give it more time")
    }
}
