//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import ConnectionPoolModule

@Suite("PoolStateMachine")
struct PoolStateMachineTests {
    typealias Effect = PoolStateMachine.Effect
    let now = MonotonicInstant.now

    private func machine(
        connections: Int = 1, waiters: Int = 10, batch: Int = 1, abandons: Bool = true
    ) -> Machine {
        var limits = PoolStateMachine.Limits(connectionsMax: connections, waitersMax: waiters)
        limits.batchMax = batch
        limits.abandonsWhenCancelled = abandons
        return Machine(limits)
    }

    func at(_ milliseconds: Int) -> MonotonicInstant { self.now.advanced(by: .milliseconds(milliseconds)) }

    private func submit(
        _ machine: Machine, _ id: UInt64, lane: Lane = .interactive, at time: Int = 0,
        acquire: Int = 1_000, deadline: Int = 5_000
    ) -> PoolStateMachine.Effects {
        switch machine.value.submit(
            lane: lane, acquireBy: self.at(time + acquire), deadline: self.at(time + deadline), now: self.at(time))
        {
        case .refused(let refusal): return [.refuse(LeaseID(slot: Int(id)), refusal)]
        case .accepted(let name, let effects):
            #expect(name == LeaseID(slot: Int(id)))
            return effects
        }
    }

