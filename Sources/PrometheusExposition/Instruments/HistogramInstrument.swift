//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CoreMetrics
import Synchronization

/// A distribution over fixed buckets: one atomic per bucket and one for the sum.
///
/// Serves aggregating recorders and timers; a timer's nanoseconds are kept in seconds, the unit Prometheus asks for.
/// The count is the sum of the buckets, never a counter of its own, so the `+Inf` bucket and `_count` always agree;
/// `_sum` can be ahead of or behind them by the observations that are being made during a scrape.
///
/// Isolation: any thread; no lock.
final class HistogramInstrument: RecorderHandler, TimerHandler {
    /// One bucket. A class, because an array cannot hold an `Atomic`, which cannot be copied.
    private final class Bucket: Sendable {
        /// Observations in this bucket alone.
        let count = Atomic<UInt64>(0)
    }

    /// The series this instrument feeds.
    let origin: SeriesOrigin
    /// Upper bounds, ascending, inclusive.
    private let bounds: [Double]
    /// One bucket per bound and the infinite one.
    private let buckets: [Bucket]
    /// The sum of all observations.
    private let sum = Atomic<Double>(0)

    /// Makes an empty histogram.
    ///
    /// - Parameters:
    ///   - origin: The series it feeds.
    ///   - bounds: Upper bounds, finite and strictly ascending, as ``PrometheusRegistry/Configuration`` checked.
    init(origin: SeriesOrigin, bounds: [Double]) {
        self.origin = origin
        self.bounds = bounds
        self.buckets = (0...bounds.count).map { _ in Bucket() }
    }

    /// Adds an observation.
    func record(_ value: Int64) {
        self.record(Double(value))
    }

    /// Adds an observation; NaN and infinities are ignored, because they would spoil the sum for good.
    ///
    /// - Complexity: O(log n), n buckets.
    func record(_ value: Double) {
        guard value.isFinite else { return }
        var low = 0
        var high = self.bounds.count
        while low < high {
            let middle = (low + high) / 2
            if self.bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        self.buckets[low].count.wrappingAdd(1, ordering: .relaxed)
        self.sum.add(value)
    }

    /// Adds a duration given in nanoseconds; a negative one, from a clock that stepped back, counts as zero.
    func recordNanoseconds(_ duration: Int64) {
        self.record(Double(max(0, duration)) / 1_000_000_000)
    }

    /// What the histogram holds now.
    func snapshot() -> Distribution {
        Distribution(
            bounds: self.bounds, counts: self.buckets.map { $0.count.load(ordering: .relaxed) },
            sum: self.sum.load(ordering: .relaxed))
    }
}
