//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

// MARK: - Time

extension PoolStateMachine {
    /// Ends what is overdue, closes what idled or lived for too long, and tries again to open what failed.
    ///
    /// - Complexity: O(n), n the most leases known at once so far. Called when the earliest known limit is reached,
    ///   which with leases shorter than their limits is about once per limit, not once per lease.
    package mutating func tick(now: Instant) -> Effects {
        self.wakeAt = nil
        var effects = Effects()
        self.endOverdueLeases(now: now, &effects)
        self.closeOverdueIdle(now: now, &effects)
        if let retryAt = self.retryAt, retryAt <= now {
            self.retryAt = nil
            effects += self.dispatch(now: now)
            self.openMinimum(&effects)
        }
        self.closeIfDraining(now: now, &effects)
        self.endDraining(now: now, &effects)
        if let next = self.earliestLimit { self.armTimer(for: next, &effects) }
        return effects
    }

    private mutating func endOverdueLeases(now: Instant, _ effects: inout Effects) {
        var overdue: [LeaseID] = []
        self.leases.forEach { id, record in if record.limit <= now { overdue.append(id) } }
        for id in overdue {
            guard self.leases[id]?.state == .waiting else {
                self.abandon(id, .deadlineExceeded, &effects)
                continue
            }
            _ = self.leases.remove(id)
            effects.append(.refuse(id, self.isDown ? .down : .timedOut))
        }
    }

    private mutating func closeOverdueIdle(now: Instant, _ effects: inout Effects) {
        guard self.phase == .running else { return }
        let staying = self.connections.count - self.closingCount
        var closing = 0
        for id in self.idle {
            let index = self.index(of: id)
            guard case .idle(let since) = self.connections[index].state else { continue }
            let isExpired = self.connections[index].expiresAt.map { $0 <= now } ?? false
            let isSpare = staying - closing > self.limits.connectionsMin
            let hasIdled = self.limits.idleTimeout.map { since.advanced(by: $0) <= now } ?? false
            guard isExpired || (isSpare && hasIdled) else { continue }
            closing += 1
            self.connections[index].state = .closing
            effects.append(.close(id, isExpired ? .lifetime : .idle))
        }
        guard closing > 0 else { return }
        let connections = self.connections
        self.idle.removeAll { id in
            connections.contains { if case .closing = $0.state { $0.id == id } else { false } }
        }
    }

    /// The next instant at which something is to be ended or tried.
    private var earliestLimit: Instant? {
        var earliest = self.retryAt
        func consider(_ instant: Instant) { earliest = earliest.map { min($0, instant) } ?? instant }
        self.leases.forEach { _, record in consider(record.limit) }
        switch self.phase {
        case .draining(let by), .expiring(let by): consider(by)
        case .running, .suspended, .drained: break
        }
        guard self.phase == .running else { return earliest }
        for id in self.idle {
            let connection = self.connections[self.index(of: id)]
            guard case .idle(let since) = connection.state else { continue }
            // One of the minimum is not closed for idling: only the end of its life counts.
            let end =
                self.connections.count > self.limits.connectionsMin
                ? self.endOfIdling(connection, since: since) : connection.expiresAt
            if let end { consider(end) }
        }
        return earliest
    }

    /// Whether no lease can be served just now: the last opening failed, or the pool is suspended.
    private var isDown: Bool {
        if self.phase == .suspended { return true }
        return self.openFailures > 0 && self.idle.isEmpty && self.leasedCount == 0
    }

    mutating func armTimer(for instant: Instant, _ effects: inout Effects) {
        if let wakeAt, wakeAt <= instant { return }
        self.wakeAt = instant
        effects.append(.wake(instant))
    }
}

// MARK: - Shutdown

extension PoolStateMachine {
    /// Refuses new leases; those waiting and running still end, each by its own limit and all by `deadline`, then all
    /// connections close.
    package mutating func shutDown(by deadline: Instant, now: Instant) -> Effects {
        switch self.phase {
        case .draining, .expiring, .drained: return []
        case .running, .suspended: break
        }
        self.phase = .draining(by: deadline)
        self.retryAt = nil
        var effects = self.dispatch(now: now)
        self.closeIfDraining(now: now, &effects)
        if self.phase != .drained { self.armTimer(for: deadline, &effects) }
        return effects
    }

    /// While draining: refuses those whom nobody is left to serve, closes what is idle once nobody waits, and says when
    /// the last connection is gone.
    mutating func closeIfDraining(now: Instant, _ effects: inout Effects) {
        switch self.phase {
        case .draining, .expiring: break
        // An engine that was given up has returned after all.
        case .drained: return self.closeIdle(.shutdown, &effects)
        case .running, .suspended: return
        }
        if self.connections.isEmpty { self.refuseWaiting(&effects) }
        if self.leases.waitingCount == 0 { self.closeIdle(.shutdown, &effects) }
        guard self.connections.isEmpty else { return }
        self.phase = .drained
        effects.append(.drained(isClean: true))
    }

    /// At the end of the time for draining, everybody is answered and every engine told to stop; after the grace the
    /// pool ends, though an engine may not have returned.
    private mutating func endDraining(now: Instant, _ effects: inout Effects) {
        switch self.phase {
        case .draining(let by) where by <= now:
            self.refuseWaiting(&effects)
            for id in self.running() { self.abandon(id, .shuttingDown, &effects) }
            // From now, not from the deadline: after a pause of the whole process the engines hear of it only now.
            self.phase = .expiring(by: now.advanced(by: self.limits.drainGrace))
            self.closeIfDraining(now: now, &effects)
        case .expiring(let by) where by <= now:
            self.phase = .drained
            effects.append(.drained(isClean: false))
        case .running, .suspended, .draining, .expiring, .drained: break
        }
    }

    private mutating func refuseWaiting(_ effects: inout Effects) {
        var waiting: [LeaseID] = []
        self.leases.forEach { id, record in if record.state == .waiting { waiting.append(id) } }
        for id in waiting {
            _ = self.leases.remove(id)
            effects.append(.refuse(id, .shuttingDown))
        }
    }
}
