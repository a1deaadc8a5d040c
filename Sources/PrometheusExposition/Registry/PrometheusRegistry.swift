//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CoreMetrics
import Synchronization

/// Keeps every metric of a process and writes them in the Prometheus text format: a swift-metrics backend.
///
/// Making an instrument takes a lock; using one never does. The same name and labels give the same instrument.
/// Series beyond the bound, and series that contradict the type their name already has, are counted in
/// `weir_metrics_series_dropped_total` (once per attempt to make one) and go nowhere: one caller who puts an identifier
/// into a label cannot grow the process.
///
/// Isolation: any thread.
public final class PrometheusRegistry: Sendable {
    /// The media type of ``renderBytes()``, for the `Content-Type` header of `/metrics`.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    /// The counter of series this registry refused.
    static let droppedName = "weir_metrics_series_dropped_total"

    /// Everything the lock guards.
    struct State: Sendable {
        /// Families by their full name.
        var families: [String: MetricFamily] = [:]
        /// Help texts by name, with or without the suffix a kind adds.
        var help: [String: String] = [:]
    }

    /// Buckets and bounds.
    public let configuration: Configuration
    /// Counts refused series; also a series of its own.
    private let dropped: CounterInstrument
    /// Families and help texts. No callback runs under this lock.
    let state: Mutex<State>

    /// Makes a registry whose only series is the count of dropped ones.
    ///
    /// - Parameter configuration: Buckets and bounds.
    public init(configuration: Configuration = Configuration()) {
        let origin = SeriesOrigin(family: Self.droppedName, labels: LabelSet([]))
        let dropped = CounterInstrument(origin: origin)
        let family = MetricFamily(
            kind: .counter, base: Self.droppedName, series: [origin.labels: .counter(dropped)])
        self.configuration = configuration
        self.dropped = dropped
        self.state = Mutex(
            State(
                families: [Self.droppedName: family],
                help: [Self.droppedName: "Series refused because their name had too many, or another type."]))
    }

    /// Sets the help text of a name, before or after its first series.
    ///
    /// - Parameters:
    ///   - text: One sentence; escaped when written.
    ///   - name: The name as given to swift-metrics, or the full name with its suffix; sanitised alike.
    public func registerHelp(_ text: String, for name: String) {
        self.state.withLock { $0.help[MetricName.sanitized(metric: name)] = text }
    }

    /// Registers a gauge whose value is read at each scrape.
    ///
    /// Registering the same name and labels again replaces the callback.
    ///
    /// - Parameters:
    ///   - name: Any name; sanitised.
    ///   - help: The family's help text.
    ///   - labels: The series' labels.
    ///   - read: The value now, or nil to leave the series out. Called by ``renderBytes()`` on its caller's
    ///     thread, outside the registry's lock; it must not block for long.
    public func registerGauge(
        name: String, help: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Double?
    ) {
        self.register(
            base: MetricName.sanitized(metric: name), suffix: "", kind: .gauge, help, labels, .callback(read))
    }

    /// Registers a counter whose monotonic total is kept elsewhere and read at each scrape.
    ///
    /// - Parameters:
    ///   - name: Any name; sanitised, and `_total` is appended if missing.
    ///   - help: The family's help text.
    ///   - labels: The series' labels.
    ///   - read: The total now, or nil to leave the series out; see ``registerGauge(name:help:labels:read:)``.
    public func registerCounter(
        name: String, help: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Double?
    ) {
        self.register(
            base: MetricName.sanitized(metric: name), suffix: "_total", kind: .counter, help, labels, .callback(read))
    }

    /// Registers a histogram of seconds that is kept elsewhere and read at each scrape.
    ///
    /// - Parameters:
    ///   - name: Any name; sanitised, and `_seconds` is appended if missing.
    ///   - help: The family's help text.
    ///   - labels: The series' labels.
    ///   - read: The distribution now, with the same bounds each time; see ``registerGauge(name:help:labels:read:)``.
    public func registerHistogram(
        name: String, help: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Distribution
    ) {
        self.register(
            base: MetricName.sanitized(metric: name), suffix: "_seconds", kind: .histogram, help, labels,
            .histogramCallback(read))
    }

    /// How many series were refused so far, in the exposition format's form.
    var droppedText: String { self.dropped.text }

    /// Finds the series of a name and labels, or makes it.
    ///
    /// - Parameters:
    ///   - base: The sanitised name.
    ///   - suffix: What the kind appends to it.
    ///   - kind: The family's type.
    ///   - labels: The series' labels.
    ///   - make: Makes the series; called under the lock, so it must do nothing else.
    /// - Returns: The series, or nil when it was refused and counted.
    func findOrMake(
        base: String, suffix: String, kind: MetricKind, labels: LabelSet, make: (SeriesOrigin) -> MetricSeries
    ) -> MetricSeries? {
        let name = MetricName.withSuffix(base, suffix)
        let series = self.state.withLock { state -> MetricSeries? in
            var family = state.families[name] ?? MetricFamily(kind: kind, base: base)
            guard family.kind == kind else { return nil }
            if let existing = family.series[labels] { return existing }
            let isNew = state.families[name] == nil
            guard
                family.series.count < self.configuration.seriesPerNameMax,
                !isNew || state.hasRoom(forName: name, kind: kind, namesMax: self.configuration.namesMax)
            else { return nil }
            let made = make(SeriesOrigin(family: name, labels: labels))
            // Taken out first, so that the family's dictionary is not copied by the write.
            state.families[name] = nil
            family.series[labels] = made
            state.families[name] = family
            return made
        }
        if series == nil { self.countDropped() }
        return series
    }

    /// Counts one refused series.
    func countDropped() {
        self.dropped.increment(by: 1 as Int64)
    }

    /// Registers a callback series and its help text.
    private func register(
        base: String, suffix: String, kind: MetricKind, _ help: String, _ labels: [(String, String)],
        _ callback: MetricSeries
    ) {
        let labels = LabelSet(labels)
        let series = self.findOrMake(base: base, suffix: suffix, kind: kind, labels: labels) { _ in callback }
        switch series {
        case .callback, .histogramCallback: break
        case .counter, .gauge, .histogram: return self.countDropped()
        case nil: return
        }
        self.state.withLock { state in
            let name = MetricName.withSuffix(base, suffix)
            state.families[name]?.series[labels] = callback
            state.help[name] = help
        }
    }
}

extension PrometheusRegistry.State {
    /// Whether a new family may be added: there is room, and no sample name would belong to two families.
    ///
    /// - Parameters:
    ///   - name: The new family's full name.
    ///   - kind: Its type.
    ///   - namesMax: Most families.
    func hasRoom(forName name: String, kind: MetricKind, namesMax: Int) -> Bool {
        guard self.families.count < namesMax else { return false }
        for suffix in MetricFamily.histogramSuffixes {
            if kind == .histogram, self.families[name + suffix] != nil { return false }
            if name.hasSuffix(suffix), self.families[String(name.dropLast(suffix.count))]?.kind == .histogram {
                return false
            }
        }
        return true
    }
}
