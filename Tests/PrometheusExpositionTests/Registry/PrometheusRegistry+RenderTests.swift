//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CoreMetrics
import PrometheusExposition
import TestSupport
import Testing

@Suite struct PrometheusRegistryRenderTests {
    @Test("The text is exactly the format: HELP, TYPE, sorted families and series, le buckets, sum and count")
    func rendersExactly() throws {
        let registry = PrometheusRegistry(
            configuration: .init(buckets: ["http.request.duration": [0.1, 0.5, 1]], recorderBuckets: [1, 10]))
        registry.registerHelp("Requests answered.", for: "http.requests")
        registry.registerHelp("Time to answer.", for: "http_request_duration_seconds")
        Counter(label: "http.requests", dimensions: [("status", "200"), ("method", "GET")], factory: registry)
            .increment(by: 7)
        Counter(label: "http.requests", dimensions: [("status", "500"), ("method", "GET")], factory: registry)
            .increment()
        FloatingPointCounter(label: "energy_total", factory: registry).increment(by: 1.5)
        Meter(label: "db.client.connection.count", dimensions: [("state", "idle")], factory: registry).set(3)
        Gauge(label: "temperature", factory: registry).record(-0.25)
        let timer = Timer(label: "http.request.duration", factory: registry)
        for milliseconds in [50, 100, 400, 2_000] { timer.recordMilliseconds(milliseconds) }
        Recorder(label: "batch.size", dimensions: [("le", "mine")], factory: registry).record(5)
        registry.registerGauge(name: "queue.depth", help: "Deliveries\nwaiting.", labels: [("q", "a")], read: { 12 })
        registry.registerGauge(name: "absent", help: "Never there.", read: { nil })
        registry.registerCounter(name: "deliveries", help: "All of them.", read: { 1e15 })

        let expected = #"""
            # TYPE batch_size histogram
            batch_size_bucket{exported_le="mine",le="1"} 0
            batch_size_bucket{exported_le="mine",le="10"} 1
            batch_size_bucket{exported_le="mine",le="+Inf"} 1
            batch_size_sum{exported_le="mine"} 5
            batch_size_count{exported_le="mine"} 1
            # TYPE db_client_connection_count gauge
            db_client_connection_count{state="idle"} 3
            # HELP deliveries_total All of them.
            # TYPE deliveries_total counter
            deliveries_total 1000000000000000
            # TYPE energy_total counter
            energy_total 1.5
            # HELP http_request_duration_seconds Time to answer.
            # TYPE http_request_duration_seconds histogram
            http_request_duration_seconds_bucket{le="0.1"} 2
            http_request_duration_seconds_bucket{le="0.5"} 3
            http_request_duration_seconds_bucket{le="1"} 3
            http_request_duration_seconds_bucket{le="+Inf"} 4
            http_request_duration_seconds_sum 2.55
            http_request_duration_seconds_count 4
            # HELP http_requests_total Requests answered.
            # TYPE http_requests_total counter
            http_requests_total{method="GET",status="200"} 7
            http_requests_total{method="GET",status="500"} 1
            # HELP queue_depth Deliveries\nwaiting.
            # TYPE queue_depth gauge
            queue_depth{q="a"} 12
            # TYPE temperature gauge
            temperature -0.25
            # HELP weir_metrics_series_dropped_total Series refused because their name had too many, or another type.
            # TYPE weir_metrics_series_dropped_total counter
            weir_metrics_series_dropped_total 0

            """#
        #expect(registry.render() == expected)
        #expect(registry.renderBytes() == Array(expected.utf8))
        _ = try ExpositionParser.parse(expected)
    }

    @Test("Whatever text is put into names and labels, the output can be read back and the values survive")
    func survivesAnyText() throws {
        let registry = PrometheusRegistry()
        var random = SeededGenerator(seed: 7)
        let alphabet = Array("ab:._-\"\\\n\r{},= é😀0#".unicodeScalars)
        var values: Set<String> = []
        for _ in 0..<300 {
            func text() -> String {
                var view = String.UnicodeScalarView()
                for _ in 0..<Int.random(in: 0...6, using: &random) {
                    view.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
                }
                return String(view)
            }
            let value = text()
            values.insert(value)
            let dimensions = [(text(), text()), ("value", value), (text(), text())]
            registry.registerHelp(text(), for: "family")
            Counter(label: "family", dimensions: dimensions, factory: registry).increment()
            Timer(label: text(), dimensions: dimensions, factory: registry).recordNanoseconds(1_000)
            Gauge(label: "g" + text(), dimensions: dimensions, factory: registry).record(Double.infinity)
        }
        let families = try ExpositionParser.parse(registry.render())
        let family = try #require(families.first { $0.name == "family_total" })
        #expect(family.samples.reduce(0) { $0 + $1.value } == 300)
        #expect(Set(family.samples.compactMap { $0.label("value") }) == values)
    }

    @Test("A callback may use the registry: it is not called under the lock")
    func callbackMayUseTheRegistry() throws {
        let registry = PrometheusRegistry()
        registry.registerGauge(
            name: "reentrant", help: "Makes a counter while it is read.",
            read: { [weak registry] in
                guard let registry else { return nil }
                Counter(label: "made.inside", factory: registry).increment()
                return 1
            })
        _ = registry.render()
        #expect(registry.render().contains("made_inside_total 1\n"))
    }
}
