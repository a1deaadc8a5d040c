//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

// MARK: - Connections

extension PoolStateMachine {
    /// Opens the minimum ahead of the first lease.
    package mutating func start() -> Effects {
        var effects = Effects()
        while self.connections.count < max(self.limits.connectionsMin, 1), self.openOne(&effects) {}
        return effects
    }

    /// A connection's thread has opened it.
    package mutating func opened(
        _ id: ConnectionID, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> Effects {
        let index = self.index(of: id)
        guard case .opening = self.connections[index].state else { preconditionFailure("\(id) opened twice") }
        self.opening -= 1
        // The database is up: nobody need wait for the end of a pause.
        self.openFailures = 0
        self.retryAt = nil
        if let lifetime = self.limits.lifetimeMax {
            self.connections[index].expiresAt = now.advanced(
                by: lifetime * Double.random(in: 0.9...1, using: &generator))
        }
        var effects =
            self.isReusable(self.connections[index], now: now)
            ? self.becameIdle(index, now: now) : self.retire(index, .recycled, now: now)
        self.openMinimum(&effects)
        return effects
    }

    /// A connection's thread could not open it, and has ended.
    ///
    /// Waiting leases stay: a later try may serve them before their time is up.
    package mutating func openFailed(
        _ id: ConnectionID, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> Effects {
        let index = self.index(of: id)
        guard case .opening = self.connections[index].state else { preconditionFailure("\(id) failed to open twice") }
        self.connections.remove(at: index)
        self.opening -= 1
        let doublings = min(self.openFailures, 16)
        let ceiling = min(self.limits.backoff.upperBound, self.limits.backoff.lowerBound * (1 << doublings))
        self.openFailures += 1
        guard self.phase == .running else { return self.lessConnections(now: now) }
        let retry = now.advanced(by: ceiling * Double.random(in: 0.5...1, using: &generator))
        self.retryAt = retry
        var effects = Effects()
        self.armTimer(for: retry, &effects)
        return effects
    }

    /// A connection has ended its batch; all leases of it have been settled.
    ///
    /// - Parameter isHealthy: False when it must be closed and replaced.
    package mutating func finished(_ id: ConnectionID, isHealthy: Bool, now: Instant) -> Effects {
        let index = self.index(of: id)
        guard case .leased(let isHeavy, let owed) = self.connections[index].state, owed == 0 else {
            preconditionFailure("\(id) is not at the end of a batch")
        }
        if isHeavy { self.heavyLeased -= 1 }
        if !isHealthy { return self.retire(index, .finished, now: now) }
        if self.connections[index].generation != self.generation { return self.retire(index, .recycled, now: now) }
        if !self.isReusable(self.connections[index], now: now) { return self.retire(index, .lifetime, now: now) }
        return self.becameIdle(index, now: now)
    }

    /// A connection's thread has closed it.
    package mutating func closed(_ id: ConnectionID, now: Instant) -> Effects {
        let index = self.index(of: id)
        guard case .closing = self.connections[index].state else { preconditionFailure("\(id) was not closing") }
        self.connections.remove(at: index)
        var effects = self.dispatch(now: now)
        effects += self.lessConnections(now: now)
        return effects
    }

    /// Replaces every connection: the idle ones now, the others as soon as their batch has ended.
    package mutating func recycle(now: Instant) -> Effects {
        self.generation += 1
        var effects = Effects()
        self.closeIdle(.recycled, &effects)
        effects += self.dispatch(now: now)
        return effects
    }

    /// Hands nothing out and closes every connection, until ``resume(now:)``. Leases go on waiting, each to its limit.
    package mutating func suspend(now: Instant) -> Effects {
        guard self.phase == .running else { return [] }
        self.phase = .suspended
        self.retryAt = nil
        self.generation += 1
        var effects = Effects()
        self.closeIdle(.recycled, &effects)
        if self.connections.isEmpty { effects.append(.emptied) }
        return effects
    }

    /// Ends a suspension.
    package mutating func resume(now: Instant) -> Effects {
        guard self.phase == .suspended else { return [] }
        self.phase = .running
        var effects = self.dispatch(now: now)
        self.openMinimum(&effects)
        return effects
    }

    private func isReusable(_ connection: Connection, now: Instant) -> Bool {
        connection.generation == self.generation && connection.expiresAt.map { $0 > now } ?? true
    }

    private mutating func becameIdle(_ index: Int, now: Instant) -> Effects {
        self.connections[index].state = .idle(since: now)
        self.idle.append(self.connections[index].id)
        var effects = self.dispatch(now: now)
        if self.phase != .running {
            self.closeIfDraining(now: now, &effects)
        } else if !self.idle.isEmpty, let end = self.endOfIdling(self.connections[index], since: now) {
            self.armTimer(for: end, &effects)
        }
        return effects
    }

    private mutating func retire(_ index: Int, _ reason: ConnectionCloseReason, now: Instant) -> Effects {
        self.connections[index].state = .closing
        var effects: Effects = [.close(self.connections[index].id, reason)]
        effects += self.dispatch(now: now)
        self.closeIfDraining(now: now, &effects)
        return effects
    }

    /// What follows when a connection is gone.
    private mutating func lessConnections(now: Instant) -> Effects {
        var effects = Effects()
        if self.phase == .suspended, self.connections.isEmpty { effects.append(.emptied) }
        self.openMinimum(&effects)
        self.closeIfDraining(now: now, &effects)
        return effects
    }

    /// Opens what is missing of the minimum, unless the next try has its time.
    mutating func openMinimum(_ effects: inout Effects) {
        guard self.retryAt == nil else { return }
        while self.connections.count < self.limits.connectionsMin, self.openOne(&effects) {}
    }

    mutating func closeIdle(_ reason: ConnectionCloseReason, _ effects: inout Effects) {
        for id in self.idle {
            self.connections[self.index(of: id)].state = .closing
            effects.append(.close(id, reason))
        }
        self.idle.removeAll(keepingCapacity: true)
    }

    /// When an idle connection is to be closed: at the end of its patience or of its life.
    func endOfIdling(_ connection: Connection, since: Instant) -> Instant? {
        let idleEnd = self.limits.idleTimeout.map { since.advanced(by: $0) }
        guard let expiry = connection.expiresAt else { return idleEnd }
        return idleEnd.map { min($0, expiry) } ?? expiry
    }
}

// MARK: - Dispatch

extension PoolStateMachine {
    /// Hands waiting leases to idle connections, and opens connections while leases are left over.
    mutating func dispatch(now: Instant) -> Effects {
        var effects = Effects()
        if self.phase == .suspended || self.phase == .drained { return effects }
        while self.leases.waitingCount > 0, let connection = self.idle.last {
            guard self.startBatch(on: connection, &effects) else { break }
            self.idle.removeLast()
        }
        if self.leases.waitingCount > self.opening, self.idle.isEmpty, self.retryAt == nil {
            _ = self.openOne(&effects)
        }
        return effects
    }

    mutating func openOne(_ effects: inout Effects) -> Bool {
        guard self.phase == .running, self.connections.count < self.limits.connectionsMax else { return false }
        self.nextConnection += 1
        let id = ConnectionID(self.nextConnection)
        self.connections.append(Connection(id: id, state: .opening, generation: self.generation))
        self.opening += 1
        effects.append(.open(id))
        return true
    }

    /// Lets waiting leases run on a connection in order of due time, up to the batch limit.
    ///
    /// - Returns: False when none of those that wait may run now.
    private mutating func startBatch(on connection: ConnectionID, _ effects: inout Effects) -> Bool {
        var count = 0
        var isHeavy = false
        while count < self.limits.batchMax, self.leases.waitingCount > 0 {
            let mayBeHeavy = isHeavy || self.heavyLeased < self.limits.heavyLeasesMax
            guard let lane = self.nextLane(mayBeHeavy: mayBeHeavy) else { break }
            isHeavy = isHeavy || lane.isHeavy
            count += 1
            let (id, deadline) = self.leases.startHead(of: lane, on: connection)
            self.armTimer(for: deadline, &effects)
            effects.append(.run(connection, id))
        }
        guard count > 0 else { return false }
        if isHeavy { self.heavyLeased += 1 }
        self.connections[self.index(of: connection)].state = .leased(isHeavy: isHeavy, owed: count)
        return true
    }

    /// The lane whose first lease is due first.
    private func nextLane(mayBeHeavy: Bool) -> Lane? {
        var best: (lane: Lane, due: Instant)?
        for lane in Lane.all where mayBeHeavy || !lane.isHeavy {
            guard let askedAt = self.leases.headAskedAt(lane) else { continue }
            let due = lane.handicap == .zero ? askedAt : askedAt.advanced(by: lane.handicap)
            if let best, best.due <= due { continue }
            best = (lane, due)
        }
        return best?.lane
    }
}
