//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CoreMetrics
import Synchronization
import Testing

@testable import PrometheusExposition

@Suite struct PrometheusRegistryTests {
    @Test("Eight tasks that add ten thousand times each lose nothing", .timeLimit(.minutes(1)))
    func countsExactlyUnderConcurrency() async throws {
        let registry = PrometheusRegistry(configuration: .init(recorderBuckets: [0, 1, 2, 3]))
        let tasks = 8
        let increments = 10_000
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    let counter = Counter(label: "c", factory: registry)
                    let floating = FloatingPointCounter(label: "f", factory: registry)
                    let recorder = Recorder(label: "r", factory: registry)
                    let meter = Meter(label: "m", factory: registry)
                    for index in 0..<increments {
                        counter.increment()
                        floating.increment(by: 0.5)
                        recorder.record(index % 4)
                        meter.increment(by: task.isMultiple(of: 2) ? 1.0 : 2.0)
                        if index.isMultiple(of: 5_000) { _ = registry.render() }
                    }
                }
            }
        }
        let families = try ExpositionParser.parse(registry.render())
        func value(_ name: String, le: String? = nil) -> Double? {
            families.flatMap(\.samples).first { $0.name == name && $0.label("le") == le }?.value
        }
        #expect(value("c_total") == 80_000)
        #expect(value("f_total") == 40_000)
        #expect(value("m") == 120_000)
        #expect(value("r_bucket", le: "0") == 20_000)
        #expect(value("r_bucket", le: "2") == 60_000)
        #expect(value("r_count") == 80_000)
        #expect(value("r_sum") == 120_000)
    }

    @Test("a distribution kept elsewhere is written as a histogram of seconds, and read at each scrape")
    func histogramCallback() throws {
        let registry = PrometheusRegistry()
        let reads = Atomic<UInt64>(0)
        registry.registerHistogram(name: "pool.wait_time", help: "Waiting.", labels: [("pool", "reader")]) {
            let count = reads.wrappingAdd(1, ordering: .relaxed).newValue
            return Distribution(bounds: [0.5, 2], counts: [count, 0, 3], sum: 12.5)
        }
        _ = registry.render()
        let text = registry.render()
        let families = try ExpositionParser.parse(text)
        let samples = families.flatMap(\.samples).filter { $0.name.hasPrefix("pool_wait_time_seconds") }
        #expect(samples.filter { $0.name.hasSuffix("_bucket") }.map(\.value) == [2, 2, 5])
        #expect(samples.first { $0.name.hasSuffix("_sum") }?.value == 12.5)
        #expect(samples.first { $0.name.hasSuffix("_count") }?.value == 5)
        #expect(text.contains("# HELP pool_wait_time_seconds Waiting."))
    }

    @Test("A scrape in the middle of recording is always consistent in itself", .timeLimit(.minutes(1)))
    func scrapesAreConsistent() async throws {
        let registry = PrometheusRegistry()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for index in 0..<2_000 {
                        Timer(label: "t", dimensions: [("task", "\(task)")], factory: registry)
                            .recordNanoseconds(Int64(index) * 1_000_000)
                    }
                }
            }
            group.addTask {
                for _ in 0..<50 { _ = try ExpositionParser.parse(registry.render()) }
            }
            try await group.waitForAll()
        }
    }

    @Test("Series beyond the bound of a name go nowhere and are counted; other names are not touched")
    func seriesAreBounded() throws {
        let registry = PrometheusRegistry(configuration: .init(seriesPerNameMax: 10))
        for index in 0..<25 {
            Counter(label: "runs", dimensions: [("id", "\(index)")], factory: registry).increment()
            Timer(label: "wait", dimensions: [("id", "\(index)")], factory: registry).recordNanoseconds(1)
            registry.registerGauge(name: "g", help: "g", labels: [("id", "\(index)")], read: { 1 })
        }
        Counter(label: "other", factory: registry).increment()
        let families = try ExpositionParser.parse(registry.render())
        let samples = Dictionary(uniqueKeysWithValues: families.map { ($0.name, $0.samples) })
        #expect(samples["runs_total"]?.count == 10)
        #expect(samples["g"]?.count == 10)
        #expect(samples["wait_seconds"]?.filter { $0.name == "wait_seconds_count" }.count == 10)
        #expect(samples["other_total"]?.first?.value == 1)
        #expect(samples["weir_metrics_series_dropped_total"]?.first?.value == 45)
        // A series that exists is found again, bound reached or not.
        Counter(label: "runs", dimensions: [("id", "3")], factory: registry).increment()
        #expect(registry.render().contains("runs_total{id=\"3\"} 2\n"))
    }

    @Test("By default a name has at most a thousand series")
    func defaultBoundIsOneThousand() {
        let registry = PrometheusRegistry()
        for index in 0..<1_001 { registry.makeCounter(label: "c", dimensions: [("i", "\(index)")]).increment(by: 1) }
        #expect(registry.droppedText == "1")
    }

    @Test("Names beyond the bound of the registry go nowhere and are counted")
    func namesAreBounded() throws {
        let registry = PrometheusRegistry(configuration: .init(namesMax: 3))
        for index in 0..<5 { Counter(label: "c\(index)", factory: registry).increment() }
        #expect(try ExpositionParser.parse(registry.render()).map(\.name).count == 3)
        #expect(registry.droppedText == "3")
    }

    @Test("A name keeps its first type; what contradicts it is dropped and counted")
    func typeIsFixedByTheFirst() throws {
        let registry = PrometheusRegistry()
        Meter(label: "x", factory: registry).set(1)
        Recorder(label: "x", factory: registry).record(1)
        Recorder(label: "h", factory: registry).record(1)
        Gauge(label: "h_count", factory: registry).record(9)
        Meter(label: "k_sum", factory: registry).set(1)
        Recorder(label: "k", factory: registry).record(1)
        registry.registerGauge(name: "x", help: "Taken by an instrument.", read: { 5 })
        #expect(
            try ExpositionParser.parse(registry.render()).map(\.name).filter { !$0.hasPrefix("weir") } == [
                "h", "k_sum", "x",
            ])
        #expect(registry.droppedText == "4")
        #expect(registry.render().contains("\nx 1\n"))
    }

    @Test("The same name and labels, in any order, are the same series; a callback is replaced")
    func sameSeriesIsFoundAgain() {
        let registry = PrometheusRegistry()
        Counter(label: "a.b", dimensions: [("x", "1"), ("y", "2")], factory: registry).increment()
        Counter(label: "a_b_total", dimensions: [("y", "2"), ("x", "1")], factory: registry).increment(by: 4)
        FloatingPointCounter(label: "a-b", dimensions: [("y", "2"), ("x", "1")], factory: registry).increment(by: 0.5)
        registry.registerGauge(name: "g", help: "First.", read: { 1 })
        registry.registerGauge(name: "g", help: "Second.", read: { 2 })
        #expect(registry.render().contains("a_b_total{x=\"1\",y=\"2\"} 5.5\n"))
        #expect(registry.render().contains("# HELP g Second.\n# TYPE g gauge\ng 2\n"))
        #expect(registry.droppedText == "0")
    }

    @Test("A destroyed instrument's series is gone, and its name is free for another type")
    func destroyForgetsTheSeries() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "c", factory: registry)
        let floating = FloatingPointCounter(label: "f", factory: registry)
        let meter = Meter(label: "m", factory: registry)
        let gauge = Gauge(label: "g", factory: registry)
        let recorder = Recorder(label: "r", factory: registry)
        let timer = Timer(label: "t", factory: registry)
        counter.increment()
        let empty = PrometheusRegistry().render()
        #expect(registry.render() != empty)
        counter.destroy()
        floating.destroy()
        meter.destroy()
        gauge.destroy()
        recorder.destroy()
        timer.destroy()
        #expect(registry.render() == empty)
        Meter(label: "r", factory: registry).set(1)
        #expect(registry.droppedText == "0")
    }

    @Test("Buckets that do not ascend are refused at once")
    func bucketsMustAscend() async {
        await #expect(processExitsWith: .failure) { _ = PrometheusRegistry.Configuration(timerBuckets: [1, 1]) }
        await #expect(processExitsWith: .failure) {
            _ = PrometheusRegistry.Configuration(buckets: ["x": [1, .infinity]])
        }
        await #expect(processExitsWith: .failure) { _ = PrometheusRegistry.Configuration(seriesPerNameMax: 0) }
    }
}
