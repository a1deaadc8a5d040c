//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct DemandDeltaTests {
    private static func nonZero(_ deltas: DemandDeltas<Int>) -> [DemandDeltas<Int>.Key: DemandDelta] {
        deltas.deltas.filter { !$0.value.isZero }
    }

    /// Deltas by second after the epoch.
    private static func bySecond(_ timeline: JobTimeline) -> [Int64: DemandDelta] {
        var deltas = DemandDeltas<Int>()
        deltas.add(timeline, pool: 1)
        return Dictionary(
            uniqueKeysWithValues: Self.nonZero(deltas).map { ($0.key.second - JobFixture.epochSeconds, $0.value) })
    }

    @Test("A job is blocked, queued and running in turn, and leaves nothing behind")
    func stages() {
        let timeline = JobFixture.timeline(
            .completed, .success, created: 0, started: 90.25, completed: 120.75, runner: 1,
            receipts: JobFixture.receipts(blocked: 0...0, queued: 60...60))
        var expected = [Int64: DemandDelta]()
        expected[0, default: DemandDelta()].blocked = 1
        expected[60, default: DemandDelta()].blocked = -1
        expected[60, default: DemandDelta()].queued = 1
        expected[90, default: DemandDelta()].queued = -1
        expected[90, default: DemandDelta()].running = 1
        expected[90, default: DemandDelta()].started = 1
        expected[90, default: DemandDelta()].queueMilliseconds = 30_250
        expected[120, default: DemandDelta()].running = -1
        expected[120, default: DemandDelta()].completed = 1
        expected[120, default: DemandDelta()].runMilliseconds = 30_500
        #expect(Self.bySecond(timeline) == expected)
    }

    @Test("A stage that began and ended within a second is in no level, but in the sums")
    func withinOneSecond() {
        let timeline = JobFixture.timeline(
            .completed, .success, created: 5.1, started: 5.3, completed: 5.9, runner: 1)
        var expected = DemandDelta()
        expected.started = 1
        expected.queueMilliseconds = 200
        expected.completed = 1
        expected.runMilliseconds = 600
        #expect(Self.bySecond(timeline) == [5: expected])
    }

    @Test("A job that never started is counted while it waited, and in no sum")
    func neverStarted() {
        let delta = Self.bySecond(JobFixture.timeline(.completed, .cancelled, created: 0, started: 3, completed: 9))
        var start = DemandDelta()
        start.queued = 1
        var end = DemandDelta()
        end.queued = -1
        #expect(delta == [0: start, 9: end])
    }

    @Test("A job without times contributes nothing")
    func nothing() {
        #expect(Self.bySecond(JobFixture.timeline(.completed, .success, created: nil)).isEmpty)
    }

    @Test("What is withdrawn leaves zero, in any order", arguments: 0..<4)
    func withdraw(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let demand = RandomDemand(count: 200, within: 600, using: &random)
        var deltas = DemandDeltas<Int>()
        for (index, timeline) in demand.timelines.enumerated() { deltas.add(timeline, pool: index % 3) }
        #expect(Self.nonZero(deltas).count > 100, "seed \(seed)")
        for (index, timeline) in demand.timelines.enumerated().shuffled(using: &random) {
            deltas.withdraw(timeline, pool: index % 3)
        }
        #expect(Self.nonZero(deltas).isEmpty, "seed \(seed)")
        // Withdrawn from another pool, it does not.
        deltas.add(demand.timelines[0], pool: 0)
        deltas.withdraw(demand.timelines[0], pool: 1)
        #expect(!Self.nonZero(deltas).isEmpty, "seed \(seed)")
    }

    @Test("The sums are those of the jobs", arguments: 0..<4)
    func sums(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let timelines = RandomDemand(count: 300, within: 3_600, using: &random).timelines
        var deltas = DemandDeltas<Int>()
        for timeline in timelines { deltas.add(timeline, pool: 0) }
        var net = DemandDelta()
        for delta in deltas.deltas.values { net += delta }
        #expect(net.started == Int64(timelines.count { $0.startedAt != nil }), "seed \(seed)")
        #expect(net.completed == Int64(timelines.count { $0.runMilliseconds != nil }), "seed \(seed)")
        #expect(net.queueMilliseconds == timelines.compactMap(\.queueMilliseconds).reduce(0, +), "seed \(seed)")
        #expect(net.runMilliseconds == timelines.compactMap(\.runMilliseconds).reduce(0, +), "seed \(seed)")
        // What is open is what the levels end at.
        let isOpen = { (timeline: JobTimeline) in timeline.completedAt == nil }
        #expect(net.running == Int64(timelines.count { isOpen($0) && $0.startedAt != nil }), "seed \(seed)")
        #expect(
            net.queued == Int64(timelines.count { isOpen($0) && $0.startedAt == nil && $0.queuedAt != nil }),
            "seed \(seed)")
        #expect(net.blocked == Int64(timelines.count { isOpen($0) && $0.queuedAt == nil }), "seed \(seed)")
    }
}
