//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The types of family this registry writes; raw values are the words of the `TYPE` line.
enum MetricKind: String, Sendable {
    /// Only grows.
    case counter
    /// Goes up and down.
    case gauge
    /// A distribution over buckets.
    case histogram
}

/// Where one series' value comes from.
enum MetricSeries: Sendable {
    /// An instrument that counts.
    case counter(CounterInstrument)
    /// An instrument that keeps its last value.
    case gauge(GaugeInstrument)
    /// An instrument that keeps a distribution.
    case histogram(HistogramInstrument)
    /// A value kept elsewhere, read at each scrape; nil leaves the series out of that scrape.
    case callback(@Sendable () -> Double?)
    /// A distribution kept elsewhere, read at each scrape.
    case histogramCallback(@Sendable () -> Distribution)
}

/// All series of one name.
struct MetricFamily: Sendable {
    /// The type, fixed by whoever came first.
    let kind: MetricKind
    /// The sanitised name without the suffix its kind added, under which a help text may have been registered.
    let base: String
    /// The series by their labels; bounded by ``PrometheusRegistry/Configuration/seriesPerNameMax``.
    var series: [LabelSet: MetricSeries] = [:]

    /// The sample suffixes of a histogram: no other family may have a name that ends up as one of its samples.
    static let histogramSuffixes = ["_bucket", "_sum", "_count"]
}
