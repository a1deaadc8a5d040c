//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import PrometheusExposition

@Suite struct InstrumentTests {
    /// An origin that nothing looks at.
    private let origin = SeriesOrigin(family: "x", labels: LabelSet([]))

    @Test("A counter ignores what would make it fall, and can be reset")
    func counterOnlyGrows() {
        let counter = CounterInstrument(origin: self.origin)
        counter.increment(by: 5 as Int64)
        counter.increment(by: -3 as Int64)
        counter.increment(by: -0.5)
        counter.increment(by: Double.nan)
        counter.increment(by: Double.infinity)
        #expect(counter.text == "5")
        counter.increment(by: 0.25)
        #expect(counter.text == "5.25")
        counter.reset()
        #expect(counter.text == "0")
    }

    @Test("A counter beyond 2^53 is still exact")
    func counterIsExact() {
        let counter = CounterInstrument(origin: self.origin)
        counter.increment(by: Int64.max)
        counter.increment(by: 2 as Int64)
        #expect(counter.text == "9223372036854775809")
    }

    @Test("A gauge goes up and down")
    func gaugeMoves() {
        let gauge = GaugeInstrument(origin: self.origin)
        gauge.set(10 as Int64)
        gauge.increment(by: 2.5)
        gauge.decrement(by: 20)
        #expect(gauge.text == "-7.5")
        gauge.record(3 as Int64)
        #expect(gauge.text == "3")
        gauge.set(-Double.infinity)
        #expect(gauge.text == "-Inf")
    }

    @Test(
        "An observation falls into the first bucket whose bound is not below it",
        arguments: [
            (-1.0, 0), (0, 0), (0.5, 0), (0.500001, 1), (1, 1), (1.5, 2), (2, 2), (2.5, 3), (1e300, 3),
        ])
    func bucketOfAnObservation(value: Double, bucket: Int) {
        let histogram = HistogramInstrument(origin: self.origin, bounds: [0.5, 1, 2])
        histogram.record(value)
        var expected: [UInt64] = [0, 0, 0, 0]
        expected[bucket] = 1
        #expect(histogram.snapshot().counts == expected)
        #expect(histogram.snapshot().sum == value)
    }

    @Test("A histogram ignores NaN and infinities, and counts a negative duration as zero")
    func histogramRefusesWhatSpoilsTheSum() {
        let histogram = HistogramInstrument(origin: self.origin, bounds: [1])
        histogram.record(Double.nan)
        histogram.record(Double.infinity)
        #expect(histogram.snapshot().count == 0)
        histogram.recordNanoseconds(-5)
        histogram.recordNanoseconds(1_500_000_000)
        #expect(histogram.snapshot().counts == [1, 1])
        #expect(histogram.snapshot().sum == 1.5)
    }

    @Test("A histogram without bounds has the infinite bucket alone")
    func histogramWithoutBounds() {
        let histogram = HistogramInstrument(origin: self.origin, bounds: [])
        histogram.record(3 as Int64)
        #expect(histogram.snapshot().counts == [1])
    }
}
