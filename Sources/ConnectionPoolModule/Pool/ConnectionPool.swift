//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A bounded pool of connections, each with a thread of its own.
///
/// Callers hand in synchronous closures; a closure runs on a connection's thread, so no database call ever runs on
/// Swift's cooperative threads and no connection is held across an `await`. Every wait has a deadline and the queue a
/// bound. All decisions are ``PoolStateMachine``'s; this type owns threads, continuations and the clock.
public final class ConnectionPool<Driver: PoolDriver>: @unchecked Sendable {
    // All mutable state is guarded by `monitor`.
    private typealias Job = LeaseJob<Driver.Connection>

    /// The place where a connection's thread waits for work.
    private final class Slot: @unchecked Sendable {
        // Guarded by the pool's monitor.
        let condition = Condition()
        var jobs: [Job]?
        var isClosing = false
    }

    private let driver: Driver
    private let limits: PoolStateMachine.Limits
    private let timer: DeadlineTimer
    private let monitor = Monitor()
    private var machine: PoolStateMachine
    private var jobs: [LeaseID: Job] = [:]
    private var slots: [ConnectionID: Slot] = [:]
    private var nextLease: UInt64 = 0
    private var generator = SystemRandomNumberGenerator()
    private var lastFailure: (any Error)?
    private var timerClient = 0
    private var statistics = PoolStatistics()
    private var drainWaiters: [CheckedContinuation<Void, Never>] = []
    private var isDrained = false

