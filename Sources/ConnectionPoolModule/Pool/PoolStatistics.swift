//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A moment's figures of a pool.
public struct PoolStatistics: Sendable, Equatable {
    /// Fewest connections kept.
    public var min = 0
    /// Most connections.
    public var max = 0
    /// Connections open, opening or closing.
    public var connections = 0
    /// Connections ready for a lease.
    public var idle = 0
    /// Connections at work.
    public var used = 0
    /// Connections at work whose callers have all been answered: their engine has not returned yet.
    public var quarantined = 0
    /// Leases waiting.
    public var pending = 0
    /// Leases refused or stopped since the start, other than by their own cancellation.
    public var timeouts = 0
    /// Leases whose closure ended since the start.
    public var leases = 0
    /// How long leases waited for a connection.
    public var waitTime = DurationHistogram()
    /// How long leases held a connection.
    public var useTime = DurationHistogram()
    /// How long connections took to open.
    public var createTime = DurationHistogram()

    public init() {}
}
