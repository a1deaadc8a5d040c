//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule

/// Decides when a connection has been idle for so long that it gives its cache back, once per rest. Pure.
struct IdlingPolicy {
    /// When to look again, if nothing happens before; nil when there is nothing left to give.
    private(set) var dueAt: MonotonicInstant?
    private var leasesSeen = 0

    /// The connection has nothing to do.
    ///
    /// - Parameters:
    ///   - leases: Leases it has served so far: one more than last time means that it has worked in between.
    ///   - idleMax: How long it keeps its cache.
    /// - Returns: Whether it gives its cache back now.
    mutating func look(leases: Int, idleMax: Duration, now: MonotonicInstant) -> Bool {
        if leases != self.leasesSeen {
            self.leasesSeen = leases
            self.dueAt = now.advanced(by: idleMax)
            return false
        }
        guard let dueAt = self.dueAt, dueAt <= now else { return false }
        self.dueAt = nil
        return true
    }
}
