//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What a histogram held at one moment.
public struct Distribution: Sendable, Equatable {
    /// Upper bounds of the buckets, ascending, inclusive, without the last, infinite one.
    public let bounds: [Double]
    /// Observations per bucket, not cumulative; one more than ``bounds``.
    public let counts: [UInt64]
    /// The sum of all observations.
    public let sum: Double

    public init(bounds: [Double], counts: [UInt64], sum: Double) {
        precondition(counts.count == bounds.count + 1, "a distribution has one count more than bounds")
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }

    /// How many observations there were.
    public var count: UInt64 { self.counts.reduce(0, &+) }
}
