//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import CoreMetrics
import Synchronization

/// The swift-metrics side: `MetricsSystem.bootstrap(registry)`, or pass the registry as an instrument's factory.
extension PrometheusRegistry: MetricsFactory {
    /// The counter of a label; `_total` is appended to its name if missing.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// The floating-point counter of a label; it shares its value with an integer counter of the same label.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        self.counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// The gauge of a label.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.gauge(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// The histogram of a label, or its gauge when `aggregate` is false.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return self.gauge(label, dimensions) ?? NOOPMetricsHandler.instance }
        let defaults = self.configuration.recorderBuckets
        return self.histogram(label, dimensions, suffix: "", defaults: defaults) ?? NOOPMetricsHandler.instance
    }

    /// The histogram of a label in seconds; `_seconds` is appended to its name if missing.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let defaults = self.configuration.timerBuckets
        return self.histogram(label, dimensions, suffix: "_seconds", defaults: defaults) ?? NOOPMetricsHandler.instance
    }

    /// Forgets the counter's series; other handles of it count on, unseen.
    public func destroyCounter(_ handler: any CounterHandler) {
        self.forget((handler as? CounterInstrument)?.origin)
    }

    /// Forgets the counter's series; other handles of it count on, unseen.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        self.forget((handler as? CounterInstrument)?.origin)
    }

    /// Forgets the gauge's series.
    public func destroyMeter(_ handler: any MeterHandler) {
        self.forget((handler as? GaugeInstrument)?.origin)
    }

    /// Forgets the recorder's series, whether a histogram or a gauge.
    public func destroyRecorder(_ handler: any RecorderHandler) {
        self.forget((handler as? GaugeInstrument)?.origin ?? (handler as? HistogramInstrument)?.origin)
    }

    /// Forgets the timer's series.
    public func destroyTimer(_ handler: any TimerHandler) {
        self.forget((handler as? HistogramInstrument)?.origin)
    }

    /// Finds or makes a counter; nil when it was refused and counted.
    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterInstrument? {
        let base = MetricName.sanitized(metric: label)
        let series = self.findOrMake(
            base: base, suffix: "_total", kind: .counter, labels: LabelSet(dimensions)
        ) { .counter(CounterInstrument(origin: $0)) }
        if case .counter(let instrument)? = series { return instrument }
        if series != nil { self.countDropped() }
        return nil
    }

    /// Finds or makes a gauge; nil when it was refused and counted.
    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeInstrument? {
        let base = MetricName.sanitized(metric: label)
        let series = self.findOrMake(base: base, suffix: "", kind: .gauge, labels: LabelSet(dimensions)) {
            .gauge(GaugeInstrument(origin: $0))
        }
        if case .gauge(let instrument)? = series { return instrument }
        if series != nil { self.countDropped() }
        return nil
    }

    /// Finds or makes a histogram; nil when it was refused and counted.
    private func histogram(
        _ label: String, _ dimensions: [(String, String)], suffix: String, defaults: [Double]
    ) -> HistogramInstrument? {
        let base = MetricName.sanitized(metric: label)
        let name = MetricName.withSuffix(base, suffix)
        let bounds = self.configuration.buckets(for: base) ?? self.configuration.buckets(for: name) ?? defaults
        let labels = LabelSet(dimensions, reserved: "le")
        let series = self.findOrMake(base: base, suffix: suffix, kind: .histogram, labels: labels) {
            .histogram(HistogramInstrument(origin: $0, bounds: bounds))
        }
        if case .histogram(let instrument)? = series { return instrument }
        if series != nil { self.countDropped() }
        return nil
    }

    /// Takes a series out, and its family with the last one; the count of dropped series stays.
    private func forget(_ origin: SeriesOrigin?) {
        guard let origin, origin.family != Self.droppedName else { return }
        self.state.withLock { state in
            state.families[origin.family]?.series[origin.labels] = nil
            if state.families[origin.family]?.series.isEmpty == true { state.families[origin.family] = nil }
        }
    }
}
