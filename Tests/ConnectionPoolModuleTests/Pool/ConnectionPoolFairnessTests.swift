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

/// Who is served when, with real threads and more tasks than connections.
@Suite("ConnectionPool: fairness", .serialized, .timeLimit(.minutes(2)))
struct ConnectionPoolFairnessTests {
    @Test("a pool of one connection answers everybody, whoever leaves, waits too long or runs too long")
    func oneSlot() async throws {
        let driver = NumberDriver()
        let pool = driver.pool(connections: 1)
        let seed = UInt64.random(in: 1...UInt64.max)
        let outcomes = await withTaskGroup(of: [String: Int].self) { group in
            for worker in UInt64(0)..<32 {
                group.addTask { await self.mixedWork(on: pool, seed: seed &+ worker, rounds: 300) }
            }
            return await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        }
        print("one slot: seed \(seed), \(outcomes.sorted { $0.key < $1.key })")
        #expect(outcomes.values.reduce(0, +) == 32 * 300)
        #expect(outcomes["wrong"] == nil)
        for kind in ["served", "cancelled", "busy", "stopped"] { #expect((outcomes[kind] ?? 0) > 0, "\(kind)") }
        #expect(pool.snapshot().pending == 0)
        #expect(try await pool.withConnection(Lease("after", timeout: .seconds(20))) { _ in 7 } == 7)
        #expect(await pool.shutDown())
        #expect(driver.opened.value == driver.closed.value)
    }

    /// Leases of which some leave, some wait too little and some work too long.
    private func mixedWork(
        on pool: ConnectionPool<NumberDriver>, seed: UInt64, rounds: Int
    ) async -> [String: Int] {
        var generator = SeededGenerator(seed: seed)
        var outcomes: [String: Int] = [:]
        for round in 0..<rounds {
            let lane = Lane.allCases[Int.random(in: 0..<4, using: &generator)]
            let fate = Int.random(in: 0..<10, using: &generator)
            let acquire: Duration = fate == 0 ? .microseconds(200) : .seconds(30)
            let timeout: Duration = fate == 1 ? .milliseconds(1) : .seconds(60)
            let lease = Lease("mixed", lane: lane, acquireTimeout: acquire, timeout: timeout)
            let task = Task {
                try await pool.withConnection(lease) { _ in
                    if fate == 1 { usleep(2_000) }
                    return round
                }
            }
            if fate == 2 {
                for _ in 0..<Int.random(in: 0...3, using: &generator) { await Task.yield() }
                task.cancel()
            }
            outcomes[await self.outcome(task, round, fate), default: 0] += 1
        }
        return outcomes
    }

    private func outcome(_ task: Task<Int, any Error>, _ round: Int, _ fate: Int) async -> String {
        do {
            return try await task.value == round ? "served" : "wrong"
        } catch is CancellationError {
            return fate == 2 ? "cancelled" : "wrong"
        } catch let error as LeaseError where error.reason == .busy {
            return fate <= 1 ? "busy" : "wrong"
        } catch let error as LeaseError where error.reason == .deadlineExceeded {
            return fate == 1 ? "stopped" : "wrong"
        } catch {
            return "wrong"
        }
    }

    @Test("as many slow reads as there are connections: a small one is refused in time, by the names of the slow")
    func slowReads() async throws {
        let pool = NumberDriver().pool(connections: 3)
        let signal = Signal()
        let begun = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await pool.withConnection(Lease("slow", timeout: .seconds(25))) { _ in
                        begun.increment()
                        signal.wait()
                    }
                }
            }
            #expect(try await eventually { begun.value == 3 })
            let started = MonotonicInstant.now
            await #expect {
                try await pool.withConnection(Lease("small", acquireTimeout: .milliseconds(100))) { _ in }
            } throws: { error in
                guard let error = error as? LeaseError else { return false }
                return error.reason == .busy && error.holders.map(\.label) == ["slow", "slow", "slow"]
            }
            #expect(MonotonicInstant.now - started < .seconds(5))
            signal.set()
            try await group.waitForAll()
        }
        #expect(try await pool.withConnection(Lease("small", acquireTimeout: .seconds(20))) { _ in 7 } == 7)
        await pool.shutDown()
    }

    // MARK: - Shares

    /// What tasks got that all ask again and again: waits in leases begun meanwhile, and how many leases each had.
    private struct Shares {
        var waits: [Int] = []
        var leases: [Int] = []

        /// A wait against the mean that only one in 200 exceeds; those may be the system's, not the pool's.
        var tail: Double { self.ratio(self.waits.count * 199 / 200) }
        var longest: Double { self.ratio(self.waits.count - 1) }

        private func ratio(_ rank: Int) -> Double {
            let mean = Double(self.waits.reduce(0, +)) / Double(max(1, self.waits.count))
            return self.waits.isEmpty ? 0 : Double(self.waits.sorted()[rank]) / max(1, mean)
        }

        /// The task that got most against the one that got least.
        var spread: Double { Double(self.leases.max() ?? 0) / Double(max(1, self.leases.min() ?? 0)) }
    }

    /// Lets tasks ask for leases of a millisecond until so many have been begun.
    ///
    /// A wait is counted in leases, not in time: another program's load makes all of them longer.
    private func shares(tasks: Int, connections: Int, leases: Int, lane: @escaping @Sendable (Int) -> Lane) async throws
        -> Shares
    {
        let pool = NumberDriver().pool(connections: connections)
        let begun = Counter()
        let result = try await withThrowingTaskGroup(of: Shares.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var mine = Shares()
                    let lease = Lease("share", lane: lane(task), acquireTimeout: .seconds(60), timeout: .seconds(60))
                    while begun.value < leases {
                        let asked = begun.value
                        let wait = try await pool.withConnection(lease) { _ in
                            let number = begun.increment()
                            usleep(1_000)
                            return number - asked
                        }
                        mine.waits.append(wait)
                    }
                    mine.leases = [mine.waits.count]
                    return mine
                }
            }
            return try await group.reduce(into: Shares()) {
                $0.waits += $1.waits
                $0.leases += $1.leases
            }
        }
        await pool.shutDown()
        return result
    }

    @Test("nobody waits much longer than the others", arguments: [(4, 2), (64, 2)])
    func tail(tasks: Int, connections: Int) async throws {
        let shares = try await self.shares(tasks: tasks, connections: connections, leases: 4_000) { _ in .interactive }
        print(
            "fairness \(tasks)/\(connections): tail \(shares.tail), longest \(shares.longest), spread \(shares.spread)")
        #expect(shares.tail <= 5 && shares.spread <= 1.5)
    }

    @Test("control: tasks that others may pass are noticed")
    func unfair() async throws {
        let shares = try await self.shares(tasks: 64, connections: 2, leases: 4_000) {
            $0 < 4 ? .maintenance : .interactive
        }
        print("fairness, control: tail \(shares.tail), longest \(shares.longest), spread \(shares.spread)")
        #expect(shares.spread > 1.5)
    }
}
