//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import ConnectionPoolModule

/// Exact effects while nothing can be opened, or nothing may be.
@Suite("PoolStateMachine: outages and suspensions")
struct PoolStateMachineOutageTests {
    /// The instant of the only call asked for.
    private func wake(_ effects: PoolStateMachine.Effects) -> MonotonicInstant? {
        guard case .wake(let instant) = effects.first(where: { _ in true }) else { return nil }
        return instant
    }

    @Test("the pause after a failed opening doubles up to its longest, and begins anew after a good one")
    func backoff() {
        let machine = Machine(connections: 1) { $0.connectionsMin = 1 }
        var now = machine.at(0)
        #expect(machine.start() == [.open(c(1))])
        for failure in 1...12 {
            var generator = SystemRandomNumberGenerator()
            let effects = machine.value.openFailed(c(failure), now: now, using: &generator)
            let ceiling = min(Duration.milliseconds(20) * (1 << (failure - 1)), .seconds(5))
            guard let retry = self.wake(effects) else {
                Issue.record("no retry after failure \(failure)")
                return
            }
            #expect(retry - now >= ceiling / 2 - .microseconds(1) && retry - now <= ceiling + .microseconds(1))
            // The pool leaves zero by itself: nobody asks for a lease here.
            #expect(machine.tick(now: retry.advanced(by: .nanoseconds(-1))) == [.wake(retry)])
            #expect(machine.tick(now: retry) == [.open(c(failure + 1))])
            now = retry
        }
        #expect(machine.opened(c(13), now: now) == [])
        #expect(machine.recycle(at: 0) == [.close(c(13), .recycled)])
        #expect(machine.closed(13) == [.open(c(14))])
        let again = self.wake(machine.openFailed(14, at: 0))
        #expect(again.map { (machine.at(10)...machine.at(21)).contains($0) } ?? false)
    }

    @Test("leases come and go during an outage, and each try opens one connection only")
    func storm() {
        let machine = Machine(connections: 4) { $0.waitersMax = 100 }
        for _ in 0..<4 { _ = machine.submit() }
        for id in 1...4 { _ = machine.openFailed(id) }
        for _ in 0..<50 { #expect(machine.submit() == []) }
        #expect(machine.tick(at: 500) == [.open(c(5)), .wake(machine.at(1_000))])
        // The first success opens the way for one more at a time.
        #expect(machine.opened(5, at: 501) == [.run(c(5), l(1)), .open(c(6))])
        #expect(machine.opened(6, at: 502) == [.run(c(6), l(2)), .open(c(7))])
    }

    @Test("a connection that opens ends the pause that another's failure began")
    func successEndsPause() {
        let machine = Machine(connections: 3)
        for _ in 0..<3 { _ = machine.submit() }
        _ = machine.openFailed(1)
        _ = machine.openFailed(2)
        #expect(machine.opened(3) == [.run(c(3), l(1)), .open(c(4))])
    }

    @Test("a suspended pool hands out and opens nothing, says when it is empty, and starts again with its minimum")
    func suspension() {
        let machine = Machine(connections: 3) { $0.connectionsMin = 2 }
        for _ in 0..<3 { _ = machine.submit() }
        _ = machine.opened(1)
        _ = machine.opened(2)
        _ = machine.cancel(l(3))
        #expect(machine.end(l(2), on: 2) == [])
        #expect(machine.suspend() == [.close(c(2), .recycled)])
        #expect(machine.suspend() == [])
        #expect(machine.submit(acquire: 900) == [.wake(machine.at(900))])
        #expect(machine.closed(2) == [])
        // It was opening all the while: it is closed at once.
        #expect(machine.opened(3) == [.close(c(3), .recycled)])
        #expect(machine.end(l(1), on: 1) == [.close(c(1), .recycled)])
        #expect(machine.closed(1) == [])
        #expect(machine.closed(3) == [.emptied])
        #expect(machine.tick(at: 900).contains(.refuse(l(2, 1), .down)))
        #expect(machine.resume() == [.open(c(4)), .open(c(5))])
        #expect(machine.resume() == [])
    }

    @Test("a pool without connections is empty as soon as it is suspended; a failed opening may be the last of them")
    func suspendedEmpty() {
        #expect(Machine(connections: 1).suspend() == [.emptied])
        let machine = Machine(connections: 1)
        _ = machine.start()
        #expect(machine.suspend() == [])
        #expect(machine.openFailed(1) == [.emptied])
        // Nobody tries again until the suspension has ended.
        #expect(machine.tick(at: 60_000) == [])
        #expect(machine.submit(at: 60_000) == [.wake(machine.at(61_000))])
        #expect(machine.resume(at: 60_001) == [.open(c(2))])
    }

    @Test("a connection that was opening during a recycling is closed at once, and another one opened in its place")
    func recycledWhileOpening() {
        let machine = Machine(connections: 1)
        _ = machine.submit()
        #expect(machine.recycle() == [])
        #expect(machine.opened(1) == [.close(c(1), .recycled)])
        #expect(machine.closed(1) == [.open(c(2))])
        #expect(machine.opened(2) == [.run(c(2), l(1))])
    }
}
