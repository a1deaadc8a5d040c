//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import PrometheusExposition

@Suite struct FormatTests {
    @Test(
        "Metric names become legal",
        arguments: [
            ("db.client.connection.count", "db_client_connection_count"), ("a:b", "a:b"), ("9lives", "_9lives"),
            ("", "_"), ("é-x y", "__x_y"), ("ok_1", "ok_1"), ("\u{1F600}", "_"),
        ])
    func metricNames(text: String, name: String) {
        #expect(MetricName.sanitized(metric: text) == name)
    }

    @Test(
        "Label names become legal and never start with two underscores",
        arguments: [("http.method", "http_method"), ("a:b", "a_b"), ("__name__", "_name__"), ("", "_"), ("1", "_1")])
    func labelNames(text: String, name: String) {
        #expect(MetricName.sanitized(label: text) == name)
    }

    @Test("A suffix is appended once")
    func suffix() {
        #expect(MetricName.withSuffix("a", "_total") == "a_total")
        #expect(MetricName.withSuffix("a_total", "_total") == "a_total")
    }

    @Test("Labels are sorted, escaped, and joined when two names become one")
    func labels() {
        #expect(LabelSet([]).text == "")
        #expect(LabelSet([("b", "2"), ("a", "1")]) == LabelSet([("a", "1"), ("b", "2")]))
        #expect(LabelSet([("a", "\\ \" \n \r\n é")]).text == "a=\"\\\\ \\\" \\n \r\\n é\"")
        #expect(LabelSet([("a.b", "1"), ("a-b", "2")]).text == "a_b=\"1;2\"")
        #expect(LabelSet([("le", "1")], reserved: "le").text == "exported_le=\"1\"")
    }

    @Test(
        "Numbers are written as Go reads them",
        arguments: [
            (0.0, "0"), (-0.0, "0"), (1, "1"), (-17, "-17"), (0.1, "0.1"), (1e-5, "1e-05"), (1e300, "1e+300"),
            (9_007_199_254_740_991, "9007199254740991"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ])
    func numbers(value: Double, text: String) {
        #expect(ExpositionWriter.number(value) == text)
    }
}