    @Test("the first lease opens a connection and runs when it is open")
    func firstLease() {
        let machine = self.machine()
        #expect(self.submit(machine, 1) == [.open(ConnectionID(1)), .wake(self.at(1_000))])
        #expect(
            machine.opened(ConnectionID(1), now: self.at(1)) == [.run(ConnectionID(1), LeaseID(slot: 1))])
        #expect(machine.settle(LeaseID(slot: 1)))
        #expect(machine.finished(ConnectionID(1), isHealthy: true, now: self.at(2)) == [])
        #expect(machine.idleCount == 1)
    }

    @Test("leases of a lane run in the order they were asked for")
    func fifo() {
        let machine = self.machine()
        _ = machine.start()
        _ = machine.opened(ConnectionID(1), now: self.now)
        _ = self.submit(machine, 1)
        for id in 2...5 { _ = self.submit(machine, UInt64(id)) }
        for id in 1...4 {
            _ = machine.settle(LeaseID(slot: id))
            let effects = machine.finished(ConnectionID(1), isHealthy: true, now: self.at(10))
            #expect(effects.contains(.run(ConnectionID(1), LeaseID(slot: id + 1))))
        }
    }

    @Test("a heavy lease lets interactive ones pass for a second, and then goes first")
    func ageing() {
        let machine = self.machine()
        _ = machine.start()
        _ = machine.opened(ConnectionID(1), now: self.now)
        _ = self.submit(machine, 1)
        _ = self.submit(machine, 2, lane: .heavy, at: 0, acquire: 5_000)
        _ = self.submit(machine, 3, lane: .interactive, at: 500, acquire: 5_000)
        _ = self.submit(machine, 4, lane: .interactive, at: 1_500, acquire: 5_000)
        var order: [LeaseID] = []
        for step in 0..<3 {
            _ = machine.settle(order.last ?? LeaseID(slot: 1))
            let effects = machine.finished(ConnectionID(1), isHealthy: true, now: self.at(2_000 + step))
            for case .run(_, let id) in effects { order.append(id) }
        }
        #expect(order == [LeaseID(slot: 3), LeaseID(slot: 2), LeaseID(slot: 4)])
    }

    @Test("heavy work never takes the last connection")
    func heavyLeavesOne() {
        let machine = self.machine(connections: 2)
        _ = self.submit(machine, 1, lane: .heavy)
        _ = self.submit(machine, 2, lane: .heavy)
        _ = machine.opened(ConnectionID(1), now: self.now)
        #expect(machine.opened(ConnectionID(2), now: self.now) == [])
        let effects = self.submit(machine, 3)
        #expect(effects.contains(.run(ConnectionID(2), LeaseID(slot: 3))))
    }

    @Test("a full queue, a late lease and a closing pool refuse at once")
    func refusals() {
        let machine = self.machine(waiters: 1)
        _ = self.submit(machine, 1)
        #expect(self.submit(machine, 2) == [.refuse(LeaseID(slot: 2), .queueFull)])
        #expect(self.submit(machine, 3, acquire: 0) == [.refuse(LeaseID(slot: 3), .queueFull)])
        let other = self.machine()
        #expect(self.submit(other, 1, acquire: 0) == [.refuse(LeaseID(slot: 1), .timedOut)])
        _ = other.shutDown()
        #expect(self.submit(other, 2) == [.refuse(LeaseID(slot: 2), .shuttingDown)])
    }

    @Test("waiting leases are refused at their limit, running ones abandoned at their deadline")
    func deadlines() {
        let machine = self.machine()
        _ = machine.start()
        _ = machine.opened(ConnectionID(1), now: self.now)
        _ = self.submit(machine, 1, deadline: 2_000)
        _ = self.submit(machine, 2, acquire: 1_000)
        #expect(machine.tick(now: self.at(999)) == [.wake(self.at(1_000))])
        #expect(machine.tick(now: self.at(1_000)) == [.refuse(LeaseID(slot: 2), .timedOut), .wake(self.at(2_000))])
        #expect(
            machine.tick(now: self.at(2_000)) == [
                .abandon(LeaseID(slot: 1), .deadlineExceeded), .quarantine(ConnectionID(1)),
            ])
        // The connection stays leased until the engine has returned; nothing is owed to the lease any more.
        #expect(machine.leasedCount == 1)
        #expect(!machine.settle(LeaseID(slot: 1)))
        _ = machine.finished(ConnectionID(1), isHealthy: true, now: self.at(2_500))
        #expect(machine.idleCount == 1)
    }

    @Test("a cancelled lease leaves the queue; a running one is abandoned by readers, kept by writers")
    func cancellation() {
        for abandons in [true, false] {
            let machine = self.machine(abandons: abandons)
            _ = machine.start()
            _ = machine.opened(ConnectionID(1), now: self.now)
            _ = self.submit(machine, 1)
            _ = self.submit(machine, 2)
            #expect(machine.cancel(LeaseID(slot: 2)) == [.refuse(LeaseID(slot: 2), .cancelled)])
            #expect(machine.cancel(LeaseID(slot: 2)) == [])
            #expect(
                machine.cancel(LeaseID(slot: 1))
                    == (abandons ? [.abandon(LeaseID(slot: 1), .cancelled), .quarantine(ConnectionID(1))] : []))
            #expect(machine.settle(LeaseID(slot: 1)) == !abandons)
            #expect(machine.finished(ConnectionID(1), isHealthy: true, now: self.at(1)) == [])
        }
    }

    @Test("a failed opening is tried again after a pause, and says database down meanwhile")
    func backoff() {
        let machine = self.machine()
        var generator = SeededGenerator(seed: 1)
        _ = self.submit(machine, 1)
        let effects = machine.value.openFailed(ConnectionID(1), now: self.at(1), using: &generator)
        guard case .wake(let retry) = effects.first(where: { _ in true }) else {
            Issue.record("no retry: \(effects)")
            return
        }
        #expect((self.at(11)...self.at(21)).contains(retry))
        #expect(machine.tick(now: retry) == [.open(ConnectionID(2)), .wake(self.at(1_000))])
        #expect(machine.tick(now: self.at(1_000)) == [.refuse(LeaseID(slot: 1), .down)])
    }

    @Test("a broken connection is closed and replaced while leases wait")
    func replacement() {
        let machine = self.machine()
        _ = self.submit(machine, 1)
        _ = self.submit(machine, 2)
        _ = machine.opened(ConnectionID(1), now: self.now)
        _ = machine.settle(LeaseID(slot: 1))
        #expect(
            machine.finished(ConnectionID(1), isHealthy: false, now: self.at(1))
                == [.close(ConnectionID(1), .finished)])
        // The next one opens only when the broken one is closed: two writers must never be open at once.
        #expect(machine.closed(ConnectionID(1)) == [.open(ConnectionID(2))])
    }

    @Test("a batch takes what waits, up to its limit")
    func batches() {
        let machine = self.machine(batch: 3)
        _ = machine.start()
        _ = machine.opened(ConnectionID(1), now: self.now)
        _ = self.submit(machine, 1)
        for id in 2...5 { _ = self.submit(machine, UInt64(id)) }
        _ = machine.settle(LeaseID(slot: 1))
        let effects = machine.finished(ConnectionID(1), isHealthy: true, now: self.at(1))
        #expect(
            Array(effects) == [
                .run(ConnectionID(1), LeaseID(slot: 2)), .run(ConnectionID(1), LeaseID(slot: 3)),
                .run(ConnectionID(1), LeaseID(slot: 4)),
            ])
    }

    @Test("shutting down lets waiting and running leases end, then closes every connection")
    func shutdown() {
        let machine = self.machine()
        _ = machine.start()
        _ = machine.opened(ConnectionID(1), now: self.now)
        _ = self.submit(machine, 1)
        _ = self.submit(machine, 2)
        #expect(machine.shutDown() == [])
        _ = machine.settle(LeaseID(slot: 1))
        let next = machine.finished(ConnectionID(1), isHealthy: true, now: self.at(1))
        #expect(next.contains(.run(ConnectionID(1), LeaseID(slot: 2))))
        _ = machine.settle(LeaseID(slot: 2))
        #expect(
            machine.finished(ConnectionID(1), isHealthy: true, now: self.at(2)) == [.close(ConnectionID(1), .shutdown)])
        #expect(machine.closed(ConnectionID(1)) == [.drained(isClean: true)])
    }

    @Test("a closing pool that loses its last connection refuses those who wait")
    func shutdownWithoutConnections() {
        let machine = self.machine()
        _ = machine.start()
        _ = machine.opened(ConnectionID(1), now: self.now)
        _ = self.submit(machine, 1)
        _ = self.submit(machine, 2)
        _ = machine.shutDown()
        _ = machine.settle(LeaseID(slot: 1))
        #expect(
            machine.finished(ConnectionID(1), isHealthy: false, now: self.at(1)) == [.close(ConnectionID(1), .finished)]
        )
        #expect(machine.closed(ConnectionID(1)) == [.refuse(LeaseID(slot: 2), .shuttingDown), .drained(isClean: true)])
        let unused = self.machine()
        #expect(unused.shutDown() == [.drained(isClean: true)])
    }

    @Test("recycling replaces idle connections now and leased ones when their work has ended")
    func recycling() {
        let machine = self.machine(connections: 2)
        _ = self.submit(machine, 1)
        _ = self.submit(machine, 2)
        _ = machine.opened(ConnectionID(1), now: self.now)
        _ = machine.opened(ConnectionID(2), now: self.now)
        _ = machine.settle(LeaseID(slot: 2))
        _ = machine.finished(ConnectionID(2), isHealthy: true, now: self.at(1))
        #expect(machine.recycle() == [.close(ConnectionID(2), .recycled)])
        _ = machine.settle(LeaseID(slot: 1))
        #expect(
            machine.finished(ConnectionID(1), isHealthy: true, now: self.at(2)) == [.close(ConnectionID(1), .recycled)])
    }

    @Test("a forbidden event ends the process")
    func forbidden() async {
        await #expect(processExitsWith: .failure) {
            var machine = PoolStateMachine(limits: .init(connectionsMax: 1, waitersMax: 1))
            _ = machine.finished(ConnectionID(7), isHealthy: true, now: .now)
        }
    }
}