    /// - Parameters:
    ///   - driver: Opens, runs and closes connections.
    ///   - connectionsMax: Most connections at once.
    ///   - waitersMax: Most leases waiting at once; further ones are refused.
    ///   - batchMax: Most leases handed to a connection together.
    ///   - abandonsWhenCancelled: Whether a cancelled caller is answered while its closure runs.
    ///   - timer: Ends overdue leases; shared by the pools of one database.
    package init(
        driver: Driver, connectionsMax: Int, waitersMax: Int, batchMax: Int = 1, abandonsWhenCancelled: Bool = true,
        timer: DeadlineTimer
    ) {
        self.driver = driver
        self.timer = timer
        self.limits = PoolStateMachine.Limits(
            connectionsMax: connectionsMax, waitersMax: waitersMax, batchMax: batchMax,
            abandonsWhenCancelled: abandonsWhenCancelled)
        self.machine = PoolStateMachine(limits: self.limits)
        self.statistics.max = connectionsMax
        self.timerClient = timer.add { [weak self] now in
            guard let self else { return nil }
            self.event { machine, _ in machine.tick(now: now) }
            return nil
        }
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
    public func withConnection<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (Driver.Connection) throws -> Value
    ) async throws -> Value {
        let id = self.monitor.withLock {
            self.nextLease += 1
            return LeaseID(self.nextLease)
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let now = ContinuousClock.now
                let call = TypedLeaseCall<Driver.Connection, Value>(continuation: continuation, body: body)
                self.submit(Job(id: id, lease: lease, askedAt: now, call: call), now: now)
            }
        } onCancel: {
            self.event { machine, _ in machine.cancel(id) }
        }
    }

    /// Opens the first connection ahead of the first lease.
    package func start() { self.event { machine, _ in machine.start() } }

    /// Replaces every connection: the idle ones now, the others as soon as their work has ended.
    package func recycle() { self.event { machine, _ in machine.recycle(now: .now) } }

    /// A moment's figures.
    public func snapshot() -> PoolStatistics {
        self.monitor.withLock {
            var result = self.statistics
            result.connections = self.machine.connectionCount
            result.used = self.machine.leasedCount
            result.pending = self.machine.waitingCount
            return result
        }
    }

    /// Refuses new leases, lets the others end, closes every connection, and returns when the last is closed.
    public func shutDown() async {
        await withCheckedContinuation { continuation in
            let isDone = self.monitor.withLock {
                if self.isDrained { return true }
                self.drainWaiters.append(continuation)
                return false
            }
            if isDone { return continuation.resume() }
            self.event { machine, _ in machine.shutDown() }
        }
        self.timer.remove(self.timerClient)
    }

    // MARK: - Events and effects

    private func submit(_ job: Job, now: ContinuousClock.Instant) {
        // A task cancelled before this point ran its handler in vain: the machine did not know the lease yet.
        let isCancelled = Task.isCancelled
        self.event { machine, pool in
            pool.jobs[job.id] = job
            if isCancelled { return [.refuse(job.id, .cancelled)] }
            return machine.submit(
                job.id, lane: job.lease.lane, acquireBy: now.advanced(by: job.lease.acquireTimeout),
                deadline: job.signal.deadline, now: now)
        }
        // A cancellation between the check and the submission ran its handler in vain too.
        if !isCancelled, Task.isCancelled { self.event { machine, _ in machine.cancel(job.id) } }
    }

    /// Runs a transition under the lock and its effects after it.
    private func event(_ transition: (inout PoolStateMachine, ConnectionPool) -> [PoolStateMachine.Effect]) {
        self.monitor.lock()
        let effects = transition(&self.machine, self)
        let later = self.perform(effects)
        self.monitor.unlock()
        self.performUnlocked(later)
    }

    /// The effects that must not run under the lock.
    private struct Later {
        var refusals: [(job: Job, error: any Error)] = []
        var opens: [(ConnectionID, Slot)] = []
        var wake: ContinuousClock.Instant?
        var drained: [CheckedContinuation<Void, Never>] = []
    }

    private func perform(_ effects: [PoolStateMachine.Effect]) -> Later {
        var later = Later()
        for effect in effects {
            switch effect {
            case .open(let id):
                let slot = Slot()
                self.slots[id] = slot
                later.opens.append((id, slot))
            case .run(let id, let leases):
                guard let slot = self.slots[id] else { preconditionFailure("\(id) has no thread") }
                slot.jobs = leases.map { lease in
                    guard let job = self.jobs[lease] else { preconditionFailure("\(lease) has no job") }
                    return job
                }
                slot.condition.signal()
            case .refuse(let id, let refusal), .abandon(let id, let refusal):
                let hadStarted = if case .abandon = effect { true } else { false }
                guard let job = self.jobs.removeValue(forKey: id) else { preconditionFailure("\(id) has no job") }
                job.signal.stop()
                later.refusals.append((job, self.error(for: job, refusal, hadStarted: hadStarted)))
            case .close(let id):
                guard let slot = self.slots.removeValue(forKey: id) else { preconditionFailure("\(id) has no thread") }
                slot.isClosing = true
                slot.condition.signal()
            case .wake(let instant):
                later.wake = instant
            case .drained:
                self.isDrained = true
                later.drained = self.drainWaiters
                self.drainWaiters.removeAll()
            }
        }
        return later
    }

    private func performUnlocked(_ later: Later) {
        for refusal in later.refusals { refusal.job.refuse(refusal.error) }
        for (id, slot) in later.opens {
            WorkerThread.start(name: "\(self.driver.name)-\(id)") { [self] in self.runThread(id, slot) }
        }
        if let wake = later.wake { self.timer.arm(self.timerClient, at: wake) }
        for waiter in later.drained { waiter.resume() }
    }

    private func error(for job: Job, _ refusal: PoolStateMachine.Refusal, hadStarted: Bool) -> any Error {
        if refusal == .cancelled { return CancellationError() }
        self.statistics.timeouts += 1
        return self.leaseError(job, refusal, hadStarted: hadStarted)
    }

    private func leaseError(_ job: Job, _ refusal: PoolStateMachine.Refusal, hadStarted: Bool) -> LeaseError {
        let reason: LeaseError.Reason =
            switch refusal {
            case .queueFull: .queueFull
            case .down: .databaseDown(self.lastFailure.map { "\($0)" } ?? "no connection could be opened")
            case .deadlineExceeded: .deadlineExceeded
            case .shuttingDown: .shuttingDown
            case .timedOut, .cancelled: .busy
            }
        let now = ContinuousClock.now
        let holders = self.machine.running.compactMap { self.jobs[$0] }.sorted { $0.askedAt < $1.askedAt }
        return LeaseError(
            reason: reason, label: job.lease.label, callSite: job.lease.callSite, elapsed: now - job.askedAt,
            holders: holders.prefix(16).map {
                .init(label: $0.lease.label, callSite: $0.lease.callSite, age: now - $0.askedAt)
            }, hadStarted: hadStarted)
    }

    // MARK: - Threads

    private func runThread(_ id: ConnectionID, _ slot: Slot) {
        let connection: Driver.Connection
        do {
            connection = try self.driver.open(id)
        } catch {
            self.event { machine, pool in
                pool.lastFailure = error
                pool.slots[id] = nil
                return machine.openFailed(id, now: .now, using: &pool.generator)
            }
            return
        }
        self.event { machine, _ in machine.opened(id, now: .now) }
        var isHealthy = true
        while let jobs = self.nextJobs(slot, connection) {
            isHealthy = self.driver.execute(jobs, on: connection) { job in self.settle(job) }
            self.event { [isHealthy] machine, _ in machine.finished(id, isHealthy: isHealthy, now: .now) }
        }
        self.driver.close(connection, isHealthy: isHealthy)
        self.event { machine, _ in machine.closed(id, now: .now) }
    }

    private func nextJobs(_ slot: Slot, _ connection: Driver.Connection) -> [Job]? {
        self.monitor.lock()
        if slot.jobs == nil, !slot.isClosing {
            self.monitor.unlock()
            self.driver.becameIdle(connection)
            self.monitor.lock()
        }
        while slot.jobs == nil, !slot.isClosing { slot.condition.wait(self.monitor) }
        defer { self.monitor.unlock() }
        defer { slot.jobs = nil }
        return slot.jobs
    }

    private func settle(_ job: Job) {
        let isOwed = self.monitor.withLock {
            self.jobs[job.id] = nil
            self.statistics.leases += 1
            return self.machine.settle(job.id)
        }
        if isOwed { job.answer() }
    }
}
