//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CoreMetrics
import Synchronization

/// A value that goes up and down: one atomic. Serves meters and recorders that keep the last value (gauges).
///
/// Isolation: any thread; no lock.
final class GaugeInstrument: MeterHandler, RecorderHandler {
    /// The series this instrument feeds.
    let origin: SeriesOrigin
    /// The last value.
    private let value = Atomic<Double>(0)

    /// Makes a gauge at zero.
    ///
    /// - Parameter origin: The series it feeds.
    init(origin: SeriesOrigin) {
        self.origin = origin
    }

    /// Replaces the value; beyond 2^53 the nearest Double.
    func set(_ value: Int64) {
        self.value.store(Double(value), ordering: .relaxed)
    }

    /// Replaces the value; NaN and infinities are legal in a gauge and are written as such.
    func set(_ value: Double) {
        self.value.store(value, ordering: .relaxed)
    }

    /// Adds to the value.
    func increment(by amount: Double) {
        self.value.add(amount)
    }

    /// Subtracts from the value.
    func decrement(by amount: Double) {
        self.value.add(-amount)
    }

    /// Replaces the value.
    func record(_ value: Int64) {
        self.set(value)
    }

    /// Replaces the value.
    func record(_ value: Double) {
        self.set(value)
    }

    /// The value in the exposition format's form.
    var text: String {
        ExpositionWriter.number(self.value.load(ordering: .relaxed))
    }
}
