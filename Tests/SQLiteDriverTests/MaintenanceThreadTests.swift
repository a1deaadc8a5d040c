//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// Blocking work and its caller.
@Suite("ToolThread", .timeLimit(.minutes(1)))
struct MaintenanceThreadTests {
    struct Own: Error, Equatable {}

    private static func isDeadline(_ error: any Error) -> Bool {
        (error as? DatabaseError)?.message.contains("deadline") ?? false
    }

    @Test("results and errors come back, and a query that was stopped is told by its cause")
    func results() async throws {
        #expect(try await ToolThread.run("work", timeout: .seconds(10)) { _ in 7 } == 7)
        await #expect(throws: Own.self) { try await ToolThread.run("work", timeout: .seconds(10)) { _ in throw Own() } }
        await #expect {
            try await ToolThread.run("work", timeout: .milliseconds(20)) { thread in
                while !thread.signal.isStopped {}
                throw DatabaseError(code: .sqliteInterrupt, operation: "step", message: "interrupted")
            }
        } throws: { Self.isDeadline($0) }
    }

    @Test("work that hangs is answered for soon after its deadline or its cancellation, and can claim nothing then")
    func hangs() async throws {
        for isCancelled in [false, true] {
            let release = Flag()
            let began = Flag()
            let claimed = Log<Bool>()
            let started = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect {
                        try await ToolThread.run(
                            "work", timeout: isCancelled ? .seconds(60) : .milliseconds(30), grace: .milliseconds(30)
                        ) { thread in
                            began.set()
                            release.spin()
                            claimed.add((try? thread.claim()) != nil)
                        }
                    } throws: { isCancelled ? $0 is CancellationError : Self.isDeadline($0) }
                }
                if isCancelled {
                    #expect(try await eventually { began.isSet })
                    group.cancelAll()
                }
                try await group.waitForAll()
            }
            #expect(ContinuousClock.now - started < .seconds(10))
            release.set()
            #expect(try await eventually { claimed.all == [false] })
        }
    }

    @Test("the last steps, once claimed, are not abandoned: their result is the answer")
    func claims() async throws {
        let answer = try await ToolThread.run("work", timeout: .milliseconds(20), grace: .milliseconds(1)) { thread in
            try thread.claim()
            // Long past both.
            while MonotonicInstant.now < thread.signal.deadline.advanced(by: .milliseconds(100)) {}
            return "done"
        }
        #expect(answer == "done")
        // Control: unclaimed, the caller is told that the deadline passed.
        await #expect {
            try await ToolThread.run("work", timeout: .milliseconds(20), grace: .milliseconds(1)) { thread in
                while MonotonicInstant.now < thread.signal.deadline.advanced(by: .milliseconds(100)) {}
                return "done"
            }
        } throws: { Self.isDeadline($0) }
    }

    @Test("a task cancelled beforehand gets its answer too")
    func cancelledBefore() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask {
                await #expect(throws: CancellationError.self) {
                    try await ToolThread.run("work", timeout: .seconds(60)) { thread in
                        while true { try thread.check() }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
