//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import ConnectionPoolModule

/// Exact effects of idling, age and the share of heavy work.
@Suite("PoolStateMachine: life of a connection")
struct PoolStateMachineLifeTests {
    @Test("connections beyond the minimum are closed when they idled for their time, the first idle first")
    func idleTimeout() {
        let machine = Machine(connections: 3) {
            $0.connectionsMin = 1
            $0.idleTimeout = .milliseconds(100)
        }
        #expect(machine.submit() == [.open(c(1)), .wake(machine.at(1_000))])
        #expect(machine.submit() == [.open(c(2))])
        #expect(machine.opened(1) == [.run(c(1), l(1))])
        #expect(machine.opened(2) == [.run(c(2), l(2))])
        #expect(machine.end(l(1), on: 1, at: 10) == [.wake(machine.at(110))])
        #expect(machine.end(l(2), on: 2, at: 20) == [])
        #expect(machine.tick(at: 109) == [.wake(machine.at(110))])
        #expect(machine.tick(at: 110) == [.close(c(1), .idle), .wake(machine.at(120))])
        #expect(machine.closed(1) == [])
        #expect(machine.tick(at: 120) == [])
        #expect(machine.idleCount == 1)
    }

    @Test("connections that are closing do not count as spare: the minimum stays")
    func minimum() {
        let machine = Machine(connections: 3) {
            $0.connectionsMin = 2
            $0.idleTimeout = .milliseconds(100)
        }
        #expect(machine.start() == [.open(c(1)), .open(c(2))])
        _ = machine.opened(1)
        _ = machine.opened(2)
        for _ in 0..<3 { _ = machine.submit() }
        _ = machine.opened(3)
        #expect(machine.end(l(1), on: 2, isHealthy: false) == [.close(c(2), .finished)])
        _ = machine.end(l(2), on: 1)
        _ = machine.end(l(3), on: 3)
        #expect(machine.tick(at: 200) == [.wake(machine.at(100))])
        #expect(machine.closed(2) == [])
        #expect(machine.tick(at: 300) == [])
        #expect(machine.idleCount == 2)
    }

    @Test("a minimum connection that is lost is replaced, whether or not an opening failed before")
    func minimumAfterFailure() {
        let machine = Machine(connections: 2) { $0.connectionsMin = 1 }
        _ = machine.start()
        _ = machine.opened(1)
        #expect(
            machine.submit() == [.wake(machine.at(5_000)), .run(c(1), l(1)), .wake(machine.at(1_000))])
        #expect(machine.submit() == [.open(c(2))])
        _ = machine.openFailed(2)
        #expect(machine.end(l(1), on: 1, at: 1) == [.run(c(1), l(2))])
        #expect(machine.tick(at: 30) == [.wake(machine.at(5_000))])
        #expect(machine.end(l(2), on: 1, isHealthy: false, at: 40) == [.close(c(1), .finished)])
        #expect(machine.closed(1, at: 41) == [.open(c(3))])
    }

    @Test("a connection ends at its age less up to a tenth, by lot: idle at once, leased after its batch")
    func lifetime() {
        var ends: [Duration] = []
        for seed in UInt64(1)...200 {
            let machine = Machine(connections: 1, seed: seed) {
                $0.connectionsMin = 1
                $0.lifetimeMax = .milliseconds(1_000)
            }
            _ = machine.start()
            guard case .wake(let end) = machine.opened(1).first(where: { _ in true }) else {
                Issue.record("seed \(seed): nobody looks at the end of its life")
                continue
            }
            ends.append(end - machine.beginning)
            #expect(machine.tick(now: end.advanced(by: .nanoseconds(-1))) == [.wake(end)])
            #expect(machine.tick(now: end) == [.close(c(1), .lifetime)])
            #expect(machine.closed(1) == [.open(c(2))])
        }
        #expect(ends.allSatisfy { $0 >= .milliseconds(900) && $0 <= .milliseconds(1_000) })
        #expect((ends.min() ?? .zero) < .milliseconds(905) && (ends.max() ?? .zero) > .milliseconds(995))
        let leased = Machine(connections: 1) { $0.lifetimeMax = .milliseconds(1_000) }
        _ = leased.submit()
        _ = leased.opened(1)
        #expect(leased.end(l(1), on: 1, at: 1_000) == [.close(c(1), .lifetime)])
    }

    @Test("heavy work gets its share of the connections and no more")
    func heavyMax() {
        let machine = Machine(connections: 4) { $0.heavyMax = 2 }
        _ = machine.submit(.heavy)
        _ = machine.submit(.maintenance)
        _ = machine.submit(.heavy)
        #expect(machine.opened(1) == [.run(c(1), l(1))])
        #expect(machine.opened(2) == [.run(c(2), l(3))])
        #expect(machine.opened(3) == [])
        // A heavy lease that may not begin counts like any that waits: one more connection is opened.
        #expect(machine.submit() == [.run(c(3), l(4)), .open(c(4))])
        #expect(machine.end(l(1), on: 1, at: 5) == [.run(c(1), l(2))])
    }

    @Test("heavy leases that wait do not keep others from the connection that is left to those")
    func heavyQueueFull() {
        let machine = Machine(connections: 2) { $0.waitersMax = 2 }
        for _ in 0..<2 { _ = machine.submit(.heavy) }
        #expect(machine.opened(1) == [.run(c(1), l(1))])
        #expect(machine.opened(2) == [])
        #expect(machine.submit(.heavy) == [])
        #expect(machine.submit(.heavy) == [.refuse(l(0), .queueFull)])
        #expect(machine.submit() == [.run(c(2), l(4))])
        #expect(machine.submit() == [.refuse(l(0), .queueFull)])
    }

    @Test("a connection is set apart when its last caller was told to go, and not when one is left")
    func quarantine() {
        let machine = Machine(connections: 1) { $0.batchMax = 3 }
        for _ in 0..<3 { _ = machine.submit() }
        _ = machine.opened(1)
        #expect(machine.cancel(l(2)) == [.abandon(l(2), .cancelled)])
        #expect(machine.settle(l(1)))
        #expect(machine.quarantinedCount == 0)
        #expect(machine.cancel(l(3)) == [.abandon(l(3), .cancelled), .quarantine(c(1))])
        #expect(machine.quarantinedCount == 1 && machine.leasedCount == 1)
        #expect(!machine.settle(l(2)) && !machine.settle(l(3)))
        #expect(machine.finished(c(1), isHealthy: true, now: machine.at(9)) == [])
        #expect(machine.quarantinedCount == 0 && machine.idleCount == 1)
    }
}
