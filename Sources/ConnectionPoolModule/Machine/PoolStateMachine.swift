//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The decisions of a connection pool: who runs where, who waits, who is refused, when to open and to close.
///
/// A pure value: time and randomness are passed in, effects are returned and run by ``ConnectionPool``. A lease is
/// *waiting*, then *running* on one connection together with its batch, and leaves the machine when it is answered:
/// finished, refused, or abandoned (answered while the engine still works; its connection stays leased until then).
package struct PoolStateMachine: ~Copyable {
    package typealias Instant = MonotonicInstant

    enum ConnectionState {
        /// Its thread has started. Can go to: `.idle`, `.leased`, `.closing`, gone.
        case opening
        /// Can go to: `.leased`, `.closing`.
        case idle(since: Instant)
        /// Can go to: `.idle`, `.closing`. `owed`: leases of its batch that are still to be answered.
        case leased(isHeavy: Bool, owed: Int)
        /// Its thread closes it. It counts as a connection until it is closed: a writer's successor must not open
        /// beside it. Can go to: gone.
        case closing
    }

    struct Connection {
        let id: ConnectionID
        var state: ConnectionState
        /// Connections of an earlier generation are not used again.
        let generation: Int
        var expiresAt: Instant?
    }

    /// The pool as a whole.
    enum Phase: Equatable {
        /// Can go to: `.suspended`, `.drained`, `.draining`.
        case running
        /// Nothing is opened or handed out. Can go to: `.running`, `.draining`.
        case suspended
        /// New leases are refused. Can go to: `.expiring`, `.drained`.
        case draining(by: Instant)
        /// Everybody has been answered; engines have until then to return. Can go to: `.drained`.
        case expiring(by: Instant)
        /// Everything has been answered and closed, or given up.
        case drained
    }

    let limits: Limits
    var phase = Phase.running
    /// Few: looked through one by one.
    var connections: ContiguousArray<Connection> = []
    /// Idle connections; the last one used is used next, so that its caches are warm, and the first idles longest.
    var idle: ContiguousArray<ConnectionID> = []
    var leases = LeaseTable()
    var heavyLeased = 0
    var opening = 0
    var nextConnection = 0
    var generation = 0
    var openFailures = 0
    var retryAt: Instant?
    var wakeAt: Instant?

    package init(limits: Limits) {
        limits.check()
        self.limits = limits
    }

    /// Leases waiting.
    package var waitingCount: Int { self.leases.waitingCount }
    /// Leases that run and whose callers are still to be answered.
    package var runningCount: Int { self.leases.runningCount }
    /// Connections that run a lease.
    package var leasedCount: Int { self.connections.count { if case .leased = $0.state { true } else { false } } }
    /// Connections whose callers have all been answered, and whose engine has not returned.
    package var quarantinedCount: Int {
        self.connections.count { if case .leased(_, owed: 0) = $0.state { true } else { false } }
    }
    /// Connections open, opening or closing.
    package var connectionCount: Int { self.connections.count }
    /// Connections on their way out.
    package var closingCount: Int { self.connections.count { if case .closing = $0.state { true } else { false } } }
    /// Connections ready for a lease.
    package var idleCount: Int { self.idle.count }

    /// Leases that run, the first begun first, and of many only so many.
    package func running(atMost count: Int = .max) -> [LeaseID] { self.leases.running(atMost: count) }

    func index(of id: ConnectionID) -> Int {
        guard let index = self.connections.firstIndex(where: { $0.id == id }) else {
            preconditionFailure("\(id) is not a connection of this pool")
        }
        return index
    }
}

// MARK: - Leases

extension PoolStateMachine {
    /// What becomes of a caller's wish.
    package enum Submission: Equatable {
        case refused(Refusal)
        case accepted(LeaseID, Effects)
    }

    /// A caller asks for a lease.
    ///
    /// - Complexity: O(1).
    package mutating func submit(lane: Lane, acquireBy: Instant, deadline: Instant, now: Instant) -> Submission {
        switch self.phase {
        case .draining, .expiring, .drained: return .refused(.shuttingDown)
        case .running, .suspended: break
        }
        // When a connection is idle, only heavy leases wait: they do not keep others from what is left to those.
        let isServedAtOnce = !lane.isHeavy && !self.idle.isEmpty
        if self.leases.waitingCount >= self.limits.waitersMax, !isServedAtOnce { return .refused(.queueFull) }
        if acquireBy <= now { return .refused(.timedOut) }
        let id = self.leases.append(lane: lane, askedAt: now, acquireBy: acquireBy, deadline: deadline)
        var effects = self.dispatch(now: now)
        self.armTimer(for: acquireBy, &effects)
        return .accepted(id, effects)
    }

    /// A caller is gone.
    ///
    /// - Complexity: O(1).
    package mutating func cancel(_ id: LeaseID, now: Instant) -> Effects {
        guard let record = self.leases[id] else { return [] }
        if record.state == .waiting {
            _ = self.leases.remove(id)
            var effects: Effects = [.refuse(id, .cancelled)]
            self.closeIfDraining(now: now, &effects)
            return effects
        }
        guard self.limits.abandonsWhenCancelled else { return [] }
        var effects = Effects()
        self.abandon(id, .cancelled, &effects)
        return effects
    }

    /// A lease of a running batch has its result.
    ///
    /// - Returns: Whether its caller is still to be answered.
    package mutating func settle(_ id: LeaseID) -> Bool {
        guard case .running(let connection) = self.leases.remove(id) else { return false }
        _ = self.lessOwed(connection)
        return true
    }

    mutating func abandon(_ id: LeaseID, _ refusal: Refusal, _ effects: inout Effects) {
        guard case .running(let connection) = self.leases.remove(id) else { return }
        effects.append(.abandon(id, refusal))
        if self.lessOwed(connection) == 0 { effects.append(.quarantine(connection)) }
    }

    private mutating func lessOwed(_ id: ConnectionID) -> Int {
        let index = self.index(of: id)
        guard case .leased(let isHeavy, let owed) = self.connections[index].state else {
            preconditionFailure("\(id) has a lease and is not leased")
        }
        self.connections[index].state = .leased(isHeavy: isHeavy, owed: owed - 1)
        return owed - 1
    }
}
