//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import DequeModule

/// Names a connection of a pool for as long as the pool lives; never used again.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    package let value: Int

    package init(_ value: Int) { self.value = value }

    public var description: String { "c\(self.value)" }
}

/// Names a lease for as long as the pool lives; never used again.
public struct LeaseID: Hashable, Sendable, CustomStringConvertible {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    public var description: String { "l\(self.value)" }
}

/// The decisions of a connection pool: who runs where, who waits, who is refused, when to open and to close.
///
/// A pure value: time and randomness are passed in, effects are returned and run by ``ConnectionPool``. A lease is
/// *waiting*, then *running* on one connection together with its batch, and leaves the machine when it is answered:
/// finished, refused, or abandoned (answered while the engine still works; its connection stays leased until then).
package struct PoolStateMachine: ~Copyable {
    package typealias Instant = ContinuousClock.Instant

    /// The bounds of a pool.
    package struct Limits: Sendable, Equatable {
        /// Most connections open or opening at once.
        package var connectionsMax: Int
        /// Most leases waiting at once.
        package var waitersMax: Int
        /// Most leases handed to a connection at once: 1 for readers, the group commit's cap for a writer.
        package var batchMax: Int
        /// Whether a cancelled caller is answered while its lease runs. A writer's is not: its outcome is near.
        package var abandonsWhenCancelled: Bool
        /// First and longest pause after a failed opening; it doubles in between and is drawn with full jitter.
        package var backoff: ClosedRange<Duration> = .milliseconds(20)...(.seconds(5))

        package init(connectionsMax: Int, waitersMax: Int, batchMax: Int, abandonsWhenCancelled: Bool) {
            precondition(connectionsMax >= 1 && waitersMax >= 1 && batchMax >= 1, "a pool's limits must be positive")
            self.connectionsMax = connectionsMax
            self.waitersMax = waitersMax
            self.batchMax = batchMax
            self.abandonsWhenCancelled = abandonsWhenCancelled
        }
    }

    /// Why a lease ends without a result.
    package enum Refusal: Equatable {
        case queueFull
        case timedOut
        case down
        case cancelled
        case deadlineExceeded
        case shuttingDown
    }

    /// What the shell must do, in order.
    package enum Effect: Equatable {
        /// Start a thread that opens this connection.
        case open(ConnectionID)
        /// Hand these leases to the connection's thread.
        case run(ConnectionID, [LeaseID])
        /// Answer a lease that has not begun.
        case refuse(LeaseID, Refusal)
        /// Answer a lease that runs, and tell the engine to stop.
        case abandon(LeaseID, Refusal)
        /// Let the connection's thread close it and end.
        case close(ConnectionID)
        /// Call ``tick(now:)`` at this instant.
        case wake(Instant)
        /// The last connection is gone after ``shutDown(now:)``.
        case drained
    }

    private enum LeaseState {
        /// Can go to: `.running`, answered.
        case waiting
        /// Can go to: answered.
        case running(ConnectionID)
    }

    private struct Record {
        let lane: Lane
        let askedAt: Instant
        let acquireBy: Instant
        let deadline: Instant
        var state: LeaseState

        var limit: Instant {
            switch self.state {
            case .waiting: self.acquireBy
            case .running: self.deadline
            }
        }
    }

    private enum ConnectionState {
        /// Its thread has started. Can go to: `.idle`, `.leased`, gone.
        case opening
        /// Can go to: `.leased`, `.closing`.
        case idle
        /// Can go to: `.idle`, `.closing`. `heavy`: whether the batch holds a heavy lease.
        case leased(heavy: Bool)
        /// Its thread closes it. It counts as a connection until it is closed: a writer's successor must not open
        /// beside it. Can go to: gone.
        case closing
    }

    private let limits: Limits
    private var connections: [ConnectionID: ConnectionState] = [:]
    /// Idle connections; the last one used is used next, so that its caches are warm.
    private var idle: [ConnectionID] = []
    private var heavyLeased = 0
    private var opening = 0
    private var nextConnection = 0
    private var records: [LeaseID: Record] = [:]
    /// Waiting leases per lane, oldest first; cancelled ones stay behind as stale IDs and are skipped.
    private var queues: [Deque<LeaseID>] = Lane.allCases.map { _ in [] }
    private var waiting = 0
    /// Connections of an earlier generation are not used again.
    private var generation = 0
    private var generations: [ConnectionID: Int] = [:]
    private var openFailures = 0
    private var retryAt: Instant?
    private var wakeAt: Instant?
    private var isShuttingDown = false
    private var isDrained = false

    package init(limits: Limits) { self.limits = limits }

    /// Leases waiting.
    package var waitingCount: Int { self.waiting }
    /// Connections that run a lease.
    package var leasedCount: Int {
        self.connections.count { if case .leased = $0.value { true } else { false } }
    }
    /// Connections open or opening.
    package var connectionCount: Int { self.connections.count }
    /// Connections on their way out.
    package var closingCount: Int { self.connections.count { if case .closing = $0.value { true } else { false } } }
    /// Connections ready for a lease.
    package var idleCount: Int { self.idle.count }

    /// Leases that run, in no particular order.
    package var running: [LeaseID] {
        self.records.compactMap { if case .running = $0.value.state { $0.key } else { nil } }
    }

    // MARK: - Leases

    /// A caller asks for a lease.
    ///
    /// - Complexity: O(1), amortised.
    package mutating func submit(
        _ id: LeaseID, lane: Lane, acquireBy: Instant, deadline: Instant, now: Instant
    ) -> [Effect] {
        if self.isShuttingDown { return [.refuse(id, .shuttingDown)] }
        if self.waiting >= self.limits.waitersMax { return [.refuse(id, .queueFull)] }
        if acquireBy <= now { return [.refuse(id, .timedOut)] }
        self.records[id] = Record(
            lane: lane, askedAt: now, acquireBy: acquireBy, deadline: deadline, state: .waiting)
        self.queues[Int(lane.rawValue)].append(id)
        self.waiting += 1
        return self.dispatch(now: now) + self.armTimer(for: acquireBy)
    }

    /// A caller is gone.
    ///
    /// - Complexity: O(1), amortised: its place in the queue goes stale and is skipped later.
    package mutating func cancel(_ id: LeaseID) -> [Effect] {
        guard let record = self.records[id] else { return [] }
        switch record.state {
        case .waiting:
            self.removeWaiting(id, lane: record.lane)
            return [.refuse(id, .cancelled)] + self.closeIfShuttingDown()
        case .running:
            guard self.limits.abandonsWhenCancelled else { return [] }
            self.records[id] = nil
            return [.abandon(id, .cancelled)]
        }
    }

    /// A lease of a running batch has its result.
    ///
    /// - Returns: Whether its caller is still to be answered.
    package mutating func settle(_ id: LeaseID) -> Bool { self.records.removeValue(forKey: id) != nil }

    // MARK: - Connections

    /// Opens the first connection ahead of the first lease.
    package mutating func start() -> [Effect] { self.openOne() }

    /// A connection's thread has opened it.
    package mutating func opened(_ id: ConnectionID, now: Instant) -> [Effect] {
        guard case .opening = self.connections[id] else { preconditionFailure("\(id) opened twice") }
        self.opening -= 1
        self.openFailures = 0
        return self.becameIdle(id, now: now)
    }

    /// A connection's thread could not open it, and has ended.
    ///
    /// Waiting leases stay: a later try may serve them before their time is up.
    package mutating func openFailed(
        _ id: ConnectionID, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard case .opening = self.connections.removeValue(forKey: id) else {
            preconditionFailure("\(id) failed to open twice")
        }
        self.generations[id] = nil
        self.opening -= 1
        if self.isShuttingDown { return self.closeIfShuttingDown() }
        let doublings = min(self.openFailures, 16)
        let ceiling = min(self.limits.backoff.upperBound, self.limits.backoff.lowerBound * (1 << doublings))
        self.openFailures += 1
        let retry = now.advanced(by: ceiling * Double.random(in: 0.5...1, using: &generator))
        self.retryAt = retry
        return self.armTimer(for: retry)
    }

    /// A connection has ended its batch; all leases of it have been settled.
    ///
    /// - Parameter isHealthy: False when it must be closed and replaced.
    package mutating func finished(_ id: ConnectionID, isHealthy: Bool, now: Instant) -> [Effect] {
        guard case .leased(let heavy) = self.connections[id] else { preconditionFailure("\(id) was not leased") }
        if heavy { self.heavyLeased -= 1 }
        guard isHealthy, self.generations[id] == self.generation else {
            self.connections[id] = .closing
            return [.close(id)] + self.dispatch(now: now) + self.closeIfShuttingDown()
        }
        return self.becameIdle(id, now: now)
    }

    /// A connection's thread has closed it.
    package mutating func closed(_ id: ConnectionID, now: Instant) -> [Effect] {
        guard case .closing = self.connections.removeValue(forKey: id) else {
            preconditionFailure("\(id) was not closing")
        }
        self.generations[id] = nil
        return self.dispatch(now: now) + self.closeIfShuttingDown()
    }

    /// Replaces every connection: the idle ones now, the others as soon as their batch has ended.
    package mutating func recycle(now: Instant) -> [Effect] {
        self.generation += 1
        let closing = self.idle
        self.idle.removeAll()
        for id in closing { self.connections[id] = .closing }
        return closing.map { .close($0) } + self.dispatch(now: now)
    }

    private mutating func becameIdle(_ id: ConnectionID, now: Instant) -> [Effect] {
        self.connections[id] = .idle
        self.idle.append(id)
        return self.dispatch(now: now) + self.closeIfShuttingDown()
    }

    // MARK: - Time

    /// Ends what is overdue, and tries again to open what failed.
    ///
    /// - Complexity: O(n), n leases waiting or running. Called when the earliest known limit is reached, which with
    ///   leases shorter than their limits is about once per limit, not once per lease.
    package mutating func tick(now: Instant) -> [Effect] {
        self.wakeAt = nil
        var effects: [Effect] = []
        var earliest: Instant?
        for (id, record) in self.records {
            if record.limit > now {
                earliest = earliest.map { min($0, record.limit) } ?? record.limit
                continue
            }
            switch record.state {
            case .waiting:
                self.removeWaiting(id, lane: record.lane)
                effects.append(.refuse(id, self.isDown ? .down : .timedOut))
            case .running:
                self.records[id] = nil
                effects.append(.abandon(id, .deadlineExceeded))
            }
        }
        if let retryAt = self.retryAt {
            if retryAt <= now {
                self.retryAt = nil
                effects += self.dispatch(now: now)
            } else {
                earliest = earliest.map { min($0, retryAt) } ?? retryAt
            }
        }
        if let earliest { effects += self.armTimer(for: earliest) }
        return effects + self.closeIfShuttingDown()
    }

    /// Whether no connection exists and the last opening failed.
    private var isDown: Bool { self.openFailures > 0 && self.idle.isEmpty && self.leasedCount == 0 }

    private mutating func armTimer(for instant: Instant) -> [Effect] {
        if let wakeAt, wakeAt <= instant { return [] }
        self.wakeAt = instant
        return [.wake(instant)]
    }

    // MARK: - Shutdown

    /// Refuses new leases; those waiting and running still end, each by its own limit, then all connections close.
    package mutating func shutDown() -> [Effect] {
        self.isShuttingDown = true
        self.retryAt = nil
        return self.closeIfShuttingDown()
    }

    /// While shutting down: closes what is idle once nobody waits, refuses those nobody is left to serve, and says
    /// when the last connection is gone.
    private mutating func closeIfShuttingDown() -> [Effect] {
        guard self.isShuttingDown, !self.isDrained else { return [] }
        var effects: [Effect] = []
        if self.connections.isEmpty {
            let orphans = self.records.keys.filter { id in
                if case .waiting = self.records[id]?.state { true } else { false }
            }
            for id in orphans { self.records[id] = nil }
            self.waiting = 0
            effects += orphans.map { .refuse($0, .shuttingDown) }
        }
        if self.waiting == 0 {
            for id in self.idle {
                self.connections[id] = .closing
                effects.append(.close(id))
            }
            self.idle.removeAll()
        }
        if self.connections.isEmpty {
            self.isDrained = true
            effects.append(.drained)
        }
        return effects
    }

    // MARK: - Dispatch

    /// Hands waiting leases to idle connections, and opens connections while leases are left over.
    private mutating func dispatch(now: Instant) -> [Effect] {
        var effects: [Effect] = []
        while self.waiting > 0, let connection = self.idle.last {
            let batch = self.takeBatch()
            if batch.ids.isEmpty { break }
            self.idle.removeLast()
            self.connections[connection] = .leased(heavy: batch.isHeavy)
            if batch.isHeavy { self.heavyLeased += 1 }
            for id in batch.ids {
                guard var record = self.records[id] else { preconditionFailure("\(id) is not waiting") }
                record.state = .running(connection)
                self.records[id] = record
                effects += self.armTimer(for: record.deadline)
            }
            effects.append(.run(connection, batch.ids))
        }
        if self.waiting > self.opening, self.idle.isEmpty, self.retryAt == nil { effects += self.openOne() }
        return effects
    }

    private mutating func openOne() -> [Effect] {
        guard !self.isShuttingDown, self.connections.count < self.limits.connectionsMax else { return [] }
        self.nextConnection += 1
        let id = ConnectionID(self.nextConnection)
        self.connections[id] = .opening
        self.generations[id] = self.generation
        self.opening += 1
        return [.open(id)]
    }

    /// Takes waiting leases in order of due time, up to the batch limit.
    private mutating func takeBatch() -> (ids: [LeaseID], isHeavy: Bool) {
        var ids: [LeaseID] = []
        var isHeavy = false
        while ids.count < self.limits.batchMax, let id = self.takeNext(allowHeavy: isHeavy || self.mayRunHeavy) {
            isHeavy = isHeavy || (self.records[id]?.lane.isHeavy ?? false)
            ids.append(id)
        }
        return (ids, isHeavy)
    }

    /// Heavy work never takes the last connection, unless there is only one.
    private var mayRunHeavy: Bool {
        self.limits.connectionsMax == 1 || self.heavyLeased < self.limits.connectionsMax - 1
    }

    private mutating func takeNext(allowHeavy: Bool) -> LeaseID? {
        var best: (lane: Lane, due: Instant)?
        for lane in Lane.allCases where allowHeavy || !lane.isHeavy {
            guard let head = self.head(of: lane) else { continue }
            let due = head.askedAt.advanced(by: lane.handicap)
            if let known = best, known.due <= due { continue }
            best = (lane, due)
        }
        guard let best else { return nil }
        self.waiting -= 1
        return self.queues[Int(best.lane.rawValue)].removeFirst()
    }

    private mutating func head(of lane: Lane) -> Record? {
        let index = Int(lane.rawValue)
        while let id = self.queues[index].first {
            if let record = self.records[id], case .waiting = record.state { return record }
            self.queues[index].removeFirst()
        }
        return nil
    }

    private mutating func removeWaiting(_ id: LeaseID, lane: Lane) {
        self.records[id] = nil
        self.waiting -= 1
        let index = Int(lane.rawValue)
        guard self.queues[index].count > 2 * self.waiting + 64 else { return }
        let records = self.records
        self.queues[index].removeAll { records[$0] == nil }
    }
}
