//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What every pool does, whatever its engine: it runs the effects of ``PoolStateMachine``, and owns the jobs, the
/// threads and the clock.
///
/// It knows no type of a connection or a result, so that it is compiled once: ``ConnectionPool`` adds those.
public class PoolCore: @unchecked Sendable {
    // All mutable state is guarded by `monitor`: hence no checks of exclusive access at run time, which cost as much as
    // the lock.
    /// The place where a connection's thread waits for work.
    final class Slot: @unchecked Sendable {
        // Guarded by the pool's monitor.
        let condition = Condition()
        var batch: LeaseBatch?
        var isClosing = false
        var isQuarantined = false
    }

    /// The name of the pool.
    final let name: String
    private let delegate: any PoolDelegate
    private let timer: DeadlineTimer
    private var timerClient = 0
    final let monitor = Monitor()
    @exclusivity(unchecked) final var machine: PoolStateMachine
    /// The jobs of all leases in the machine, by the slot of their name.
    @exclusivity(unchecked) private var jobs: ContiguousArray<LeaseJob?> = []
    @exclusivity(unchecked) final var slots: [ConnectionID: Slot] = [:]
    private var generator = SystemRandomNumberGenerator()
    /// Why no connection could be opened, or why the pool is suspended.
    @exclusivity(unchecked) private var lastFailure: (any Error)?
    @exclusivity(unchecked) private var suspension: String?
    @exclusivity(unchecked) final var statistics = PoolStatistics()
    private var drainWaiters: [CheckedContinuation<Bool, Never>] = []
    private var isDrained: Bool?
    private let emptied = Condition()
    private let baton: AnswerBaton

    init(name: String, limits: PoolStateMachine.Limits, timer: DeadlineTimer, delegate: (any PoolDelegate)?) {
        self.name = name
        self.timer = timer
        self.delegate = delegate ?? SilentPoolDelegate()
        self.machine = PoolStateMachine(limits: limits)
        self.statistics.min = limits.connectionsMin
        self.statistics.max = limits.connectionsMax
        self.baton = AnswerBaton(monitor: self.monitor, timer: timer)
        self.timerClient = timer.add { [weak self] now in
            guard let self else { return nil }
            self.event { machine, _ in machine.tick(now: now) }
            return nil
        }
    }

    /// A connection's life, on its own thread.
    func runThread(_ id: ConnectionID, _ slot: Slot) { preconditionFailure("a pool without a driver") }

    /// Opens the least number of connections ahead of the first lease.
    package final func start() { self.event { machine, _ in machine.start() } }

    /// Replaces every connection: the idle ones now, the others as soon as their work has ended.
    package final func recycle() { self.event { machine, _ in machine.recycle(now: .now) } }

