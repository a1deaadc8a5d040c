//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct DemandCurveTests {
    private static let epoch = JobFixture.epochSeconds

    @Test("Points are what a count second by second gives", arguments: 0..<6)
    func points(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let timelines = RandomDemand(count: 100, within: 7_200, using: &random).timelines
        let seconds = RandomDemand.seconds(timelines)
        let minutes = RandomDemand.fold(seconds, to: 60)
        // Steps of minutes may be made of seconds or of minutes; both give the same.
        let table: [(step: Int64, parts: [DemandPart])] = [
            (1, seconds), (15, seconds), (60, seconds), (60, minutes), (300, minutes), (3_600, minutes),
            (3_600, seconds),
        ]
        for (step, parts) in table {
            let from = Self.epoch + 3_600
            let to = from + 3_600 - (step == 15 ? 7 : 0)
            let sweep = DemandSweep(timelines, from: Self.epoch, to: to + step)
            let curve = DemandCurve(
                from: from, to: to, stepSeconds: step, opening: sweep.levels(at: from - 1),
                parts: parts.filter { $0.start >= from && $0.start < to + step })
            let starts = Array(stride(from: from, to: to, by: Int(step)))
            try #require(curve.points.map(\.at.second) == starts, "seed \(seed), step \(step)")
            for point in curve.points {
                let range = point.at.second..<(point.at.second + step)
                let last = sweep.levels(at: range.upperBound - 1)
                let here: Comment = "seed \(seed), step \(step), at \(point.at)"
                try #require((point.blocked, point.queued, point.running) == last, here)
                try #require(point.queuedMax == sweep.queuedMax(range), here)
                try #require(point.runningMax == sweep.runningMax(range), here)
                try #require(point.peak == sweep.peak(range), here)
            }
            let end = starts.last.map { $0 + step } ?? to
            #expect(curve.peak == sweep.peak(from..<end), "seed \(seed), step \(step)")
        }
    }

    @Test("A curve without changes stays at its opening levels")
    func flat() {
        let curve = DemandCurve(
            from: 0, to: 300, stepSeconds: 60, opening: (blocked: 1, queued: 2, running: 3), parts: [])
        #expect(curve.points.count == 5)
        for point in curve.points {
            #expect(point.blocked == 1 && point.queued == 2 && point.running == 3)
            #expect(point.queuedMax == 2 && point.runningMax == 3 && point.peak == 5)
        }
        #expect(curve.peak == 5)
    }

    @Test("A curve of no length has no points and no peak")
    func empty() {
        let curve = DemandCurve(
            from: 60, to: 60, stepSeconds: 60, opening: (blocked: 0, queued: 9, running: 0), parts: [])
        #expect(curve.points.isEmpty)
        #expect(curve.peak == 0)
    }

    @Test("A step without length is a mistake of the caller's", .timeLimit(.minutes(5)))
    func noStep() async {
        await #expect(processExitsWith: .failure) {
            _ = DemandCurve(from: 0, to: 1, stepSeconds: 0, opening: (0, 0, 0), parts: [])
        }
    }
}
