//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport

@testable import ConnectionPoolModule

/// Holds a machine by reference: `#expect` takes no expression that changes a noncopyable value. Times are milliseconds
/// after its beginning.
final class Machine {
    typealias Effects = PoolStateMachine.Effects
    typealias Instant = MonotonicInstant

    var value: PoolStateMachine
    let beginning = Instant.now
    private var generator: SeededGenerator

    init(_ limits: PoolStateMachine.Limits, seed: UInt64 = 1) {
        self.value = PoolStateMachine(limits: limits)
        self.generator = SeededGenerator(seed: seed)
    }

    /// A machine with some limits changed.
    convenience init(
        connections: Int, seed: UInt64 = 1, _ change: (inout PoolStateMachine.Limits) -> Void = { _ in }
    ) {
        var limits = PoolStateMachine.Limits(connectionsMax: connections, waitersMax: 10)
        change(&limits)
        self.init(limits, seed: seed)
    }

    var idleCount: Int { self.value.idleCount }
    var leasedCount: Int { self.value.leasedCount }
    var quarantinedCount: Int { self.value.quarantinedCount }
    var connectionCount: Int { self.value.connectionCount }

    func at(_ milliseconds: Int) -> Instant { self.beginning.advanced(by: .milliseconds(milliseconds)) }

    /// Asks for a lease; a refusal is shown as an effect on lease zero.
    func submit(_ lane: Lane = .interactive, at time: Int = 0, acquire: Int = 1_000, deadline: Int = 5_000) -> Effects {
        switch self.value.submit(
            lane: lane, acquireBy: self.at(time + acquire), deadline: self.at(time + deadline), now: self.at(time))
        {
        case .refused(let refusal): [.refuse(LeaseID(slot: 0), refusal)]
        case .accepted(_, let effects): effects
        }
    }

    func start() -> Effects { self.value.start() }

    func opened(_ id: ConnectionID, now: Instant) -> Effects {
        self.value.opened(id, now: now, using: &self.generator)
    }
    func opened(_ id: Int, at time: Int = 0) -> Effects { self.opened(ConnectionID(id), now: self.at(time)) }

    func openFailed(_ id: Int, at time: Int = 0) -> Effects {
        self.value.openFailed(ConnectionID(id), now: self.at(time), using: &self.generator)
    }

    func finished(_ id: ConnectionID, isHealthy: Bool, now: Instant) -> Effects {
        self.value.finished(id, isHealthy: isHealthy, now: now)
    }

    /// Settles a lease, the only one of its batch, and ends the batch.
    func end(_ lease: LeaseID, on id: Int, isHealthy: Bool = true, at time: Int = 0) -> Effects {
        _ = self.value.settle(lease)
        return self.finished(ConnectionID(id), isHealthy: isHealthy, now: self.at(time))
    }

    func tick(now: Instant) -> Effects { self.value.tick(now: now) }
    func tick(at time: Int) -> Effects { self.value.tick(now: self.at(time)) }
    func cancel(_ id: LeaseID, at time: Int = 0) -> Effects { self.value.cancel(id, now: self.at(time)) }
    func settle(_ id: LeaseID) -> Bool { self.value.settle(id) }
    func closed(_ id: ConnectionID) -> Effects { self.value.closed(id, now: .now) }
    func closed(_ id: Int, at time: Int = 0) -> Effects { self.value.closed(ConnectionID(id), now: self.at(time)) }
    func recycle(at time: Int = 0) -> Effects { self.value.recycle(now: self.at(time)) }
    func suspend(at time: Int = 0) -> Effects { self.value.suspend(now: self.at(time)) }
    func resume(at time: Int = 0) -> Effects { self.value.resume(now: self.at(time)) }
    func shutDown(at now: Instant = .now) -> Effects {
        self.value.shutDown(by: now.advanced(by: .seconds(60)), now: now)
    }
    func shutDown(by deadline: Int, at time: Int) -> Effects {
        self.value.shutDown(by: self.at(deadline), now: self.at(time))
    }
}

/// A connection's name, as short as in an effect's description.
func c(_ value: Int) -> ConnectionID { ConnectionID(value) }

/// A lease's name.
func l(_ slot: Int, _ generation: UInt32 = 0) -> LeaseID { LeaseID(slot: slot, generation: generation) }
