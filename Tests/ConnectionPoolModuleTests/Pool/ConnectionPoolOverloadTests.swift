//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import ConnectionPoolModule

/// What a refusal costs, when there are many.
@Suite("ConnectionPool: overload", .serialized, .timeLimit(.minutes(1)))
struct ConnectionPoolOverloadTests {
    /// A pool whose only connection is held and whose queue is full, and how long some further refusals took.
    private func refusals(waiting: Int, further: Int) async throws -> (further: Duration, all: Duration) {
        let pool = NumberDriver().pool(connections: 1, waiters: waiting)
        let signal = Signal()
        let lease = Lease("waiter", acquireTimeout: .seconds(50), timeout: .seconds(50))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.withConnection(lease) { _ in signal.wait() } }
            _ = try await eventually { pool.snapshot().used == 1 }
            for _ in 0..<waiting { group.addTask { try await pool.withConnection(lease) { _ in } } }
            _ = try await eventually { pool.snapshot().pending == waiting }
            let clock = ContinuousClock()
            let one = await clock.measure {
                for _ in 0..<further {
                    await #expect(throws: LeaseError.self) { try await pool.withConnection(Lease("late")) { _ in } }
                }
            }
            let all = await clock.measure {
                async let isClean = pool.shutDown(deadline: .zero)
                signal.set()
                _ = await isClean
            }
            while let result = await group.nextResult() { _ = result }
            return (one, all)
        }
    }

    @Test("what a refusal costs does not grow with the number of those that wait")
    func cost() async throws {
        let (few, fewAll) = try await self.refusals(waiting: 512, further: 500)
        let (many, manyAll) = try await self.refusals(waiting: 16_384, further: 500)
        print(
            "overload: 500 refusals beside 512 waiting \(few), beside 16,384 \(many); all refused \(fewAll), \(manyAll)"
        )
        // Naming the holders by a search through all leases took 7 ms each, and 32 s for all, with the lock held.
        #expect(many < few * 8)
        #expect(manyAll < fewAll * 32 * 8)
    }
}
