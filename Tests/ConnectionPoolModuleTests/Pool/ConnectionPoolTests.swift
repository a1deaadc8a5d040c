//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import ConnectionPoolModule

@Suite("ConnectionPool", .timeLimit(.minutes(1)))
struct ConnectionPoolTests {
    private func pool(_ driver: NumberDriver, connections: Int = 2) -> ConnectionPool<NumberDriver> {
        driver.pool(connections: connections)
    }

    @Test("many tasks get their own results back, on few connections")
    func manyTasks() async throws {
        let driver = NumberDriver()
        let pool = self.pool(driver)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    for round in 0..<200 {
                        let result = try await pool.withConnection(Lease("test")) { _ in task * 1_000 + round }
                        #expect(result == task * 1_000 + round)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(driver.opened.value <= 2)
        await pool.shutDown()
        #expect(
            driver.closed.value
                == driver.opened.value)
    }

    /// Asks for the next lease each time it is answered.
    private final class Chain: Sendable {
        let pool: ConnectionPool<NumberDriver>
        let results = Mutex<[Int]>([])
        let threads = Mutex<Set<UInt>>([])
        let end = Signal()

        init(_ pool: ConnectionPool<NumberDriver>) { self.pool = pool }

        func go(_ number: Int, to last: Int) {
            self.pool.withConnection(Lease("chain")) { _ in
                _ = self.threads.withLock { $0.insert(UInt(pthread_self())) }
                return number
            } answer: { result in
                _ = self.threads.withLock { $0.insert(UInt(pthread_self())) }
                self.results.withLock { $0.append((try? result.get()) ?? -1) }
                if number < last { self.go(number + 1, to: last) } else { self.end.set() }
            }
        }
    }

    @Test("a closure is answered on the connection's thread, once, and asks for the next lease there")
    func chain() async throws {
        let pool = self.pool(NumberDriver(), connections: 1)
        let chain = Chain(pool)
        chain.go(1, to: 1_000)
        // Beside it, tasks are answered too.
        for number in 0..<200 { #expect(try await pool.withConnection(Lease("task")) { _ in number } == number) }
        try await onThread { chain.end.wait() }
        #expect(chain.results.withLock { $0 } == Array(1...1_000))
        #expect(chain.threads.withLock { $0.count } == 1)
        await pool.shutDown()
        // A refusal comes at once, on the caller's thread.
        let refused = Mutex<[LeaseError.Reason?]>([])
        pool.withConnection(Lease("late")) { _ in
        } answer: { result in
            guard case .failure(let error) = result else { return }
            refused.withLock { $0.append((error as? LeaseError)?.reason) }
        }
        #expect(refused.withLock { $0 } == [.shuttingDown])
    }

    @Test("a busy pool names who holds its connections")
    func busy() async throws {
        let pool = self.pool(NumberDriver(), connections: 1)
        let begun = Gate()
        let signal = Signal()
        async let holder: Void = pool.withConnection(Lease("the holder", timeout: .seconds(30))) { _ in
            Task { await begun.open() }
            signal.wait()
        }
        await begun.wait()
        await #expect {
            try await pool.withConnection(Lease("the waiter", acquireTimeout: .milliseconds(50))) { _ in }
        } throws: { error in
            guard let error = error as? LeaseError else { return false }
            return error.reason == .busy && error.label == "the waiter" && !error.hadStarted
                && error.holders.map(\.label) == ["the holder"]
                && error.holders[0].callSite.contains("ConnectionPoolTests.swift")
        }
        signal.set()
        try await holder
        await pool.shutDown()
    }

