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
    typealias Job = LeaseJob<Driver.Connection>

    /// The place where a connection's thread waits for work.
    final class Slot: @unchecked Sendable {
        // Guarded by the pool's monitor.
        let condition = Condition()
        var batch: LeaseBatch<Driver.Connection>?
        var isClosing = false
        var isQuarantined = false
    }

    let driver: Driver
    private let delegate: any PoolDelegate
    private let timer: DeadlineTimer
    private var timerClient = 0
    let monitor = Monitor()
    var machine: PoolStateMachine
    /// The jobs of all leases in the machine, by the slot of their name.
    private var jobs: ContiguousArray<Job?> = []
    var slots: [ConnectionID: Slot] = [:]
    private var generator = SystemRandomNumberGenerator()
    /// Why no connection could be opened, or why the pool is suspended.
    private var lastFailure: (any Error)?
    private var suspension: String?
    var statistics = PoolStatistics()
    private var drainWaiters: [CheckedContinuation<Bool, Never>] = []
    private var isDrained: Bool?
    private let emptied = Condition()

    /// - Parameters:
    ///   - driver: Opens, runs and closes connections.
    ///   - limits: The bounds.
    ///   - timer: Ends overdue leases; shared by the pools of one database.
    ///   - delegate: Is told of events.
    package init(
        driver: Driver, limits: PoolStateMachine.Limits, timer: DeadlineTimer, delegate: (any PoolDelegate)? = nil
    ) {
        self.driver = driver
        self.timer = timer
        self.delegate = delegate ?? SilentPoolDelegate()
        self.machine = PoolStateMachine(limits: limits)
        self.statistics.min = limits.connectionsMin
        self.statistics.max = limits.connectionsMax
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
        let job = TypedLeaseJob<Driver.Connection, Value>(lease: lease, askedAt: .now, body: body)
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                job.continuation = continuation
                self.submit(job)
            }
        } onCancel: {
            self.cancel(job)
        }
    }

    /// Opens the least number of connections ahead of the first lease.
    package func start() { self.event { machine, _ in machine.start() } }

    /// Replaces every connection: the idle ones now, the others as soon as their work has ended.
    package func recycle() { self.event { machine, _ in machine.recycle(now: .now) } }

    /// A moment's figures.
    public func snapshot() -> PoolStatistics {
        self.monitor.withLock {
            var result = self.statistics
            result.connections = self.machine.connectionCount
            result.idle = self.machine.idleCount
            result.used = self.machine.leasedCount
            result.quarantined = self.machine.quarantinedCount
            result.pending = self.machine.waitingCount
            return result
        }
    }

    /// The leases that hold connections now, oldest first.
    package var holders: [LeaseError.Holder] { self.monitor.withLock { self.currentHolders(now: .now) } }

    // MARK: - Suspension

    /// Hands nothing out and closes every connection as soon as its work has ended, until ``resume()``.
    ///
    /// - Parameter cause: Told to leases whose patience ends meanwhile.
    package func suspend(cause: String) {
        self.event { machine, pool in
            pool.suspension = cause
            return machine.suspend(now: .now)
        }
    }

    /// Blocks until a suspended pool has no connection left. For a connection's thread only.
    ///
    /// - Returns: False when the time ran out.
    package func waitUntilEmpty(for duration: Duration) -> Bool {
        let end = ContinuousClock.now.advanced(by: duration)
        return self.monitor.withLock {
            while self.machine.connectionCount > 0 {
                guard self.emptied.wait(self.monitor, for: end - .now) else { return false }
            }
            return true
        }
    }

    /// Ends a suspension.
    package func resume() {
        self.event { machine, pool in
            pool.suspension = nil
            return machine.resume(now: .now)
        }
    }

    // MARK: - Shutdown

    /// Refuses new leases, lets the others end, closes every connection, and returns when the last is closed.
    ///
    /// - Parameter deadline: How long leases may still wait and work; then all are answered and every engine is told to
    ///   stop. Default: 10 s.
    /// - Returns: False when an engine had not returned five seconds after that; its connection is left alone.
    @discardableResult
    public func shutDown(deadline: Duration = .seconds(10)) async -> Bool {
        let isClean = await withCheckedContinuation { continuation in
            let known: Bool? = self.monitor.withLock {
                if self.isDrained == nil { self.drainWaiters.append(continuation) }
                return self.isDrained
            }
            if let known { return continuation.resume(returning: known) }
            self.event { machine, _ in machine.shutDown(by: .now.advanced(by: deadline), now: .now) }
        }
        self.timer.remove(self.timerClient)
        return isClean
    }
}

