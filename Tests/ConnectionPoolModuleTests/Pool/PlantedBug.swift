//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import ConnectionPoolModule

/// A fault that a simulation must find.
enum PlantedBug: String, CaseIterable, Sendable, CustomTestStringConvertible {
    // Effects that get lost, come twice, or name the wrong thing.
    case losesWake, losesOpen, losesRun, losesRefusal, losesAbandon, losesQuarantine, losesClose, losesEmptied
    case runsTwice, runsElsewhere, reversesBatch, refusesTwice, closesTwice, endsTwice
    // Events that the machine does not hear of, or too often.
    case losesCancel, losesClosed, losesTick, losesRecycling, suspendsLate, settlesTwice, losesSettle
    case reusesBusyConnection
    // Limits that are not kept.
    case overfillsBatch, overfillsQueue, overfillsHeavy, opensTooMany, closesMinimum, hurriesRetry, keepsIdle, keepsOld
    case stopsWriters, hurriesEnd, forgetsHandicap

    var testDescription: String { self.rawValue }

    /// The limits of a machine with this fault.
    func change(_ limits: inout PoolStateMachine.Limits) {
        switch self {
        case .overfillsBatch: limits.batchMax += 1
        case .overfillsQueue: limits.waitersMax += 1
        case .overfillsHeavy: if limits.heavyMax < limits.connectionsMax { limits.heavyMax += 1 }
        case .opensTooMany: limits.connectionsMax += 1
        case .closesMinimum: limits.connectionsMin = 0
        case .hurriesRetry: limits.backoff = limits.backoff.lowerBound / 4...limits.backoff.upperBound / 4
        case .keepsIdle: limits.idleTimeout = nil
        case .keepsOld: limits.lifetimeMax = nil
        case .stopsWriters: limits.abandonsWhenCancelled = true
        case .hurriesEnd: limits.drainGrace = limits.drainGrace / 2
        default: break
        }
    }

    /// Out of so many occasions the fault shows once.
    var rarity: Int {
        switch self {
        case .losesEmptied, .endsTwice, .suspendsLate: 1
        case .losesRecycling, .losesCancel, .losesClosed, .losesTick, .losesQuarantine, .reusesBusyConnection: 5
        default: 50
        }
    }
}

/// The machine, with or without a fault between it and its world.
struct FaultyMachine: ~Copyable {
    typealias Effects = PoolStateMachine.Effects
    typealias Effect = PoolStateMachine.Effect
    typealias Instant = MonotonicInstant

    var machine: PoolStateMachine
    let bug: PlantedBug?
    private var occasions = 0
    private var isSuspensionLate = false
    /// Connections that were said to be free before their engine had returned.
    private var freedEarly: Set<ConnectionID> = []

    init(limits: PoolStateMachine.Limits, bug: PlantedBug?) {
        var limits = limits
        bug?.change(&limits)
        self.machine = PoolStateMachine(limits: limits)
        self.bug = bug
    }

    /// Whether the fault shows now.
    private mutating func shows(_ bug: PlantedBug) -> Bool {
        guard self.bug == bug else { return false }
        self.occasions += 1
        return self.occasions % bug.rarity == 0
    }

    /// What the machine itself would stop the process for, so that a fault is reported instead.
    func objection(to event: PoolModel.Event) -> String? {
        switch event {
        case .opened(let id), .openFailed(let id):
            if case .opening? = self.state(of: id) { return nil }
            return "\(id) is not opening"
        case .closed(let id):
            if case .closing? = self.state(of: id) { return nil }
            return "\(id) is not closing"
        case .finished(let id, _):
            if self.freedEarly.contains(id) { return nil }
            if case .leased(_, owed: 0)? = self.state(of: id) { return nil }
            return "\(id) is not at the end of a batch"
        default: return nil
        }
    }

    private func state(of id: ConnectionID) -> PoolStateMachine.ConnectionState? {
        self.machine.connections.first { $0.id == id }?.state
    }

    // MARK: - Events

    mutating func start() -> Effects { self.filter(self.machine.start()) }

    mutating func submit(
        lane: Lane, acquireBy: Instant, deadline: Instant, now: Instant
    ) -> PoolStateMachine.Submission {
        let lane = self.bug == .forgetsHandicap && lane == .maintenance ? .heavy : lane
        switch self.machine.submit(lane: lane, acquireBy: acquireBy, deadline: deadline, now: now) {
        case .refused(let refusal): return .refused(refusal)
        case .accepted(let id, let effects): return .accepted(id, self.filter(effects))
        }
    }

