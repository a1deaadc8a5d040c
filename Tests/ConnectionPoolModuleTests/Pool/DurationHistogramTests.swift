//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import ConnectionPoolModule

@Suite("DurationHistogram")
struct DurationHistogramTests {
    /// The bucket that a duration alone is counted in.
    private func bucket(_ duration: Duration) -> Int? {
        var histogram = DurationHistogram()
        histogram.record(duration)
        return histogram.counts.firstIndex(of: 1)
    }

    @Test("each duration is counted in the bucket that holds it, its upper bound at most twice the duration")
    func buckets() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let exponent = Double.random(in: 0...7.8, using: &generator)
            var nanoseconds: Int64 = 1_000
            for _ in 0..<Int(exponent) { nanoseconds *= 10 }
            let duration = Duration.nanoseconds(Int64.random(in: nanoseconds...nanoseconds * 10, using: &generator))
            guard let bucket = self.bucket(duration), bucket < DurationHistogram.boundedBuckets else { continue }
            #expect(duration <= DurationHistogram.upperBound(bucket), "\(duration)")
            #expect(DurationHistogram.upperBound(bucket) <= duration * 2, "\(duration)")
        }
    }

    @Test("nothing, less than nothing and less than a microsecond go into the first bucket")
    func small() {
        for duration in [Duration.zero, .nanoseconds(1), .nanoseconds(999), .seconds(-5)] {
            #expect(self.bucket(duration) == 0, "\(duration)")
        }
        #expect(self.bucket(.nanoseconds(1_001)) == 1)
    }

    @Test("whatever is longer than the last bound goes into the last bucket, be it minutes, hours or years")
    func large() {
        for seconds in [68, 3_600, 9_400, 9_500, 12_000, 20_000, 86_400, 40_000_000] {
            #expect(self.bucket(.seconds(seconds)) == DurationHistogram.boundedBuckets, "\(seconds) s")
        }
    }

    @Test("count, sum and quantiles are those of what was recorded, a quantile at most twice the true one")
    func quantiles() {
        var generator = SeededGenerator(seed: 2)
        var histogram = DurationHistogram()
        #expect(histogram.quantile(0.5) == nil)
        var all = (0..<5_000).map { _ in Duration.microseconds(Int.random(in: 2...1_000_000, using: &generator)) }
        for duration in all { histogram.record(duration) }
        all.sort()
        #expect(histogram.count == 5_000)
        #expect(histogram.sum == all.reduce(.zero, +))
        for share in [0.01, 0.5, 0.9, 0.99, 1] {
            let exact = all[min(all.count - 1, Int(Double(all.count) * share))]
            guard let quantile = histogram.quantile(share) else {
                Issue.record("no quantile \(share)")
                continue
            }
            #expect(quantile >= exact / 2 && quantile <= exact * 2, "\(share)")
        }
        var long = DurationHistogram()
        long.record(.seconds(100))
        #expect(long.quantile(0.5) == nil)
    }
}