// MARK: - Events

extension ConnectionPool {
    private func submit(_ job: Job) {
        self.monitor.lock()
        // A task cancelled before this point ran its handler when the machine did not know the lease yet.
        if job.isCancelled {
            self.monitor.unlock()
            return job.refuse(CancellationError())
        }
        let submission = self.machine.submit(
            lane: job.lease.lane, acquireBy: job.askedAt.advanced(by: job.lease.acquireTimeout),
            deadline: job.deadline, now: job.askedAt)
        switch submission {
        case .refused(let refusal):
            self.statistics.timeouts += 1
            let error = self.leaseError(job, refusal, hadStarted: false, now: job.askedAt)
            self.monitor.unlock()
            job.refuse(error)
            self.delegate.poolDid(.refused(error), pool: self.driver.name)
        case .accepted(let id, let effects):
            job.id = id
            while self.jobs.count <= id.slot { self.jobs.append(nil) }
            self.jobs[id.slot] = job
            let later = self.perform(effects, now: job.askedAt)
            self.monitor.unlock()
            self.performUnlocked(later)
        }
    }

    private func cancel(_ job: Job) {
        self.event { machine, _ in
            guard let id = job.id else {
                job.isCancelled = true
                return []
            }
            return machine.cancel(id, now: .now)
        }
    }

    /// Runs a transition under the lock and its effects after it.
    private func event(_ transition: (inout PoolStateMachine, ConnectionPool) -> PoolStateMachine.Effects) {
        self.monitor.lock()
        let effects = transition(&self.machine, self)
        let later = self.perform(effects, now: nil)
        self.monitor.unlock()
        self.performUnlocked(later)
    }

    /// A connection's thread could not open it.
    func openFailed(_ id: ConnectionID, _ error: any Error) {
        self.event { machine, pool in
            pool.lastFailure = error
            pool.slots[id] = nil
            return machine.openFailed(id, now: .now, using: &pool.generator)
        }
        self.delegate.poolDid(.openFailed(error), pool: self.driver.name)
    }

    /// A connection's thread has opened it.
    func opened(_ id: ConnectionID, after duration: Duration) {
        self.event { machine, pool in
            pool.statistics.createTime.record(duration)
            return machine.opened(id, now: .now, using: &pool.generator)
        }
        self.delegate.poolDid(.opened(id, after: duration), pool: self.driver.name)
    }

    /// A connection's thread has closed it.
    func closed(_ id: ConnectionID) { self.event { machine, _ in machine.closed(id, now: .now) } }

    /// A lease's result is final before its batch has ended.
    func answer(_ job: Job) {
        self.monitor.lock()
        let isOwed = self.settle(job, now: .now)
        self.monitor.unlock()
        if isOwed { job.answer() }
    }

    /// A batch has ended.
    func finished(_ id: ConnectionID, _ slot: Slot, _ batch: LeaseBatch<Driver.Connection>, isReusable: Bool) {
        let now = ContinuousClock.now
        self.monitor.lock()
        let owesFirst = self.settle(batch.first, now: now)
        let owed = batch.rest.filter { self.settle($0, now: now) }
        let wasQuarantined = slot.isQuarantined
        slot.isQuarantined = false
        let effects = self.machine.finished(id, isHealthy: isReusable, now: now)
        let later = self.perform(effects, now: now)
        self.monitor.unlock()
        if owesFirst { batch.first.answer() }
        for job in owed { job.answer() }
        self.performUnlocked(later)
        if wasQuarantined {
            self.delegate.poolDid(.released(id, after: now - batch.first.startedAt), pool: self.driver.name)
        }
    }

    private func settle(_ job: Job, now: ContinuousClock.Instant) -> Bool {
        guard let id = job.id, self.machine.settle(id) else { return false }
        self.jobs[id.slot] = nil
        self.statistics.leases += 1
        self.statistics.useTime.record(now - job.startedAt)
        return true
    }
}

// MARK: - Effects

extension ConnectionPool {
    /// The effects that must not run under the lock.
    private struct Later {
        var refusals: [(job: Job, error: any Error)] = []
        var opens: [(ConnectionID, Slot)] = []
        var signal: Slot?
        var signals: [Slot] = []
        var events: [PoolEvent] = []
        var wake: ContinuousClock.Instant?
        var drained: [CheckedContinuation<Bool, Never>] = []
        var isClean = true