    mutating func cancel(_ id: LeaseID, now: Instant) -> Effects {
        if self.shows(.losesCancel) { return [] }
        return self.filter(self.machine.cancel(id, now: now), now: now)
    }

    mutating func settle(_ id: LeaseID) -> Bool {
        let isOwed = self.machine.settle(id)
        if self.bug == .settlesTwice { return true }
        return self.shows(.losesSettle) ? false : isOwed
    }

    mutating func opened(
        _ id: ConnectionID, now: Instant, using generator: inout SeededGenerator
    ) -> Effects { self.filter(self.machine.opened(id, now: now, using: &generator), now: now) }

    mutating func openFailed(
        _ id: ConnectionID, now: Instant, using generator: inout SeededGenerator
    ) -> Effects { self.filter(self.machine.openFailed(id, now: now, using: &generator), now: now) }

    mutating func finished(_ id: ConnectionID, isHealthy: Bool, now: Instant) -> Effects {
        if self.freedEarly.remove(id) != nil { return [] }
        return self.filter(self.machine.finished(id, isHealthy: isHealthy, now: now), now: now)
    }

    mutating func closed(_ id: ConnectionID, now: Instant) -> Effects {
        if self.shows(.losesClosed) { return [] }
        return self.filter(self.machine.closed(id, now: now), now: now)
    }

    mutating func tick(now: Instant) -> Effects {
        if self.shows(.losesTick) { return [] }
        return self.filter(self.machine.tick(now: now), now: now)
    }

    mutating func recycle(now: Instant) -> Effects {
        // With an idle connection the loss would show at once.
        if self.machine.idleCount == 0, self.shows(.losesRecycling) { return [] }
        return self.filter(self.machine.recycle(now: now), now: now)
    }

    mutating func suspend(now: Instant) -> Effects {
        if self.machine.idleCount == 0, self.shows(.suspendsLate) {
            self.isSuspensionLate = true
            return []
        }
        return self.filter(self.machine.suspend(now: now), now: now)
    }

    mutating func resume(now: Instant) -> Effects { self.filter(self.machine.resume(now: now), now: now) }

    mutating func shutDown(by deadline: Instant, now: Instant) -> Effects {
        self.filter(self.machine.shutDown(by: deadline, now: now), now: now)
    }

    // MARK: - Effects

    private mutating func filter(_ effects: Effects, now: Instant? = nil) -> Effects {
        guard let bug = self.bug else { return effects }
        var result = Effects()
        for effect in bug == .reversesBatch ? Self.reversingBatches(effects) : effects {
            switch effect {
            case .wake: if self.shows(.losesWake) { continue }
            case .open: if self.shows(.losesOpen) { continue }
            case .run(let id, let lease):
                if self.shows(.losesRun) { continue }
                if self.shows(.runsTwice) { result.append(effect) }
                if self.shows(.runsElsewhere) {
                    result.append(.run(ConnectionID(id.value > 1 ? id.value - 1 : 2), lease))
                    continue
                }
            case .refuse:
                if self.shows(.losesRefusal) { continue }
                if self.shows(.refusesTwice) { result.append(effect) }
            case .abandon: if self.shows(.losesAbandon) { continue }
            case .quarantine(let id):
                if self.shows(.losesQuarantine) { continue }
                if let now, self.shows(.reusesBusyConnection) {
                    self.freedEarly.insert(id)
                    result += self.machine.finished(id, isHealthy: true, now: now)
                }
            case .close:
                if self.shows(.losesClose) { continue }
                if self.shows(.closesTwice) { result.append(effect) }
            case .emptied: if self.shows(.losesEmptied) { continue }
            case .drained: if self.shows(.endsTwice) { result.append(effect) }
            }
            result.append(effect)
        }
        if self.isSuspensionLate, let now {
            self.isSuspensionLate = false
            result += self.machine.suspend(now: now)
        }
        return result
    }

    /// The last lease of a batch first.
    private static func reversingBatches(_ effects: Effects) -> Effects {
        var leases: [LeaseID] = []
        for case .run(_, let lease) in effects { leases.append(lease) }
        guard leases.count > 1 else { return effects }
        var result = Effects()
        for effect in effects {
            if case .run(let id, _) = effect, let lease = leases.popLast() {
                result.append(.run(id, lease))
            } else {
                result.append(effect)
            }
        }
        return result
    }
}
