//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

@testable import ConnectionPoolModule

// MARK: - What holds after each event

extension PoolModel {
    mutating func end() throws(Violation) {
        try self.endBatch()
        switch self.event {
        case .cancel(let id):
            let isOwed = self.limits.abandonsWhenCancelled && self.owed(id) != nil
            if self.waitingIndex(id) != nil || isOwed { throw Violation("\(id) was cancelled and not answered") }
        case .tick: try self.endTick()
        case .start, .recycle, .suspend, .resume, .submit, .opened, .openFailed, .closed, .finished, .shutDown: break
        }
        try self.checkConnections()
        try self.checkService()
        if let limit = self.earliestLimit, self.phase != .drained {
            guard let armed = self.armed, armed <= limit else { throw Violation("nobody looks when a limit is over") }
        }
    }

    /// After a look at the clock nothing is overdue.
    private mutating func endTick() throws(Violation) {
        if let pause = self.pause, pause.from <= self.now {
            // The pause is drawn by lot. It is over if the machine does not want to look for its sake any more.
            let isWaitedFor = self.armed.map { $0 <= pause.until } ?? false
            if pause.until <= self.now || !isWaitedFor { self.pause = nil }
        }
        for lease in self.waiting where lease.acquireBy <= self.now { throw Violation("\(lease.id) waits too long") }
        for connection in self.connections {
            for lease in connection.owed where lease.deadline <= self.now { throw Violation("\(lease.id) is overdue") }
        }
        switch self.phase {
        case .draining(let by) where by <= self.now:
            guard self.waiting.isEmpty, self.owedCount == 0 else { throw Violation("not all were told to go") }
            self.phase = .expiring(by: self.now.advanced(by: self.limits.drainGrace))
        case .expiring(let by) where by <= self.now: throw Violation("the pool did not end in time")
        case .running:
            let isSpare = self.staying > self.limits.connectionsMin
            for connection in self.connections where connection.state == .idle {
                if self.isTooOld(connection, surely: true) { throw Violation("\(connection.id) is too old") }
                if isSpare, self.hasIdled(connection) { throw Violation("\(connection.id) idles for too long") }
            }
        case .suspended, .draining, .expiring, .drained: break
        }
    }

    private func checkConnections() throws(Violation) {
        guard self.connections.count <= self.limits.connectionsMax else { throw Violation("too many connections") }
        var heavy = 0
        for connection in self.connections {
            switch connection.state {
            case .broken: throw Violation("\(connection.id) is broken and was not closed")
            case .idle:
                if connection.generation != self.generation { throw Violation("\(connection.id) was not recycled") }
                if self.phase == .suspended { throw Violation("\(connection.id) idles in a suspended pool") }
                if self.waiting.isEmpty, self.phase != .running { throw Violation("\(connection.id) was not closed") }
                if case .finished(connection.id, _) = self.event, self.isTooOld(connection, surely: true) {
                    throw Violation("\(connection.id) is too old")
                }
            case .leased:
                if connection.isHeavy { heavy += 1 }
                if connection.isToBeQuarantined { throw Violation("\(connection.id) was set apart in silence") }
            case .opening, .closing: break
            }
        }
        guard heavy <= self.heavyMax else { throw Violation("\(heavy) connections do heavy work") }
        if self.phase == .suspended, self.connections.isEmpty, !self.hasEmptied {
            throw Violation("emptied in silence")
        }
    }

    /// Nobody waits beside an idle connection, nor while one could be opened.
    private mutating func checkService() throws(Violation) {
        if self.phase == .suspended { return }
        let next = self.next(mayBeHeavy: self.mayBeHeavy)
        if self.count(.idle) > 0 {
            if let next { throw Violation("\(next.id) waits beside an idle connection") }
            if !self.waiting.isEmpty { self.saw(.heavyHeldBack) }
        }
        guard self.phase == .running, self.pause == nil else { return }
        guard self.connections.count < self.limits.connectionsMax else { return }
        if next != nil, self.count(.opening) == 0 { throw Violation("leases wait, and nothing opens for them") }
        guard self.connections.count >= self.limits.connectionsMin else { throw Violation("fewer than the minimum") }
    }
}