    /// A moment's figures.
    public final func snapshot() -> PoolStatistics {
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
    package final var holders: [LeaseError.Holder] { self.monitor.withLock { self.currentHolders(now: .now) } }

    // MARK: - Suspension

    /// Hands nothing out and closes every connection as soon as its work has ended, until ``resume()``.
    ///
    /// - Parameter cause: Told to leases whose patience ends meanwhile.
    package final func suspend(cause: String) {
        self.event { machine, pool in
            pool.suspension = cause
            return machine.suspend(now: .now)
        }
    }

    /// Blocks until a suspended pool has no connection left. For a connection's thread only.
    ///
    /// - Returns: False when the time ran out.
    package final func waitUntilEmpty(for duration: Duration) -> Bool {
        let end = MonotonicInstant.now.advanced(by: duration)
        return self.monitor.withLock {
            while self.machine.connectionCount > 0 {
                guard self.emptied.wait(self.monitor, for: end - .now) else { break }
            }
            return self.machine.connectionCount == 0
        }
    }

    /// Ends a suspension.
    package final func resume() {
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
    public final func shutDown(deadline: Duration = .seconds(10)) async -> Bool {
        let isClean = await withCheckedContinuation { continuation in
            let known: Bool? = self.monitor.withLock {
                if self.isDrained == nil { self.drainWaiters.append(continuation) }
                return self.isDrained
            }
            if let known { return continuation.resume(returning: known) }
            self.event { machine, _ in machine.shutDown(by: .now.advanced(by: deadline), now: .now) }
        }
        self.timer.remove(self.timerClient)
        for job in self.monitor.withLock({ self.baton.end() }) { job.answer() }
        return isClean
    }
}

// MARK: - Events

extension PoolCore {
    @usableFromInline
    func submit(_ job: LeaseJob) {
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
            self.delegate.poolDid(.refused(error), pool: self.name)
        case .accepted(let id, let effects):
            job.id = id
            while self.jobs.count <= id.slot { self.jobs.append(nil) }
            self.jobs[id.slot] = job
            let later = self.perform(effects, now: job.askedAt)
            self.monitor.unlock()
            self.performUnlocked(later)
        }
    }

    @usableFromInline
    func cancel(_ job: LeaseJob) {
        self.event { machine, _ in
            guard let id = job.id else {
                job.isCancelled = true
                return []
            }
            return machine.cancel(id, now: .now)
        }
    }

    /// Runs a transition under the lock and its effects after it.
    private func event(_ transition: (inout PoolStateMachine, PoolCore) -> PoolStateMachine.Effects) {
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
        self.delegate.poolDid(.openFailed(error), pool: self.name)
    }

    /// A connection's thread has opened it.
    func opened(_ id: ConnectionID, after duration: Duration) {
        self.event { machine, pool in
            pool.statistics.createTime.record(duration)
            return machine.opened(id, now: .now, using: &pool.generator)
        }
        self.delegate.poolDid(.opened(id, after: duration), pool: self.name)
    }

    /// A connection's thread has closed it.
    func closed(_ id: ConnectionID) { self.event { machine, _ in machine.closed(id, now: .now) } }

    /// A caller has been resumed. With the baton, it resumes those whose results came meanwhile.
    @usableFromInline
    func returned(_ job: LeaseJob) {
        guard job.carriesBaton else { return }
        for job in self.monitor.withLock({ self.baton.pass() }) { job.answer() }
    }

    /// A lease's result is final before its batch has ended.
    func answer(_ job: LeaseJob) {
        self.monitor.lock()
        let next = self.settle(job, now: .now) ? self.baton.hold(job) : nil
        self.monitor.unlock()
        next?.answer()
    }

    /// A batch has ended.
    func finished(_ id: ConnectionID, _ slot: Slot, _ batch: LeaseBatch, isReusable: Bool) {
        let now = MonotonicInstant.now
        self.monitor.lock()
        let next = self.settle(batch.first, now: now) ? self.baton.hold(batch.first) : nil
        var others: [LeaseJob] = []
        for job in batch.rest where self.settle(job, now: now) {
            if let job = self.baton.hold(job) { others.append(job) }
        }
        let wasQuarantined = slot.isQuarantined
        slot.isQuarantined = false
        let effects = self.machine.finished(id, isHealthy: isReusable, now: now)
        let later = self.perform(effects, now: now)
        self.monitor.unlock()
        next?.answer()
        for job in others { job.answer() }
        self.performUnlocked(later)
        if wasQuarantined {
            self.delegate.poolDid(.released(id, after: now - batch.first.startedAt), pool: self.name)
        }
    }

    /// Waits for the next batch of a connection; nil when it is to be closed.
    ///
    /// - Parameter becameIdle: Called when there is nothing to do, and again at the instant it returns, if any.
    func nextBatch(_ slot: Slot, becameIdle: () -> MonotonicInstant?) -> LeaseBatch? {
        self.monitor.lock()
        while slot.batch == nil, !slot.isClosing {
            self.monitor.unlock()
            let again = becameIdle()
            self.monitor.lock()
            var isTimeUp = false
            while slot.batch == nil, !slot.isClosing, !isTimeUp {
                if let again {
                    isTimeUp = !slot.condition.wait(self.monitor, for: again - .now)
                } else {
                    slot.condition.wait(self.monitor)
                }
            }
        }
        defer { self.monitor.unlock() }
        defer { slot.batch = nil }
        return slot.batch
    }

    private func settle(_ job: LeaseJob, now: MonotonicInstant) -> Bool {
        guard let id = job.id, self.machine.settle(id) else { return false }
        self.jobs[id.slot] = nil
        self.statistics.leases += 1
        self.statistics.useTime.record(now - job.startedAt)
        return true
    }
}

// MARK: - Effects

extension PoolCore {
    /// The effects that must not run under the lock.
    private struct Later {
        var refusals: [(job: LeaseJob, error: any Error)] = []
        var opens: [(ConnectionID, Slot)] = []
        var signal: Slot?
        var signals: [Slot] = []
        var events: [PoolEvent] = []
        var wake: MonotonicInstant?
        var drained: [CheckedContinuation<Bool, Never>] = []
        var isClean = true

        mutating func wakeUp(_ slot: Slot) {
            if self.signal == nil { self.signal = slot } else if self.signal !== slot { self.signals.append(slot) }
        }
    }

    private func perform(_ effects: PoolStateMachine.Effects, now: MonotonicInstant?) -> Later {
        var later = Later()
        if effects.isEmpty { return later }
        let now = now ?? MonotonicInstant.now
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
                // Whoever waits for an empty pool need not wait for the end of a suspension that the end has replaced.
                self.emptied.broadcast()
            }
        }
        return later
    }

    private func performUnlocked(_ later: Later) {
        later.signal?.condition.signal()
        for slot in later.signals { slot.condition.signal() }
        for refusal in later.refusals { refusal.job.refuse(refusal.error) }
        for (id, slot) in later.opens {
            WorkerThread.start(name: "\(self.name)-\(id)") { [self] in self.runThread(id, slot) }
        }
        if let wake = later.wake { self.timer.arm(self.timerClient, at: wake) }
        for event in later.events { self.delegate.poolDid(event, pool: self.name) }
        for waiter in later.drained { waiter.resume(returning: later.isClean) }
    }

    private func end(
        _ id: LeaseID, _ refusal: PoolStateMachine.Refusal, hadStarted: Bool, now: MonotonicInstant,
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
        _ job: LeaseJob, _ refusal: PoolStateMachine.Refusal, hadStarted: Bool, now: MonotonicInstant
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
    private func currentHolders(now: MonotonicInstant) -> [LeaseError.Holder] {
        self.machine.running(atMost: 16).compactMap { self.jobs[$0.slot] }.map {
            LeaseError.Holder(label: $0.lease.label, callSite: $0.lease.callSite, age: now - $0.startedAt)
        }
    }
}
