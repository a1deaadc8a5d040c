//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing
import WeirModel

@Suite struct DurationParsingTests {
    @Test(
        "Numbers with a unit are read, and without one as seconds",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("2s", .seconds(2)), ("2", .seconds(2)), ("5m", .seconds(300)),
            ("12h", .seconds(43_200)), ("30d", .seconds(2_592_000)), ("0", .zero), ("0ms", .zero),
            ("007s", .seconds(7)),
            ("36525d", .seconds(3_155_760_000)), ("3155760000000ms", .seconds(3_155_760_000)),
        ])
    func read(text: String, duration: Duration) {
        #expect(Duration(parsing: text) == duration)
        #expect(Duration(parsing: text[...]) == duration)
    }

    @Test(
        "Anything else is refused, and what does not fit into a century",
        arguments: [
            "", "s", "ms", "-1s", "+1s", "1.5s", "1,5s", "1 s", " 1s", "1s ", "1S", "1MS", "1sec", "1w", "1y", "1us",
            "1e3",
            "0x10", "1s1s", "１s", "1\u{301}s", "36526d", "3155760000001ms", "3155760001", "9223372036854775807",
            "9223372036854775808", "99999999999999999999999999d", "3155760000000d",
        ])
    func refused(text: String) {
        #expect(Duration(parsing: text) == nil)
    }
}