    @Test("the caller is answered at its deadline while the engine still works, and the connection is not reused")
    func deadline() async throws {
        let pool = self.pool(NumberDriver(), connections: 1)
        let signal = Signal()
        let started = MonotonicInstant.now
        await #expect {
            try await pool.withConnection(Lease("slow", timeout: .milliseconds(100))) { _ in signal.wait() }
        } throws: { error in
            (error as? LeaseError)?.reason == .deadlineExceeded && (error as? LeaseError)?.hadStarted == true
        }
        #expect(MonotonicInstant.now - started < .seconds(5))
        await #expect(throws: LeaseError.self) {
            try await pool.withConnection(Lease("next", acquireTimeout: .milliseconds(50))) { _ in }
        }
        signal.set()
        #expect(try await pool.withConnection(Lease("after", acquireTimeout: .seconds(20))) { _ in 7 } == 7)
        await pool.shutDown()
    }

    @Test("cancelled tasks are answered at once, waiting or running, and the pool goes on")
    func cancellation() async throws {
        let pool = self.pool(NumberDriver(), connections: 1)
        let begun = Gate()
        let signal = Signal()
        let running = Task {
            try await pool.withConnection(Lease("running", timeout: .seconds(30))) { _ in
                Task { await begun.open() }
                signal.wait()
            }
        }
        await begun.wait()
        let waiting = Task { try await pool.withConnection(Lease("waiting", acquireTimeout: .seconds(20))) { _ in } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await pool.withConnection(Lease("cancelled before")) { _ in 1 }
        }
        await #expect(throws: CancellationError.self) { _ = try await late.value }
        signal.set()
        #expect(try await pool.withConnection(Lease("after", acquireTimeout: .seconds(20))) { _ in 7 } == 7)
        await pool.shutDown()
    }

    @Test("10,000 cancellations at random moments leave every sibling its result")
    func randomCancellation() async throws {
        let pool = self.pool(NumberDriver())
        let outcomes = try await withThrowingTaskGroup(of: (results: Int, cancelled: Int).self) { group in
            for worker in 0..<32 {
                group.addTask {
                    var generator = SeededGenerator(seed: UInt64(worker))
                    var outcome = (results: 0, cancelled: 0)
                    for round in 0..<312 {
                        let task = Task { try await pool.withConnection(Lease("random")) { _ in round } }
                        for _ in 0..<Int.random(in: 0...3, using: &generator) { await Task.yield() }
                        if Bool.random(using: &generator) { task.cancel() }
                        do {
                            let result = try await task.value
                            #expect(result == round)
                            outcome.results += 1
                        } catch is CancellationError {
                            #expect(task.isCancelled)
                            outcome.cancelled += 1
                        }
                    }
                    return outcome
                }
            }
            return try await group.reduce(into: (0, 0)) {
                $0.0 += $1.results
                $0.1 += $1.cancelled
            }
        }
        #expect(outcomes.0 + outcomes.1 == 32 * 312)
        #expect(outcomes.1 > 0)
        let statistics = pool.snapshot()
        #expect(statistics.pending == 0)
        await pool.shutDown()
    }

    @Test("a database that is down says so with its cause, and the pool recovers by itself")
    func down() async throws {
        let driver = NumberDriver()
        driver.failsToOpen.store(true, ordering: .sequentiallyConsistent)
        let pool = self.pool(driver)
        await #expect {
            try await pool.withConnection(Lease("down", acquireTimeout: .milliseconds(150))) { _ in }
        } throws: { error in
            guard case .databaseDown(let cause) = (error as? LeaseError)?.reason else { return false }
            return cause.contains("OpenFailed")
        }
        driver.failsToOpen.store(false, ordering: .sequentiallyConsistent)
        #expect(try await pool.withConnection(Lease("up", acquireTimeout: .seconds(20))) { _ in 7 } == 7)
        await pool.shutDown()
    }

    @Test("a closing pool ends what runs and refuses what comes")
    func shutdown() async throws {
        let pool = self.pool(NumberDriver())
        let results = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<20 { group.addTask { try await pool.withConnection(Lease("work")) { _ in number } } }
            return try await group.reduce(0, +)
        }
        #expect(results == 190)
        await pool.shutDown()
        await pool.shutDown()
        await #expect {
            try await pool.withConnection(Lease("late")) { _ in }
        } throws: { ($0 as? LeaseError)?.reason == .shuttingDown }
    }
}
