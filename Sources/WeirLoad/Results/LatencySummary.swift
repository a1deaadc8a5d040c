//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

package import Histogram

/// A distribution of latencies in a few figures, in microseconds.
package struct LatencySummary: Sendable, Codable, Equatable {
    package var count: Int
    package var meanMicroseconds: Double
    package var p50Microseconds: UInt64
    package var p90Microseconds: UInt64
    package var p99Microseconds: UInt64
    package var p999Microseconds: UInt64
    package var p9999Microseconds: UInt64
    package var maxMicroseconds: UInt64

    /// - Returns: Nil for an empty distribution.
    package init?(_ histogram: Histogram<UInt32>) {
        guard histogram.totalCount > 0 else { return nil }
        self.count = Int(histogram.totalCount)
        self.meanMicroseconds = histogram.mean
        self.p50Microseconds = histogram.valueAtPercentile(50)
        self.p90Microseconds = histogram.valueAtPercentile(90)
        self.p99Microseconds = histogram.valueAtPercentile(99)
        self.p999Microseconds = histogram.valueAtPercentile(99.9)
        self.p9999Microseconds = histogram.valueAtPercentile(99.99)
        self.maxMicroseconds = histogram.max
    }

    /// The percentiles that are shown, with their names.
    package var shown: [(name: String, microseconds: UInt64)] {
        [
            ("p50", self.p50Microseconds), ("p90", self.p90Microseconds), ("p99", self.p99Microseconds),
            ("p99.9", self.p999Microseconds), ("max", self.maxMicroseconds),
        ]
    }
}
