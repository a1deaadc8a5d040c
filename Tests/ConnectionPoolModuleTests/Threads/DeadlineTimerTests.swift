//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import ConnectionPoolModule

@Suite("DeadlineTimer and Condition", .timeLimit(.minutes(1)))
struct DeadlineTimerTests {
    @Test("calls come not before their instant, the earliest asked for first")
    func order() async {
        let timer = DeadlineTimer()
        let calls = Recorder<Int>()
        let done = Gate()
        let started = MonotonicInstant.now
        for (number, delay) in [(1, 60), (2, 20), (3, 40)] {
            let client = timer.add { now in
                #expect(now - started >= .milliseconds(delay))
                calls.append(number)
                if calls.all.count == 3 { Task { await done.open() } }
                return nil
            }
            timer.arm(client, at: started.advanced(by: .milliseconds(delay)))
        }
        await done.wait()
        #expect(calls.all == [2, 3, 1])
        timer.stop()
    }

    @Test("a wait on a condition ends by its own clock")
    func condition() async throws {
        let waited = try await onThread {
            let monitor = Monitor()
            let condition = Condition()
            let started = MonotonicInstant.now
            monitor.lock()
            while condition.wait(monitor, for: .milliseconds(50)) {}
            monitor.unlock()
            return MonotonicInstant.now - started
        }
        #expect(waited >= .milliseconds(49))
        #expect(waited < .seconds(10))
    }
}
