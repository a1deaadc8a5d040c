//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CoreMetrics
import Synchronization

/// A value that only grows: one atomic integer, and a second atomic for fractions.
///
/// One class serves integer and floating-point counters, so both handles of one name and label set count together.
///
/// Isolation: any thread; no lock.
final class CounterInstrument: CounterHandler, FloatingPointCounterHandler {
    /// The series this instrument feeds.
    let origin: SeriesOrigin
    /// The whole part. It wraps at 2^64, which Prometheus reads as a restart.
    private let whole = Atomic<UInt64>(0)
    /// What floating-point increments added.
    private let fraction = Atomic<Double>(0)

    /// Makes a counter at zero.
    ///
    /// - Parameter origin: The series it feeds.
    init(origin: SeriesOrigin) {
        self.origin = origin
    }

    /// Adds a whole amount; a negative one is ignored, because a Prometheus counter never falls.
    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        self.whole.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    /// Adds a fractional amount; a negative or non-finite one is ignored.
    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        self.fraction.add(amount)
    }

    /// Sets the counter back to zero, which Prometheus reads as a restart.
    func reset() {
        self.whole.store(0, ordering: .relaxed)
        self.fraction.store(0, ordering: .relaxed)
    }

    /// The value in the exposition format's form: a decimal integer unless a fraction was ever added.
    var text: String {
        let whole = self.whole.load(ordering: .relaxed)
        let fraction = self.fraction.load(ordering: .relaxed)
        return fraction == 0 ? "\(whole)" : ExpositionWriter.number(Double(whole) + fraction)
    }
}
