//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization
import Testing

@testable import PrometheusExposition

@Suite struct AtomicDoubleTests {
    /// An atomic that tasks can share.
    private final class Box: Sendable {
        /// The atomic.
        let value = Atomic<Double>(0)
    }

    @Test("Additions that collide are tried again: none is lost", .timeLimit(.minutes(1)))
    func addLosesNothing() async {
        let box = Box()
        // Few instructions and so many rounds that two cores collide even while other tests occupy one of them.
        let rounds = 2_000_000
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<rounds { box.value.add(0.5) }
                }
            }
        }
        #expect(box.value.load(ordering: .relaxed) == Double(8 * rounds) * 0.5)
    }
}
