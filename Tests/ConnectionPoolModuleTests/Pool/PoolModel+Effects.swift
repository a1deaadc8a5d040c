//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

@testable import ConnectionPoolModule

// MARK: - Events and effects

extension PoolModel {
    /// What an event means before the machine has decided anything.
    mutating func begin(_ event: Event, at now: Instant) throws(Violation) {
        self.event = event
        self.now = now
        self.batchOf = nil
        switch event {
        case .start, .cancel: break
        case .tick: self.armed = nil
        case .recycle: self.generation += 1
        case .suspend:
            guard self.phase == .running else { return }
            self.phase = .suspended
            self.hasEmptied = false
            self.pause = nil
            self.generation += 1
        case .resume:
            if self.phase == .suspended { self.phase = .running }
        case .submit(let lease): self.waiting.append(lease)
        case .opened(let id):
            let index = try self.index(id)
            self.connections[index].state = .idle
            self.connections[index].openedAt = now
            self.connections[index].idleSince = now
            self.failures = 0
            self.pause = nil
        case .openFailed(let id):
            let index = try self.index(id)
            self.connections.remove(at: index)
            let ceiling = min(self.limits.backoff.upperBound, self.limits.backoff.lowerBound * (1 << self.failures))
            self.failures = min(self.failures + 1, 16)
            if self.phase == .running {
                self.pause = (now.advanced(by: ceiling / 2 - Self.rounding), now.advanced(by: ceiling + Self.rounding))
            }
        case .closed(let id):
            let index = try self.index(id)
            self.connections.remove(at: index)
        case .finished(let id, let isHealthy):
            let index = try self.index(id)
            self.connections[index].state = isHealthy ? .idle : .broken
            self.connections[index].idleSince = now
            self.connections[index].isHeavy = false
            self.connections[index].isQuarantined = false
        case .shutDown(let by):
            guard self.phase == .running || self.phase == .suspended else { return }
            self.phase = .draining(by: by)
            self.pause = nil
        }
    }

    /// An effect of the machine's, in its place among the others.
    mutating func apply(_ effect: PoolStateMachine.Effect) throws(Violation) {
        switch effect {
        case .wake(let instant):
            if self.armed.map({ instant < $0 }) ?? true { self.armed = instant }
        case .run(let id, let lease): try self.run(lease, on: id)
        case .open(let id): try self.open(id)
        case .refuse(let id, let refusal): try self.refuse(id, refusal)
        case .abandon(let id, let refusal): try self.abandon(id, refusal)
        case .quarantine(let id): try self.quarantine(id)
        case .close(let id, let reason): try self.close(id, reason)
        case .emptied:
            guard self.phase == .suspended, self.connections.isEmpty, !self.hasEmptied else {
                throw Violation("emptied with \(self.connections.count) connections, or twice")
            }
            self.hasEmptied = true
            self.saw(.empties)
        case .drained(let isClean): try self.drained(isClean)
        }
    }

    private mutating func open(_ id: ConnectionID) throws(Violation) {
        try self.endBatch()
        guard self.phase == .running else { throw Violation("\(id) opened while \(self.phase)") }
        guard id.value > self.lastOpened else { throw Violation("\(id) is not a new name") }
        guard self.connections.count < self.limits.connectionsMax else { throw Violation("too many connections") }
        if let pause = self.pause, self.now < pause.from { throw Violation("\(id) opened before its pause was over") }
        self.lastOpened = id.value
        self.pause = nil
        self.connections.append(Connection(id: id, generation: self.generation, idleSince: self.now))
        self.saw(.opens)
    }

    private mutating func run(_ id: LeaseID, on connection: ConnectionID) throws(Violation) {
        let index = try self.index(connection)
        guard self.phase != .suspended, self.phase != .drained else { throw Violation("\(id) runs in \(self.phase)") }
        guard self.connections[index].generation == self.generation else {
            throw Violation("\(connection) was opened before the last recycling")
        }
        if self.batchOf != connection {
            try self.endBatch()
            guard self.connections[index].state == .idle else { throw Violation("\(connection) is not idle") }
            self.connections[index].state = .leased
            self.connections[index].batchCount = 0
            self.batchOf = connection
        }
        guard let position = self.waitingIndex(id) else { throw Violation("\(id) does not wait") }
        let lease = self.waiting[position]
        let mayBeHeavy = self.connections[index].isHeavy || self.mayBeHeavy
        guard let best = self.next(mayBeHeavy: mayBeHeavy) else { throw Violation("\(id) may not run now") }
        if lease.lane.isHeavy, !mayBeHeavy { throw Violation("\(id) takes the connection that heavy work leaves") }
        for earlier in self.waiting[..<position] where earlier.lane == lease.lane {
            throw Violation("\(id) overtook \(earlier.id) of its lane")
        }
        guard lease.due <= best.due else { throw Violation("\(id) runs before \(best.id), which is due earlier") }
        self.waiting.remove(at: position)
        if lease.lane.isHeavy {
            for other in self.waiting where !other.lane.isHeavy {
                self.saw(.agedHeavyFirst)
                break
            }
        }
        self.connections[index].isHeavy = self.connections[index].isHeavy || lease.lane.isHeavy
        self.connections[index].atWork.append(id)
        self.connections[index].owed.append(lease)
        self.connections[index].batchCount += 1
        if self.connections[index].batchCount > self.limits.batchMax { throw Violation("a batch over its limit") }
        self.saw(.runs)
        if self.connections[index].batchCount == self.limits.batchMax, self.limits.batchMax > 1 {
            self.saw(.fullBatches)
        }
    }

