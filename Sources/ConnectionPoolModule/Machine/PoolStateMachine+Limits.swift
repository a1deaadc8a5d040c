//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension PoolStateMachine {
    /// The bounds of a pool.
    package struct Limits: Sendable, Equatable {
        /// Connections that are kept open when idle.
        package var connectionsMin = 0
        /// Most connections open or opening at once.
        package var connectionsMax: Int
        /// Most leases waiting at once.
        package var waitersMax: Int
        /// Most leases handed to a connection at once: 1 for readers, the group commit's cap for a writer.
        package var batchMax = 1
        /// Most connections at work for heavy lanes; always at least one less than all of several.
        package var heavyMax = Int.max
        /// Whether a cancelled caller is answered while its lease runs. A writer's is not: its outcome is near.
        package var abandonsWhenCancelled = true
        /// How long a connection beyond the minimum may be idle; nil: for ever.
        package var idleTimeout: Duration?
        /// How old a connection may grow; nil: any age. Up to a tenth is taken off by lot, so that connections opened
        /// together do not end together.
        package var lifetimeMax: Duration?
        /// First and longest pause after a failed opening; it doubles in between and is drawn from its upper half.
        package var backoff: ClosedRange<Duration> = .milliseconds(20)...(.seconds(5))
        /// How long an engine may take to return after it was told to stop, before a shutdown goes on without it.
        package var drainGrace: Duration = .seconds(5)

        package init(connectionsMax: Int, waitersMax: Int) {
            self.connectionsMax = connectionsMax
            self.waitersMax = waitersMax
        }

        /// Heavy work never takes the last connection, unless there is only one.
        var heavyLeasesMax: Int { self.connectionsMax == 1 ? 1 : max(1, min(self.heavyMax, self.connectionsMax - 1)) }

        /// Stops the process when the bounds contradict each other.
        func check() {
            precondition(
                self.connectionsMax >= 1 && self.waitersMax >= 1 && self.batchMax >= 1 && self.heavyMax >= 1
                    && self.connectionsMin >= 0 && self.connectionsMin <= self.connectionsMax,
                "a pool's limits must be positive, and its minimum at most its maximum: \(self)")
        }
    }

    /// Why a lease ends without a result.
    package enum Refusal: Equatable {
        case queueFull
        case timedOut
        case down
        case cancelled
        case deadlineExceeded
        case shuttingDown
    }
}
