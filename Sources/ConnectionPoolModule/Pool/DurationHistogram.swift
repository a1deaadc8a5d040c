//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Counts durations in buckets that double: up to 1 µs, 2 µs, 4 µs, … 67 s, and longer.
///
/// - Complexity: O(1) to record. Error: a quantile read from it is at most twice the true one.
public struct DurationHistogram: Sendable, Equatable {
    /// Number of buckets with an upper bound; one more holds what is longer.
    public static let boundedBuckets = 27

    /// Durations per bucket; the last one is unbounded.
    public private(set) var counts: [UInt64]
    /// All durations together.
    public private(set) var sum: Duration = .zero

    public init() { self.counts = Array(repeating: 0, count: Self.boundedBuckets + 1) }

    /// The upper bound of a bucket that has one.
    public static func upperBound(_ bucket: Int) -> Duration { .microseconds(1 << bucket) }

    /// Durations recorded.
    public var count: UInt64 { self.counts.reduce(0, +) }

    mutating func record(_ duration: Duration) {
        let microseconds = max(0, duration.inNanoseconds / 1_000)
        // Rounded down: what lies between two whole microseconds counts for the bucket above.
        let bucket = microseconds == 0 ? 0 : Int64.bitWidth - microseconds.leadingZeroBitCount
        self.counts[min(bucket, Self.boundedBuckets)] += 1
        self.sum += duration
    }

    /// The upper bound of the bucket in which a share of all durations lies; nil when there are none, or above the
    /// last bound.
    public func quantile(_ share: Double) -> Duration? {
        let wanted = Double(self.count) * share
        var seen: UInt64 = 0
        for bucket in 0..<Self.boundedBuckets {
            seen += self.counts[bucket]
            if seen > 0, Double(seen) >= wanted { return Self.upperBound(bucket) }
        }
        return nil
    }
}