    /// A batch that has been handed over holds all that could have been in it.
    mutating func endBatch() throws(Violation) {
        guard let id = self.batchOf else { return }
        self.batchOf = nil
        let connection = self.connections[try self.index(id)]
        guard connection.batchCount < self.limits.batchMax else { return }
        if let left = self.next(mayBeHeavy: connection.isHeavy || self.mayBeHeavy) {
            throw Violation("\(left.id) was left out of a batch that had room")
        }
    }

    private mutating func refuse(_ id: LeaseID, _ refusal: PoolStateMachine.Refusal) throws(Violation) {
        try self.endBatch()
        guard let position = self.waitingIndex(id) else { throw Violation("\(id) was refused and does not wait") }
        let lease = self.waiting.remove(at: position)
        self.answered += 1
        switch refusal {
        case .timedOut, .down:
            guard case .tick = self.event, lease.acquireBy <= self.now else { throw Violation("\(id) refused early") }
            let hasFailed = self.failures > 0 && self.count(.idle) == 0 && self.count(.leased) == 0
            let isDown = self.phase == .suspended || hasFailed
            guard isDown == (refusal == .down) else { throw Violation("\(id) refused as \(refusal)") }
            self.saw(isDown ? .down : .timedOut)
        case .cancelled:
            guard case .cancel(id) = self.event else { throw Violation("\(id) was not cancelled") }
            self.saw(.cancelledWaiting)
        case .shuttingDown:
            guard case .draining(let by) = self.phase, by <= self.now || self.connections.isEmpty else {
                throw Violation("\(id) refused while the pool could serve it")
            }
            self.saw(.refusedByShutdown)
        case .queueFull, .deadlineExceeded: throw Violation("\(id) refused as \(refusal)")
        }
    }

    private mutating func abandon(_ id: LeaseID, _ refusal: PoolStateMachine.Refusal) throws(Violation) {
        try self.endBatch()
        guard let place = self.owed(id) else { throw Violation("\(id) was abandoned, but owes nobody an answer") }
        let lease = self.connections[place.connection].owed.remove(at: place.position)
        self.answered += 1
        if self.connections[place.connection].owed.isEmpty {
            self.connections[place.connection].isToBeQuarantined = true
        }
        switch refusal {
        case .cancelled:
            guard case .cancel(id) = self.event, self.limits.abandonsWhenCancelled else {
                throw Violation("\(id) was not cancelled")
            }
            self.saw(.abandonedByCancel)
        case .deadlineExceeded:
            guard lease.deadline <= self.now else { throw Violation("\(id) was stopped before its deadline") }
            self.saw(.abandonedByDeadline)
        case .shuttingDown:
            guard case .draining(let by) = self.phase, by <= self.now else { throw Violation("\(id) stopped early") }
            self.saw(.abandonedByShutdown)
        case .queueFull, .timedOut, .down: throw Violation("\(id) was stopped as \(refusal)")
        }
    }

    private mutating func quarantine(_ id: ConnectionID) throws(Violation) {
        let index = try self.index(id)
        let connection = self.connections[index]
        guard connection.state == .leased, connection.owed.isEmpty, !connection.isQuarantined else {
            throw Violation("\(id) is set apart though \(connection.owed.count) answers are owed, or twice")
        }
        self.connections[index].isQuarantined = true
        self.connections[index].isToBeQuarantined = false
        self.saw(.quarantines)
    }

    private mutating func close(_ id: ConnectionID, _ reason: ConnectionCloseReason) throws(Violation) {
        try self.endBatch()
        let index = try self.index(id)
        let connection = self.connections[index]
        guard connection.state == .idle || connection.state == .broken else {
            throw Violation("\(id) is closed while \(connection.state)")
        }
        guard self.mayClose(connection, reason) else { throw Violation("\(id) is closed as \(reason)") }
        self.connections[index].state = .closing
        switch reason {
        case .finished: self.saw(.closedBroken)
        case .recycled: self.saw(.closedByRecycle)
        case .lifetime: self.saw(.closedOld)
        case .idle: self.saw(.closedIdle)
        case .shutdown: self.saw(.closedByShutdown)
        }
    }

    private func mayClose(_ connection: Connection, _ reason: ConnectionCloseReason) -> Bool {
        switch reason {
        case .finished: return connection.state == .broken
        case .recycled: return connection.generation != self.generation
        case .lifetime: return self.isTooOld(connection, surely: false)
        case .idle:
            guard case .tick = self.event else { return false }
            return self.hasIdled(connection) && self.staying > self.limits.connectionsMin
        case .shutdown: return self.phase != .running && self.phase != .suspended && self.waiting.isEmpty
        }
    }

    private mutating func drained(_ isClean: Bool) throws(Violation) {
        self.endings += 1
        guard self.endings == 1 else { throw Violation("the pool ended twice") }
        guard self.waiting.isEmpty, self.owedCount == 0 else { throw Violation("the pool ended with leases in it") }
        switch self.phase {
        case .draining, .expiring: break
        case .running, .suspended, .drained: throw Violation("the pool ended while \(self.phase)")
        }
        if isClean {
            guard self.connections.isEmpty else { throw Violation("a clean end with connections") }
        } else {
            guard case .expiring(let by) = self.phase, by <= self.now, !self.connections.isEmpty else {
                throw Violation("given up while \(self.phase)")
            }
        }
        self.phase = .drained
        self.saw(isClean ? .cleanEnds : .uncleanEnds)
    }
}
