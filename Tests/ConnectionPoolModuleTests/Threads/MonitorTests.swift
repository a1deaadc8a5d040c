//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import TestSupport
import Testing

@testable import ConnectionPoolModule

/// `scripts/thread-sanitizer` runs this with `WEIR_PLANTED_RACE` set, too: then the lock is left out, and the sanitizer must
/// say so. A sanitizer that is not at work finds nothing and reports success.
@Suite("Monitor", .timeLimit(.minutes(1)))
struct MonitorTests {
    private final class Tally: @unchecked Sendable {
        // Guarded by `monitor`, unless a race is asked for.
        private let monitor = Monitor()
        private let isRacy = ProcessInfo.processInfo.environment["WEIR_PLANTED_RACE"] != nil
        private var value = 0

        func add() {
            if self.isRacy { self.value += 1 } else { self.monitor.withLock { self.value += 1 } }
        }

        var current: Int { self.monitor.withLock { self.value } }
    }

    @Test("threads that count together lose nothing")
    func count() async throws {
        let tally = Tally()
        let ended = Counter()
        for _ in 0..<4 {
            WorkerThread.start(name: "counter") {
                for _ in 0..<10_000 { tally.add() }
                ended.increment()
            }
        }
        #expect(try await eventually { ended.value == 4 })
        #expect(tally.current == 40_000)
    }
}
