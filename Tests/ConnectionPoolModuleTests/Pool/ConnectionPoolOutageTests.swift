//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization
import TestSupport
import Testing

@testable import ConnectionPoolModule

/// Outages, suspensions and endings, with real threads.
@Suite("ConnectionPool: outages and endings", .timeLimit(.minutes(1)))
struct ConnectionPoolOutageTests {
    private func reason(_ error: any Error) -> LeaseError.Reason? { (error as? LeaseError)?.reason }

    /// A task that holds a connection until the light is set, and does hold it when this returns.
    private func hold(
        _ pool: ConnectionPool<NumberDriver>, _ signal: Signal, timeout: Duration = .seconds(25)
    ) async -> Task<Void, any Error> {
        let begun = Gate()
        let task = Task {
            try await pool.withConnection(Lease("holder", acquireTimeout: timeout, timeout: timeout)) { _ in
                Task { await begun.open() }
                signal.wait()
            }
        }
        await begun.wait()
        return task
    }

    // MARK: - Outage

    @Test("200 leases that wait for the end of an outage start no storm, and all are served soon after it")
    func storm() async throws {
        let driver = NumberDriver()
        driver.failsToOpen.store(true, ordering: .sequentiallyConsistent)
        let pool = driver.pool(connections: 4)
        let served = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await pool.withConnection(
                        Lease("waiter", acquireTimeout: .seconds(30), timeout: .seconds(30))
                    ) { _ in _ = served.increment() }
                }
            }
            // Pauses of 20, 40, 80, 160, 320 ms and so on, each at least half: at most twelve tries in a second, and
            // four by the leases that came first.
            try await Task.sleep(for: .seconds(1))
            #expect(driver.tried.value >= 4 && driver.tried.value <= 16, "\(driver.tried.value) tries in a second")
            driver.failsToOpen.store(false, ordering: .sequentiallyConsistent)
            let up = MonotonicInstant.now
            _ = try await eventually { served.value > 0 }
            // The last pause was at most as long as the outage.
            #expect(MonotonicInstant.now - up < .seconds(4))
            try await group.waitForAll()
        }
        #expect(served.value == 200)
        #expect(driver.opened.value <= 4)
        await pool.shutDown()
    }

    @Test("a pool leaves zero connections by itself, without a lease that asks for one")
    func leavesZero() async throws {
        let driver = NumberDriver()
        driver.failsToOpen.store(true, ordering: .sequentiallyConsistent)
        let pool = driver.pool { $0.connectionsMin = 2 }
        pool.start()
        #expect(try await eventually { driver.tried.value >= 3 })
        #expect(pool.snapshot().idle == 0)
        driver.failsToOpen.store(false, ordering: .sequentiallyConsistent)
        #expect(try await eventually { pool.snapshot().idle == 2 })
        await pool.shutDown()
    }

    // MARK: - Suspension

    @Test("a suspended pool lets work end, closes everything and says when; leases wait or are told the cause")
    func suspension() async throws {
        let driver = NumberDriver()
        let pool = driver.pool { $0.connectionsMin = 1 }
        let signal = Signal()
        let holder = await self.hold(pool, signal)
        pool.suspend(cause: "the log is being mended")
        #expect(try await onThread { pool.waitUntilEmpty(for: .milliseconds(50)) } == false)
        await #expect {
            try await pool.withConnection(Lease("hasty", acquireTimeout: .milliseconds(50))) { _ in }
        } throws: { self.reason($0) == .databaseDown("the log is being mended") }
        let patient = Task { try await pool.withConnection(Lease("patient", timeout: .seconds(25))) { $0.number } }
        #expect(try await eventually { pool.snapshot().pending == 1 })
        async let isEmpty = onThread { pool.waitUntilEmpty(for: .seconds(20)) }
        signal.set()
        try await holder.value
        #expect(try await isEmpty)
        #expect(driver.closed.value == driver.opened.value && pool.snapshot().connections == 0)
        let opened = driver.opened.value
        pool.resume()
        #expect(try await patient.value == opened + 1)
        await pool.shutDown()
    }

    @Test("who waits for an empty pool is told, too, when the pool ends meanwhile")
    func emptyByShutdown() async throws {
        let pool = NumberDriver().pool()
        let signal = Signal()
        let holder = await self.hold(pool, signal)
        async let isEmpty = onThread {
            let started = MonotonicInstant.now
            return (pool.waitUntilEmpty(for: .seconds(20)), MonotonicInstant.now - started)
        }
        async let isClean = pool.shutDown()
        signal.set()
        try await holder.value
        #expect(await isClean)
        let (told, waited) = try await isEmpty
        #expect(told && waited < .seconds(10), "\(waited)")
    }

    // MARK: - Shutdown

    @Test("an engine that is stuck holds up the end for its grace, not for ever, and is closed when it returns")
    func stuckEngine() async throws {
        let driver = NumberDriver()
        let pool = driver.pool(connections: 1) { $0.drainGrace = .milliseconds(100) }
        let signal = Signal()
        let holder = await self.hold(pool, signal)
        let waiter = Task {
            try await pool.withConnection(Lease("waiter", acquireTimeout: .seconds(20), timeout: .seconds(20))) { _ in }
        }
        #expect(try await eventually { pool.snapshot().pending == 1 })
        let started = MonotonicInstant.now
        #expect(await pool.shutDown(deadline: .milliseconds(100)) == false)
        let took = MonotonicInstant.now - started
        #expect(took >= .milliseconds(195) && took < .seconds(10), "\(took)")
        await #expect { try await holder.value } throws: {
            self.reason($0) == .shuttingDown && ($0 as? LeaseError)?.hadStarted == true
        }
        await #expect { try await waiter.value } throws: {
            self.reason($0) == .shuttingDown && ($0 as? LeaseError)?.hadStarted == false
        }
        #expect(await pool.shutDown() == false)
        #expect(driver.closed.value == 0)
        signal.set()
        #expect(try await eventually { driver.closed.value == 1 })
        #expect(pool.snapshot().connections == 0)
    }

    @Test("while a pool ends, what waits is served and what comes is refused at once")
    func askedWhileEnding() async throws {
        let pool = NumberDriver().pool(connections: 1)
        let signal = Signal()
        let holder = await self.hold(pool, signal)
        let waiter = Task { try await pool.withConnection(Lease("waiter", timeout: .seconds(20))) { _ in 7 } }
        #expect(try await eventually { pool.snapshot().pending == 1 })
        async let isClean = pool.shutDown(deadline: .seconds(20))
        // The pool ends from the moment a lease is refused.
        #expect(
            try await eventually {
                do {
                    try await pool.withConnection(Lease("late", acquireTimeout: .milliseconds(1))) { _ in }
                    return false
                } catch { return self.reason(error) == .shuttingDown }
            })
        signal.set()
        try await holder.value
        #expect(try await waiter.value == 7)
        #expect(await isClean)
    }

    // MARK: - Events

    private final class Listener: PoolDelegate {
        let heard = Recorder<String>()

        func poolDid(_ event: PoolEvent, pool: String) {
            let text =
                switch event {
                case .opened(let id, _): "opened \(id)"
                case .openFailed(let error): "open failed: \(error)"
                case .closing(let id, let reason): "closing \(id): \(reason)"
                case .refused(let error): "refused \(error.label): \(error.reason)"
                case .quarantined(let id): "quarantined \(id)"
                case .released(let id, _): "released \(id)"
                }
            self.heard.append("\(pool): \(text)")
        }
    }

    @Test("the delegate hears what happened, in order")
    func events() async throws {
        let driver = NumberDriver()
        let listener = Listener()
        driver.failsToOpen.store(true, ordering: .sequentiallyConsistent)
        let pool = driver.pool(connections: 1, delegate: listener)
        await #expect {
            try await pool.withConnection(Lease("early", acquireTimeout: .milliseconds(5))) { _ in }
        } throws: { error in
            if case .databaseDown = self.reason(error) { return true }
            return self.reason(error) == .busy
        }
        #expect(try await eventually { listener.heard.all.contains("test: open failed: OpenFailed()") })
        driver.failsToOpen.store(false, ordering: .sequentiallyConsistent)
        let signal = Signal()
        let holder = await self.hold(pool, signal, timeout: .milliseconds(300))
        await #expect { try await holder.value } throws: { self.reason($0) == .deadlineExceeded }
        #expect(try await eventually { listener.heard.all.contains("test: quarantined c\(driver.tried.value)") })
        signal.set()
        #expect(try await eventually { pool.snapshot().idle == 1 })
        pool.recycle()
        #expect(try await eventually { driver.closed.value == 1 })
        await pool.shutDown()
        let last = "c\(driver.tried.value)"
        // Threads may speak at once: each event is there, and those of one thread are in order.
        let heard = listener.heard.all
        #expect(heard.contains("test: open failed: OpenFailed()"))
        #expect(heard.contains { $0.hasPrefix("test: refused early") })
        #expect(heard.filter { $0 == "test: refused holder: deadlineExceeded" }.count == 1)
        let story = ["opened \(last)", "quarantined \(last)", "released \(last)", "closing \(last): recycled"]
        #expect(heard.filter { text in story.contains { text == "test: \($0)" } } == story.map { "test: \($0)" })
    }
}
