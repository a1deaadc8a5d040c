//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport

@testable import ConnectionPoolModule

/// A shell without threads: runs the machine's effects in an order that a seed decides, and shows the model everything.
struct PoolWorld: ~Copyable {
    typealias Instant = MonotonicInstant
    typealias Violation = PoolModel.Violation

    var machine: FaultyMachine
    var model: PoolModel
    var generator: SeededGenerator
    var now: Instant
    /// A usual step in time. Small ones leave no lane time to age, large ones leave nobody time to wait.
    let scale: Duration
    /// Steps, and the one at which the pool is told to end.
    let steps: Int
    let endsAt: Int
    /// Whether engines stop to return when the pool is told to end.
    let getsStuck: Bool
    var isStuck = false
    /// A lease that was answered: nobody may find it again.
    var formerLease: LeaseID?

    init(seed: UInt64, bug: PlantedBug? = nil) {
        var generator = SeededGenerator(seed: seed)
        let scales: [Duration] = [.milliseconds(1), .milliseconds(30), .milliseconds(500)]
        let scale = scales[Int.random(in: 0..<3, using: &generator)]
        let limits = Self.limits(scale: scale, using: &generator)
        let now = Instant.now
        self.scale = scale
        self.steps = Int.random(in: 200...3_000, using: &generator)
        self.endsAt = Int.random(in: self.steps / 2...self.steps, using: &generator)
        self.getsStuck = Int.random(in: 0..<3, using: &generator) == 0
        self.machine = FaultyMachine(limits: limits, bug: bug)
        self.model = PoolModel(limits: limits, now: now)
        self.now = now
        self.generator = generator
    }

    private static func limits(scale: Duration, using generator: inout SeededGenerator) -> PoolStateMachine.Limits {
        var limits = PoolStateMachine.Limits(
            connectionsMax: Int.random(in: 1...5, using: &generator),
            waitersMax: Int.random(in: 3...20, using: &generator))
        limits.connectionsMin = Int.random(in: 0...limits.connectionsMax, using: &generator)
        limits.batchMax = Bool.random(using: &generator) ? 1 : Int.random(in: 2...5, using: &generator)
        limits.heavyMax = Int.random(in: 1...4, using: &generator)
        limits.abandonsWhenCancelled = Bool.random(using: &generator)
        limits.idleTimeout = Bool.random(using: &generator) ? scale * Int.random(in: 5...40, using: &generator) : nil
        limits.lifetimeMax = Bool.random(using: &generator) ? scale * Int.random(in: 50...300, using: &generator) : nil
        limits.backoff = scale...(scale * Int.random(in: 1...50, using: &generator))
        limits.drainGrace = scale * Int.random(in: 1...20, using: &generator)
        return limits
    }

    /// Runs a whole life.
    ///
    /// - Parameter step: Where it is; after an error, where it happened.
    mutating func live(step: inout Int) throws(Violation) {
        try self.event(.start)
        while step < self.steps, !(self.model.phase == .drained && self.model.connections.isEmpty) {
            step += 1
            try self.takeStep(step)
        }
        try self.drain(step: &step)
    }

    private mutating func takeStep(_ step: Int) throws(Violation) {
        if Int.random(in: 0..<4, using: &self.generator) > 0 {
            self.now = self.now.advanced(by: self.scale * Double.random(in: 0...3, using: &self.generator))
        }
        if step == self.endsAt { return try self.end() }
        switch Int.random(in: 0..<400, using: &self.generator) {
        case 0..<120: try self.submit()
        case 120..<245: try self.work()
        case 245..<285: try self.openOne()
        case 285..<310: try self.closeOne()
        case 310..<335: try self.cancel()
        case 335..<390: if let armed = self.model.armed, armed <= self.now { try self.event(.tick) }
        // A look at the clock that nobody needed: two threads may have asked for it.
        case 390..<392: try self.event(.tick)
        case 392: try self.event(.recycle)
        case 393: try self.event(.suspend)
        case 394..<399: try self.event(.resume)
        // The process was stopped for minutes; what happens next may be anything, not only the timer.
        default: self.now = self.now.advanced(by: .seconds(Int.random(in: 60...1_800, using: &self.generator)))
        }
    }