        mutating func wakeUp(_ slot: Slot) {
            if self.signal == nil { self.signal = slot } else if self.signal !== slot { self.signals.append(slot) }
        }
    }

    private func perform(_ effects: PoolStateMachine.Effects, now: ContinuousClock.Instant?) -> Later {
        var later = Later()
        if effects.isEmpty { return later }
        let now = now ?? ContinuousClock.now
        for effect in effects {
            switch effect {
            case .run(let id, let lease):
                guard let slot = self.slots[id] else { preconditionFailure("\(id) has no thread") }
                guard let job = self.jobs[lease.slot] else { preconditionFailure("\(lease) has no job") }
                job.startedAt = now
                self.statistics.waitTime.record(now - job.askedAt)
                if slot.batch == nil { slot.batch = LeaseBatch(job) } else { slot.batch?.append(job) }
                later.wakeUp(slot)
            case .open(let id):
                let slot = Slot()
                self.slots[id] = slot
                later.opens.append((id, slot))
            case .refuse(let id, let refusal): self.end(id, refusal, hadStarted: false, now: now, &later)
            case .abandon(let id, let refusal): self.end(id, refusal, hadStarted: true, now: now, &later)
            case .quarantine(let id):
                self.slots[id]?.isQuarantined = true
                later.events.append(.quarantined(id))
            case .close(let id, let reason):
                guard let slot = self.slots.removeValue(forKey: id) else { preconditionFailure("\(id) has no thread") }
                slot.isClosing = true
                later.wakeUp(slot)
                later.events.append(.closing(id, reason))
            case .wake(let instant): later.wake = instant
            case .emptied: self.emptied.broadcast()
            case .drained(let isClean):
                self.isDrained = isClean
                later.isClean = isClean
                later.drained = self.drainWaiters
                self.drainWaiters.removeAll()
            }
        }
        return later
    }

    private func performUnlocked(_ later: Later) {
        later.signal?.condition.signal()
        for slot in later.signals { slot.condition.signal() }
        for refusal in later.refusals { refusal.job.refuse(refusal.error) }
        for (id, slot) in later.opens {
            WorkerThread.start(name: "\(self.driver.name)-\(id)") { [self] in self.runThread(id, slot) }
        }
        if let wake = later.wake { self.timer.arm(self.timerClient, at: wake) }
        for event in later.events { self.delegate.poolDid(event, pool: self.driver.name) }
        for waiter in later.drained { waiter.resume(returning: later.isClean) }
    }

    private func end(
        _ id: LeaseID, _ refusal: PoolStateMachine.Refusal, hadStarted: Bool, now: ContinuousClock.Instant,
        _ later: inout Later
    ) {
        guard let job = self.jobs[id.slot] else { preconditionFailure("\(id) has no job") }
        self.jobs[id.slot] = nil
        job.stop()
        if refusal == .cancelled { return later.refusals.append((job, CancellationError())) }
        self.statistics.timeouts += 1
        let error = self.leaseError(job, refusal, hadStarted: hadStarted, now: now)
        later.refusals.append((job, error))
        later.events.append(.refused(error))
    }

    private func leaseError(
        _ job: Job, _ refusal: PoolStateMachine.Refusal, hadStarted: Bool, now: ContinuousClock.Instant
    ) -> LeaseError {
        let reason: LeaseError.Reason =
            switch refusal {
            case .queueFull: .queueFull
            case .down:
                .databaseDown(
                    self.suspension ?? self.lastFailure.map { "\($0)" } ?? "no connection could be opened")
            case .deadlineExceeded: .deadlineExceeded
            case .shuttingDown: .shuttingDown
            case .timedOut, .cancelled: .busy
            }
        return LeaseError(
            reason: reason, label: job.lease.label, callSite: job.lease.callSite, elapsed: now - job.askedAt,
            holders: self.currentHolders(now: now), hadStarted: hadStarted)
    }

    /// At most sixteen: enough to see who holds a pool, few enough for an error's text.
    private func currentHolders(now: ContinuousClock.Instant) -> [LeaseError.Holder] {
        let running = self.machine.running.compactMap { self.jobs[$0.slot] }.sorted { $0.startedAt < $1.startedAt }
        return running.prefix(16).map {
            LeaseError.Holder(label: $0.lease.label, callSite: $0.lease.callSite, age: now - $0.startedAt)
        }
    }
}
