//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization

extension Atomic where Value == Double {
    /// Adds to the value without a lock.
    ///
    /// The exchange compares bit patterns, so it ends for NaN too.
    ///
    /// - Parameter amount: What to add; may be negative.
    ///
    /// Isolation: any thread. Ordering: relaxed, as nothing is published through a metric.
    func add(_ amount: Double) {
        var current = self.load(ordering: .relaxed)
        while true {
            let (exchanged, original) = self.weakCompareExchange(
                expected: current, desired: current + amount, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}