    // MARK: - Events

    /// An event without a choice in it.
    private mutating func event(_ event: PoolModel.Event) throws(Violation) {
        try self.model.begin(event, at: self.now)
        if let objection = self.machine.objection(to: event) { throw Violation(objection) }
        let effects =
            switch event {
            case .start: self.machine.start()
            case .tick: self.machine.tick(now: self.now)
            case .recycle: self.machine.recycle(now: self.now)
            case .suspend: self.machine.suspend(now: self.now)
            case .resume: self.machine.resume(now: self.now)
            case .cancel(let id): self.machine.cancel(id, now: self.now)
            case .opened(let id): self.machine.opened(id, now: self.now, using: &self.generator)
            case .openFailed(let id): self.machine.openFailed(id, now: self.now, using: &self.generator)
            case .closed(let id): self.machine.closed(id, now: self.now)
            case .finished(let id, let isHealthy): self.machine.finished(id, isHealthy: isHealthy, now: self.now)
            case .shutDown(let by): self.machine.shutDown(by: by, now: self.now)
            case .submit: preconditionFailure("a submission has an answer of its own")
            }
        try self.perform(effects)
    }

    private mutating func perform(_ effects: PoolStateMachine.Effects) throws(Violation) {
        for effect in effects {
            if case .refuse(let id, _) = effect { self.formerLease = id }
            try self.model.apply(effect)
        }
        try self.model.end()
        try self.compare()
    }

    /// The machine and the model have counted the same.
    private mutating func compare() throws(Violation) {
        var idle = 0, leased = 0, closing = 0, quarantined = 0, owed = 0
        for connection in self.model.connections {
            switch connection.state {
            case .idle: idle += 1
            case .closing: closing += 1
            case .leased:
                leased += 1
                owed += connection.owed.count
                if connection.owed.isEmpty { quarantined += 1 }
            case .opening, .broken: break
            }
        }
        guard
            self.machine.machine.connectionCount == self.model.connections.count,
            self.machine.machine.idleCount == idle, self.machine.machine.leasedCount == leased,
            self.machine.machine.closingCount == closing, self.machine.machine.quarantinedCount == quarantined,
            self.machine.machine.waitingCount == self.model.waiting.count, self.machine.machine.runningCount == owed
        else { throw Violation("connections or leases are not conserved") }
    }

    private mutating func submit() throws(Violation) {
        let lane = Lane.allCases[Int.random(in: 0..<4, using: &self.generator)]
        let hasHurry = Int.random(in: 0..<20, using: &self.generator) == 0
        let patience = hasHurry ? .zero : self.scale * Double.random(in: 0.1...40, using: &self.generator)
        let work = self.scale * Double.random(in: 0...40, using: &self.generator)
        // A caller looks at the clock before it gets the lock: others may have been quicker.
        let isLate = Int.random(in: 0..<4, using: &self.generator) == 0
        let askedAt = isLate ? self.now.advanced(by: .zero - self.scale / 2) : self.now
        let acquireBy = askedAt.advanced(by: patience)
        let deadline = acquireBy.advanced(by: work)
        let expected = self.expected(lane: lane, askedAt: askedAt, acquireBy: acquireBy)
        switch self.machine.submit(lane: lane, acquireBy: acquireBy, deadline: deadline, now: askedAt) {
        case .refused(let refusal):
            guard refusal == expected else { throw Violation("a lease was refused at once as \(refusal)") }
            if refusal == .queueFull { self.model.saw(.queueFull) }
        case .accepted(let id, let effects):
            if let expected { throw Violation("\(id) was not refused as \(expected)") }
            guard self.model.waitingIndex(id) == nil, self.model.owed(id) == nil else {
                throw Violation("\(id) is no new name")
            }
            let lease = PoolModel.Lease(
                id: id, lane: lane, askedAt: askedAt, acquireBy: acquireBy, deadline: deadline)
            try self.model.begin(.submit(lease), at: self.now)
            try self.perform(effects)
        }
    }

