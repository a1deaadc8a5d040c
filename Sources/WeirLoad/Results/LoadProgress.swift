//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Where a load stands.
package struct LoadProgress: Sendable, Equatable {
    package var elapsed: Duration
    /// How long the schedule is.
    package var total: Duration
    /// Deliveries that were due by now, and that will be in all.
    package var offered: Int
    package var sends: Int
    package var accepted: Int
    package var unavailable: Int
    package var other: Int
    package var failed: Int
    /// Waiting for a connection, and for an answer.
    package var backlog: Int
    package var inFlight: Int
    /// To be sent again.
    package var toRedeliver: Int
    package var p50Microseconds: UInt64
    package var p99Microseconds: UInt64

    /// First attempts that have ended.
    package var answered: Int { self.accepted + self.unavailable + self.other }
}
