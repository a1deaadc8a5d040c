//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

/// The control: the parser the other tests rely on does refuse what is malformed.
@Suite struct ExpositionParserTests {
    @Test("A correct text is read: help, escapes, infinities, histograms")
    func acceptsCorrectText() throws {
        let text = #"""
            # HELP a_total Back\\slash and\nline
            # TYPE a_total counter
            a_total{x="q\"\\\n",y=""} 3
            # TYPE b gauge
            b NaN
            b{z="1"} -Inf
            # TYPE h histogram
            h_bucket{le="0.1"} 1
            h_bucket{le="+Inf"} 2
            h_sum 1e-05
            h_count 2

            """#
        let families = try ExpositionParser.parse(text)
        #expect(families.map(\.name) == ["a_total", "b", "h"])
        #expect(families[0].help == "Back\\slash and\nline")
        #expect(families[0].samples[0].labels == [["x", "q\"\\\n"], ["y", ""]])
        #expect(families[1].samples[1].value == -.infinity)
    }

    @Test(
        "A malformed text is refused for the right reason",
        arguments: [
            ("# TYPE a gauge\na 1", "no final line feed"),
            ("a 1\n", "sample without TYPE"),
            ("# TYPE a gauge\n\na 1\n", "name"),
            ("# TYPE a gauge\na.b 1\n", "name"),
            ("# TYPE a gauge\n1a 1\n", "name"),
            ("# TYPE 1a gauge\n1a 1\n", "TYPE"),
            ("# TYPE a thing\na 1\n", "unknown type"),
            ("# TYPE a gauge\na\n", "value"),
            ("# TYPE a gauge\na one\n", "value"),
            ("# TYPE a gauge\na inf\n", "value"),
            ("# TYPE a gauge\na nan\n", "value"),
            ("# TYPE a gauge\na{x=\"1\"}2\n", "value"),
            ("# TYPE a gauge\na{x=1} 2\n", "label quote"),
            ("# TYPE a gauge\na{x.y=\"1\"} 2\n", "label name"),
            ("# TYPE a gauge\na{x=\"1} 2\n", "label not closed"),
            ("# TYPE a gauge\na{x=\"a\\t\"} 2\n", "escape"),
            ("# TYPE a gauge\na{x=\"1\"y=\"2\"} 2\n", "comma"),
            ("# TYPE a gauge\na{x=\"1\",x=\"2\"} 2\n", "label twice"),
            ("# TYPE a gauge\na 1\na 1\n", "series twice"),
            ("# TYPE a gauge\nb 1\n", "sample of another family"),
            ("# TYPE b gauge\nb 1\n# TYPE a gauge\na 1\n", "families not sorted or repeated"),
            ("# TYPE a gauge\na 1\n# TYPE a gauge\na{x=\"1\"} 1\n", "families not sorted or repeated"),
            ("# HELP b x\n# TYPE a gauge\na 1\n", "HELP of another"),
            ("# HELP a x\n", "HELP without TYPE"),
            ("# TYPE a gauge\n", "family without samples"),
            ("# TYPE a counter\na -1\n", "negative counter"),
            ("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n", "le"),
            (
                "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
                "buckets not cumulative"
            ),
            ("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n", "count or sum"),
            ("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n", "count or sum"),
        ])
    func refusesMalformedText(text: String, reason: String) {
        let error = #expect(throws: ExpositionParser.Malformed.self) { try ExpositionParser.parse(text) }
        #expect(error?.reason == reason)
    }
}
