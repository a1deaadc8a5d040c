//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A moment's figures of a pool.
public struct PoolStatistics: Sendable, Equatable {
    /// Connections open or opening.
    public var connections = 0
    /// Connections at work.
    public var used = 0
    /// Leases waiting.
    public var pending = 0
    /// Leases refused or stopped since the start, other than by their own cancellation.
    public var timeouts = 0
    /// Leases whose closure ended since the start.
    public var leases = 0
    /// Most connections.
    public var max = 0
}
