//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import ConnectionPoolModule

/// Exact effects of an end with a deadline, and events that cannot be.
@Suite("PoolStateMachine: shutdown")
struct PoolStateMachineShutdownTests {
    /// One lease runs, one waits, and the pool is told to end within a second.
    private func ending() -> Machine {
        let machine = Machine(connections: 1) { $0.drainGrace = .milliseconds(500) }
        _ = machine.submit(acquire: 10_000, deadline: 20_000)
        _ = machine.submit(acquire: 10_000, deadline: 20_000)
        _ = machine.opened(1)
        #expect(machine.shutDown(by: 1_000, at: 0) == [.wake(machine.at(1_000))])
        #expect(machine.shutDown(by: 5, at: 0) == [])
        #expect(machine.submit() == [.refuse(l(0), .shuttingDown)])
        return machine
    }

    @Test("at the deadline everybody is answered; after the grace the pool ends without the engine that is stuck")
    func stuck() {
        let machine = self.ending()
        #expect(machine.tick(at: 999) == [.wake(machine.at(1_000))])
        #expect(
            machine.tick(at: 1_000) == [
                .refuse(l(2), .shuttingDown), .abandon(l(1), .shuttingDown), .quarantine(c(1)),
                .wake(machine.at(1_500)),
            ])
        #expect(machine.tick(at: 1_499) == [.wake(machine.at(1_500))])
        #expect(machine.tick(at: 1_500) == [.drained(isClean: false)])
        #expect(machine.submit(at: 1_500) == [.refuse(l(0), .shuttingDown)])
        // Its engine returns after all: it is closed, and nothing is said a second time.
        #expect(machine.end(l(1), on: 1, at: 9_000) == [.close(c(1), .shutdown)])
        #expect(machine.closed(1, at: 9_001) == [])
        #expect(machine.connectionCount == 0)
    }

    @Test("an engine that returns within the grace makes it a clean end")
    func grace() {
        let machine = self.ending()
        _ = machine.tick(at: 1_000)
        #expect(machine.end(l(1), on: 1, at: 1_400) == [.close(c(1), .shutdown)])
        #expect(machine.closed(1, at: 1_401) == [.drained(isClean: true)])
        #expect(machine.tick(at: 1_500) == [])
    }

    @Test("after a pause of the whole process the engines still have their grace")
    func pause() {
        let machine = self.ending()
        #expect(machine.tick(at: 600_000).contains(.wake(machine.at(600_500))))
        #expect(machine.end(l(1), on: 1, at: 600_010) == [.close(c(1), .shutdown)])
        #expect(machine.closed(1, at: 600_020) == [.drained(isClean: true)])
    }

    @Test("a connection that opens after the pool was given up is closed")
    func lateOpening() {
        let machine = Machine(connections: 1) { $0.drainGrace = .milliseconds(500) }
        _ = machine.submit(acquire: 10_000, deadline: 20_000)
        _ = machine.shutDown(by: 1_000, at: 0)
        _ = machine.tick(at: 1_000)
        #expect(machine.tick(at: 1_500) == [.drained(isClean: false)])
        #expect(machine.opened(1, at: 2_000) == [.close(c(1), .shutdown)])
        #expect(machine.closed(1, at: 2_001) == [])
    }

    @Test("what is idle is closed as soon as nobody waits any more")
    func lastWaiterTimesOut() {
        let machine = Machine(connections: 2)
        for _ in 0..<2 { _ = machine.submit(.heavy) }
        _ = machine.opened(1)
        _ = machine.opened(2)
        #expect(machine.shutDown(by: 9_000, at: 0) == [])
        #expect(
            machine.tick(at: 1_000) == [
                .refuse(l(2), .timedOut), .close(c(2), .shutdown), .wake(machine.at(5_000)),
            ])
        #expect(machine.closed(2, at: 1_001) == [])
        #expect(machine.end(l(1), on: 1, at: 1_002) == [.close(c(1), .shutdown)])
        #expect(machine.closed(1, at: 1_003) == [.drained(isClean: true)])
    }

    @Test("a suspended pool ends, too")
    func suspended() {
        let machine = Machine(connections: 1)
        _ = machine.submit()
        _ = machine.opened(1)
        _ = machine.suspend()
        _ = machine.submit()
        #expect(machine.shutDown(by: 900, at: 0) == [.wake(machine.at(900))])
        #expect(machine.end(l(1), on: 1, at: 5) == [.close(c(1), .recycled)])
        #expect(machine.closed(1, at: 6) == [.refuse(l(2), .shuttingDown), .drained(isClean: true)])
        #expect(machine.resume() == [])
    }
}

/// Events that only a broken shell could tell of end the process, before they do harm.
@Suite("PoolStateMachine: forbidden events")
struct PoolStateMachineForbiddenTests {
    @Test("a connection that is unknown, opens twice, fails after it opened, or closes unasked")
    func connections() async {
        await #expect(processExitsWith: .failure) { _ = Machine(connections: 1).closed(7) }
        await #expect(processExitsWith: .failure) {
            let machine = Machine(connections: 1)
            _ = machine.start()
            _ = machine.opened(1)
            _ = machine.opened(1)
        }
        await #expect(processExitsWith: .failure) {
            let machine = Machine(connections: 1)
            _ = machine.start()
            _ = machine.opened(1)
            _ = machine.openFailed(1)
        }
        await #expect(processExitsWith: .failure) {
            let machine = Machine(connections: 1)
            _ = machine.start()
            _ = machine.opened(1)
            _ = machine.closed(1)
        }
    }

    @Test("a batch that ends though it never began, or with an answer still owed")
    func batches() async {
        await #expect(processExitsWith: .failure) {
            let machine = Machine(connections: 1)
            _ = machine.start()
            _ = machine.opened(1)
            _ = machine.finished(c(1), isHealthy: true, now: .now)
        }
        await #expect(processExitsWith: .failure) {
            let machine = Machine(connections: 1)
            _ = machine.submit()
            _ = machine.opened(1)
            _ = machine.finished(c(1), isHealthy: true, now: .now)
        }
    }

    @Test("limits that contradict each other")
    func limits() async {
        await #expect(processExitsWith: .failure) { _ = Machine(connections: 0) }
        await #expect(processExitsWith: .failure) { _ = Machine(connections: 1) { $0.connectionsMin = 2 } }
        await #expect(processExitsWith: .failure) { _ = Machine(connections: 1) { $0.batchMax = 0 } }
        await #expect(processExitsWith: .failure) { _ = Machine(connections: 1) { $0.waitersMax = 0 } }
        await #expect(processExitsWith: .failure) { _ = Machine(connections: 1) { $0.heavyMax = 0 } }
        // The machine of the control is within its limits, and the process goes on.
        await #expect(processExitsWith: .success) { _ = Machine(connections: 1) { $0.connectionsMin = 1 } }
    }
}
