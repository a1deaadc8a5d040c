//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import TestSupport
import Testing

@testable import SQLiteDriver

@Suite("SlicePace")
struct SlicePaceTests {
    @Test(
        "the pause leaves the writer to others for the rest of the time",
        arguments: [
            (0.25, Duration.milliseconds(4), Duration.milliseconds(12)), (0.5, .milliseconds(10), .milliseconds(10)),
            (1, .milliseconds(10), .zero), (0.01, .milliseconds(1), .milliseconds(99)),
            // A stalled disk does not put the rest off for long.
            (0.25, .seconds(30), .seconds(1)), (0.25, .zero, .zero), (0.25, .milliseconds(-3), .zero),
        ])
    func pause(_ share: Double, _ held: Duration, _ pause: Duration) {
        let difference = SlicePace(share: share).pause(after: held) - pause
        #expect(difference < .microseconds(1) && difference > .microseconds(-1))
    }

    @Test("a slice is over when its time is, not before")
    func isOver() {
        let start = MonotonicInstant.now
        let pace = SlicePace(slice: .milliseconds(4))
        #expect(!pace.isOver(since: start, now: start))
        #expect(!pace.isOver(since: start, now: start.advanced(by: .microseconds(3_999))))
        #expect(pace.isOver(since: start, now: start.advanced(by: .milliseconds(4))))
    }

    @Test("over any run of slices maintenance has its share of the time and no more")
    func share() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<100 {
            let pace = SlicePace(share: Double.random(in: 0.05...1, using: &generator))
            var held = Duration.zero
            var all = Duration.zero
            for _ in 0..<50 {
                let slice = Duration.microseconds(Int64.random(in: 0...20_000, using: &generator))
                held += slice
                all += slice + pace.pause(after: slice)
            }
            #expect(held.inSeconds <= all.inSeconds * pace.share * 1.000_001)
        }
    }
}
