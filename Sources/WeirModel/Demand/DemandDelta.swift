//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What one second changed: the steps of the demand curve and the sums behind the averages. Additive.
public struct DemandDelta: Hashable, Sendable {
    /// Jobs that became blocked, less those that ceased to be.
    public var blocked: Int64 = 0
    /// Jobs that began to wait for a runner, less those that ceased to.
    public var queued: Int64 = 0
    /// Jobs that began to run, less those that ended.
    public var running: Int64 = 0
    /// Jobs that started, and the time they had waited.
    public var started: Int64 = 0
    public var queueMilliseconds: Int64 = 0
    /// Jobs that ended after having run, and the time they ran.
    public var completed: Int64 = 0
    public var runMilliseconds: Int64 = 0

    public init() {}

    /// Whether nothing changed.
    public var isZero: Bool { self == DemandDelta() }

    public static func += (left: inout DemandDelta, right: DemandDelta) {
        left.blocked += right.blocked
        left.queued += right.queued
        left.running += right.running
        left.started += right.started
        left.queueMilliseconds += right.queueMilliseconds
        left.completed += right.completed
        left.runMilliseconds += right.runMilliseconds
    }

    static func * (left: Int64, right: DemandDelta) -> DemandDelta {
        var result = DemandDelta()
        result.blocked = left * right.blocked
        result.queued = left * right.queued
        result.running = left * right.running
        result.started = left * right.started
        result.queueMilliseconds = left * right.queueMilliseconds
        result.completed = left * right.completed
        result.runMilliseconds = left * right.runMilliseconds
        return result
    }
}

/// The deltas of some jobs by pool and second; what a job contributes is withdrawn and added as a whole.
public struct DemandDeltas<Pool: Hashable & Sendable>: Sendable {
    /// A second of a pool.
    public struct Key: Hashable, Sendable {
        public let pool: Pool
        /// Seconds since the epoch.
        public let second: Int64
    }

    /// The deltas that are not zero, and some that are.
    public private(set) var deltas: [Key: DemandDelta] = [:]

    public init() {}

    /// Adds what a job contributes.
    public mutating func add(_ timeline: JobTimeline, pool: Pool) { self.apply(timeline, pool: pool, sign: 1) }

    /// Withdraws what a job contributed.
    public mutating func withdraw(_ timeline: JobTimeline, pool: Pool) { self.apply(timeline, pool: pool, sign: -1) }

    private mutating func apply(_ timeline: JobTimeline, pool: Pool, sign: Int64) {
        guard let created = timeline.createdAt else { return }
        let queued = timeline.queuedAt
        let started = timeline.startedAt
        let completed = timeline.completedAt
        self.step(pool, from: created, to: queued ?? started ?? completed, sign) { $0.blocked += $1 }
        if let queued { self.step(pool, from: queued, to: started ?? completed, sign) { $0.queued += $1 } }
        if let started {
            self.step(pool, from: started, to: completed, sign) { $0.running += $1 }
            self.update(pool, started) {
                $0.started += sign
                $0.queueMilliseconds += sign * (timeline.queueMilliseconds ?? 0)
            }
        }
        if let completed, let run = timeline.runMilliseconds {
            self.update(pool, completed) {
                $0.completed += sign
                $0.runMilliseconds += sign * run
            }
        }
    }

    private mutating func step(
        _ pool: Pool, from start: Timestamp, to end: Timestamp?, _ sign: Int64,
        _ change: (inout DemandDelta, Int64) -> Void
    ) {
        if let end, end.second == start.second { return }
        self.update(pool, start) { change(&$0, sign) }
        if let end { self.update(pool, end) { change(&$0, -sign) } }
    }

    private mutating func update(_ pool: Pool, _ instant: Timestamp, _ change: (inout DemandDelta) -> Void) {
        change(&self.deltas[Key(pool: pool, second: instant.second), default: DemandDelta()])
    }
}
