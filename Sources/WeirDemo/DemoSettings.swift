//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// How much happens in a demo, and how untidily its deliveries are sent.
public struct DemoSettings: Sendable, Equatable {
    /// Factor on arrivals and on the number of runners. 1 is 6 to 25 jobs a minute.
    public let scale: Double
    /// Share of deliveries sent a second time, with the same id, up to 30 s later.
    public let duplicateShare: Double
    /// Share of deliveries sent 1.5 to 12 s late, so that a later one of the same job can overtake them.
    public let lateShare: Double
    /// Most runs under way, or waiting to be run again; while there are as many, no change arrives.
    public let runsMax: Int

    /// Makes settings; relations are checked.
    ///
    /// - Parameters:
    ///   - scale: 0.01 to 20. Default: 1.
    ///   - duplicateShare: 0 to 1. Default: 0.001.
    ///   - lateShare: 0 to 1. Default: 0.004.
    ///   - runsMax: At least 1. Default: 2,000 times the scale.
    public init(scale: Double = 1, duplicateShare: Double = 0.001, lateShare: Double = 0.004, runsMax: Int? = nil) {
        // Beyond 20 the ids would be used up faster than time makes new ones: see IdentifierSource.
        precondition((0.01...20).contains(scale), "scale must be from 0.01 to 20: \(scale)")
        precondition((0...1).contains(duplicateShare), "duplicateShare must be from 0 to 1: \(duplicateShare)")
        precondition((0...1).contains(lateShare), "lateShare must be from 0 to 1: \(lateShare)")
        let runsMax = runsMax ?? Int(max(1, 2_000 * scale))
        precondition(runsMax > 0, "runsMax must be positive: \(runsMax)")
        self.scale = scale
        self.duplicateShare = duplicateShare
        self.lateShare = lateShare
        self.runsMax = runsMax
    }
}
