//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

@testable import ConnectionPoolModule

/// What a pool is allowed to do, written without a look at how the machine does it: plain lists, looked through.
///
/// Each event is told to the model first (``begin(_:at:)``), then each effect, in order (``apply(_:)``), then the end of
/// the event (``end()``), where what must have happened has happened. Anything else is a ``Violation``.
struct PoolModel {
    typealias Instant = MonotonicInstant
    typealias Limits = PoolStateMachine.Limits

    struct Violation: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    struct Lease {
        let id: LeaseID
        let lane: Lane
        let askedAt: Instant
        let acquireBy: Instant
        let deadline: Instant

        /// When it is its turn, as the documentation of `Lane` says.
        var due: Instant { self.askedAt.advanced(by: self.lane.handicap) }
    }

    struct Connection {
        enum State { case opening, idle, leased, broken, closing }

        let id: ConnectionID
        let generation: Int
        var state = State.opening
        var openedAt: Instant?
        var idleSince: Instant
        /// What its engine still works at, and those of them whose callers still wait.
        var atWork: [LeaseID] = []
        var owed: [Lease] = []
        var isHeavy = false
        var isQuarantined = false
        /// Its last caller was told to go while the engine works: that must be said.
        var isToBeQuarantined = false
        /// How many leases the batch had.
        var batchCount = 0
    }

    enum Phase: Equatable {
        case running, suspended, drained
        case draining(by: Instant)
        case expiring(by: Instant)
    }

    enum Event {
        case start, tick, recycle, suspend, resume
        case submit(Lease)
        case cancel(LeaseID)
        case opened(ConnectionID), openFailed(ConnectionID), closed(ConnectionID)
        case finished(ConnectionID, isHealthy: Bool)
        case shutDown(by: Instant)
    }

    /// What a simulation has seen: one that never sees something proves nothing about it.
    enum Sight: Int, CaseIterable {
        case opens, runs, fullBatches, timedOut, down, refusedByShutdown, cancelledWaiting, abandonedByCancel
        case abandonedByDeadline, abandonedByShutdown, quarantines, closedIdle, closedOld, closedByRecycle
        case closedBroken, closedByShutdown, empties, cleanEnds, uncleanEnds, heavyHeldBack, agedHeavyFirst, queueFull
    }

    /// What a product of a duration and a fraction may be off by.
    static let rounding: Duration = .microseconds(1)

    let limits: Limits
    var phase = Phase.running
    var now: Instant
    var event = Event.start
    /// In the order they were asked for.
    var waiting: [Lease] = []
    var connections: [Connection] = []
    var generation = 0
    var lastOpened = 0
    /// Failed openings since the last good one, and the time in which the next try begins.
    var failures = 0
    var pause: (from: Instant, until: Instant)?
    /// The earliest call the shell was asked for.
    var armed: Instant?
    var answered = 0
    var hasEmptied = false
    var endings = 0
    /// The connection of the batch that is being handed over.
    var batchOf: ConnectionID?
    var sights = [Int](repeating: 0, count: Sight.allCases.count)

    init(limits: Limits, now: Instant) {
        self.limits = limits
        self.now = now
    }

    mutating func saw(_ sight: Sight) { self.sights[sight.rawValue] += 1 }

    // MARK: - Looking

    var heavyMax: Int {
        self.limits.connectionsMax == 1 ? 1 : max(1, min(self.limits.heavyMax, self.limits.connectionsMax - 1))
    }

    func count(_ state: Connection.State) -> Int {
        var count = 0
        for connection in self.connections where connection.state == state { count += 1 }
        return count
    }

    /// Connections that will still be there: all but those that are closing.
    var staying: Int { self.connections.count - self.count(.closing) }

    func index(_ id: ConnectionID) throws(Violation) -> Int {
        for index in self.connections.indices where self.connections[index].id == id { return index }
        throw Violation("\(id) is no connection")
    }

    func waitingIndex(_ id: LeaseID) -> Int? {
        for index in self.waiting.indices where self.waiting[index].id == id { return index }
        return nil
    }

    /// Where a lease runs whose caller still waits.
    func owed(_ id: LeaseID) -> (connection: Int, position: Int)? {
        for connection in self.connections.indices {
            for position in self.connections[connection].owed.indices
            where self.connections[connection].owed[position].id == id { return (connection, position) }
        }
        return nil
    }

    var owedCount: Int {
        var count = 0
        for connection in self.connections { count += connection.owed.count }
        return count
    }

    /// Whether heavy work may begin on a connection that has not begun any.
    var mayBeHeavy: Bool {
        var heavy = 0
        for connection in self.connections where connection.state == .leased && connection.isHeavy { heavy += 1 }
        return heavy < self.heavyMax
    }

    /// The lease whose turn it is, of those that may begin.
    func next(mayBeHeavy: Bool) -> Lease? {
        var best: Lease?
        var lanes: UInt8 = 0
        for lease in self.waiting where lanes & (1 << lease.lane.rawValue) == 0 {
            lanes |= 1 << lease.lane.rawValue
            if lease.lane.isHeavy, !mayBeHeavy { continue }
            if let best, best.due <= lease.due { continue }
            best = lease
        }
        return best
    }

    /// The first instant at which the machine must look.
    var earliestLimit: Instant? {
        var earliest: Instant?
        func consider(_ instant: Instant) { if earliest.map({ instant < $0 }) ?? true { earliest = instant } }
        for lease in self.waiting { consider(lease.acquireBy) }
        for connection in self.connections { for lease in connection.owed { consider(lease.deadline) } }
        switch self.phase {
        case .draining(let by), .expiring(let by): consider(by)
        case .suspended, .drained: break
        case .running:
            if let pause = self.pause { consider(pause.until) }
            let isSpare = self.staying > self.limits.connectionsMin
            for connection in self.connections where connection.state == .idle {
                if let openedAt = connection.openedAt, let lifetime = self.limits.lifetimeMax {
                    consider(openedAt.advanced(by: lifetime))
                }
                if isSpare, let timeout = self.limits.idleTimeout {
                    consider(connection.idleSince.advanced(by: timeout))
                }
            }
        }
        return earliest
    }

    func isTooOld(_ connection: Connection, surely: Bool) -> Bool {
        guard let lifetime = self.limits.lifetimeMax, let openedAt = connection.openedAt else { return false }
        return openedAt.advanced(by: surely ? lifetime : lifetime * 0.9 - Self.rounding) <= self.now
    }

    func hasIdled(_ connection: Connection) -> Bool {
        guard let timeout = self.limits.idleTimeout else { return false }
        return connection.idleSince.advanced(by: timeout) <= self.now
    }
}
