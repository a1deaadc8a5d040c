//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A period of the demand curve, as steps of equal length.
public struct DemandCurve: Hashable, Sendable {
    /// One step.
    public struct Point: Hashable, Sendable {
        /// Where it begins.
        public let at: Timestamp
        /// Levels at its end.
        public let blocked: Int64
        public let queued: Int64
        public let running: Int64
        /// Highest levels within.
        public let queuedMax: Int64
        public let runningMax: Int64
        /// Highest sum of queued and running within.
        public let peak: Int64
    }

    public let from: Timestamp
    public let to: Timestamp
    public let stepSeconds: Int64
    public let points: [Point]

    /// The highest sum of queued and running in the period.
    public var peak: Int64 { self.points.map(\.peak).max() ?? 0 }

    /// - Parameters:
    ///   - from: Seconds since the epoch; a multiple of the step.
    ///   - to: Seconds since the epoch; the last step may end later.
    ///   - opening: Levels just before `from`.
    ///   - parts: What changed in the period, in order of time; each part lies within one step.
    public init(
        from: Int64, to: Int64, stepSeconds: Int64, opening: (blocked: Int64, queued: Int64, running: Int64),
        parts: [DemandPart]
    ) {
        precondition(stepSeconds > 0, "a step has a length")
        var level = opening
        var points: [Point] = []
        var rest = parts[...]
        for start in stride(from: from, to: to, by: Int(stepSeconds)) {
            let end = start + stepSeconds
            let inside = rest.prefix { $0.start < end }
            rest = rest.dropFirst(inside.count)
            let fold = DemandFold.fold(inside, from: start)
            let peak = level.queued + level.running + fold.demandMax
            let queuedMax = level.queued + fold.queuedMax
            let runningMax = level.running + fold.runningMax
            level.blocked += fold.net.blocked
            level.queued += fold.net.queued
            level.running += fold.net.running
            points.append(
                Point(
                    at: Timestamp(milliseconds: start * 1_000), blocked: level.blocked, queued: level.queued,
                    running: level.running, queuedMax: queuedMax, runningMax: runningMax, peak: peak))
        }
        self.from = Timestamp(milliseconds: from * 1_000)
        self.to = Timestamp(milliseconds: to * 1_000)
        self.stepSeconds = stepSeconds
        self.points = points
    }
}