    private func expected(lane: Lane, askedAt: Instant, acquireBy: Instant) -> PoolStateMachine.Refusal? {
        if self.model.phase != .running, self.model.phase != .suspended { return .shuttingDown }
        // Heavy leases that wait may not keep others from the connection that is kept free for those.
        let isServedAtOnce = !lane.isHeavy && self.model.count(.idle) > 0
        if self.model.waiting.count >= self.model.limits.waitersMax, !isServedAtOnce { return .queueFull }
        return acquireBy <= askedAt ? .timedOut : nil
    }

    private mutating func cancel() throws(Violation) {
        let waiting = self.model.waiting.count
        let all = waiting + self.model.owedCount
        if let former = self.formerLease, all == 0 || Int.random(in: 0..<8, using: &self.generator) == 0 {
            guard self.machine.cancel(former, now: self.now).isEmpty else { throw Violation("\(former) came back") }
            return
        }
        guard all > 0 else { return }
        var choice = Int.random(in: 0..<all, using: &self.generator)
        if choice < waiting { return try self.event(.cancel(self.model.waiting[choice].id)) }
        choice -= waiting
        for connection in self.model.connections {
            if choice < connection.owed.count { return try self.event(.cancel(connection.owed[choice].id)) }
            choice -= connection.owed.count
        }
    }

    /// A connection in a state, by lot.
    private mutating func any(_ state: PoolModel.Connection.State) -> Int? {
        let count = self.model.count(state)
        guard count > 0 else { return nil }
        var choice = Int.random(in: 0..<count, using: &self.generator)
        for index in self.model.connections.indices where self.model.connections[index].state == state {
            if choice == 0 { return index }
            choice -= 1
        }
        return nil
    }

    private mutating func openOne() throws(Violation) {
        guard let index = self.any(.opening) else { return }
        let id = self.model.connections[index].id
        let isGood = Int.random(in: 0..<4, using: &self.generator) > 0
        try self.event(isGood ? .opened(id) : .openFailed(id))
    }

    private mutating func closeOne() throws(Violation) {
        guard let index = self.any(.closing) else { return }
        try self.event(.closed(self.model.connections[index].id))
    }

    /// An engine settles one lease of its batch, or all that are left, in any order, and returns.
    private mutating func work() throws(Violation) {
        guard !self.isStuck, let index = self.any(.leased) else { return }
        if Int.random(in: 0..<3, using: &self.generator) == 0 { return try self.settleOne(index) }
        while !self.model.connections[index].atWork.isEmpty { try self.settleOne(index) }
        let isHealthy = Int.random(in: 0..<12, using: &self.generator) > 0
        try self.event(.finished(self.model.connections[index].id, isHealthy: isHealthy))
    }

    private mutating func settleOne(_ index: Int) throws(Violation) {
        let count = self.model.connections[index].atWork.count
        guard count > 0 else { return }
        let position = count == 1 ? 0 : Int.random(in: 0..<count, using: &self.generator)
        let id = self.model.connections[index].atWork.remove(at: position)
        let isOwed = self.machine.settle(id)
        guard isOwed == (self.model.owed(id) != nil) else { throw Violation("\(id) is answered twice, or never") }
        guard isOwed else { return }
        self.model.connections[index].owed.removeAll { $0.id == id }
        self.model.answered += 1
        self.formerLease = id
    }

    // MARK: - The end

    private mutating func end() throws(Violation) {
        self.isStuck = self.getsStuck
        try self.event(
            .shutDown(by: self.now.advanced(by: self.scale * Int.random(in: 0...60, using: &self.generator))))
    }

    /// Lets time pass until the pool has ended and its last engine has returned.
    private mutating func drain(step: inout Int) throws(Violation) {
        if self.model.phase == .running || self.model.phase == .suspended { try self.end() }
        for _ in 0..<400 where !(self.model.phase == .drained && self.model.connections.isEmpty) {
            step += 1
            if self.model.phase == .drained { self.isStuck = false }
            self.now = self.now.advanced(by: self.scale * 3)
            try self.openOne()
            try self.closeOne()
            try self.work()
            if let armed = self.model.armed, armed <= self.now { try self.event(.tick) }
        }
        guard self.model.phase == .drained, self.model.connections.isEmpty, self.model.waiting.isEmpty else {
            throw Violation("the pool never ended: \(self.model.phase), \(self.model.connections.count) connections")
        }
    }
}
