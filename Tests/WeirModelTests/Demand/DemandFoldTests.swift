//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct DemandFoldTests {
    private static let epoch = JobFixture.epochSeconds

    private static func delta(queued: Int64 = 0, running: Int64 = 0, blocked: Int64 = 0) -> DemandDelta {
        var delta = DemandDelta()
        delta.queued = queued
        delta.running = running
        delta.blocked = blocked
        return delta
    }

    /// A fold of one second, or of several one after another.
    private static func random(_ random: inout SeededGenerator) -> DemandFold {
        func second() -> DemandFold {
            DemandFold(
                second: Self.delta(
                    queued: .random(in: -3...3, using: &random), running: .random(in: -3...3, using: &random),
                    blocked: .random(in: -3...3, using: &random)))
        }
        return (0..<Int.random(in: 0...3, using: &random)).reduce(second()) { fold, _ in fold.followed(by: second()) }
    }

    @Test("Combining is associative", arguments: [1, 2, 3])
    func associative(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let (a, b, c) = (Self.random(&random), Self.random(&random), Self.random(&random))
            try #require(a.followed(by: b).followed(by: c) == a.followed(by: b.followed(by: c)), "seed \(seed)")
        }
        // Neighbours may be combined in any grouping, and not in any order.
        let (up, down) = (DemandFold(second: Self.delta(queued: 1)), DemandFold(second: Self.delta(queued: -1)))
        #expect(up.followed(by: down) != down.followed(by: up))
    }

    @Test("A gap after a stretch changes nothing; before it, it adds the level there was", arguments: [1, 2, 3])
    func gap(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let fold = Self.random(&random)
            try #require(fold.followed(by: .gap) == fold, "seed \(seed)")
            var raised = fold
            raised.blockedMax = max(fold.blockedMax, 0)
            raised.queuedMax = max(fold.queuedMax, 0)
            raised.runningMax = max(fold.runningMax, 0)
            raised.demandMax = max(fold.demandMax, 0)
            try #require(DemandFold.gap.followed(by: fold) == raised, "seed \(seed)")
            let other = Self.random(&random)
            try #require(
                fold.followed(by: .gap).followed(by: other) == fold.followed(by: other), "seed \(seed)")
        }
        #expect(DemandFold.gap.followed(by: .gap) == .gap)
    }

    @Test("A stretch that does not begin with a change holds the level before it")
    func levelBefore() {
        let drop = DemandFold(second: Self.delta(running: -2))
        #expect(DemandFold.fold([DemandPart(start: 60, fold: drop)], from: 60).runningMax == -2)
        #expect(DemandFold.fold([DemandPart(start: 61, fold: drop)], from: 60).runningMax == 0)
        #expect(DemandFold.fold([], from: 60) == .gap)
    }

    @Test("Seconds, minutes and hours have the peaks and levels that a count second by second has", arguments: 0..<6)
    func sweep(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let span: Int64 = 3 * 3_600
        let demand = RandomDemand(count: 120, within: Int(span), using: &random)
        let sweep = DemandSweep(demand.timelines, from: Self.epoch, to: Self.epoch + span)
        let seconds = RandomDemand.seconds(demand.timelines)
        let minutes = RandomDemand.fold(seconds, to: 60)
        let hours = RandomDemand.fold(minutes, to: 3_600)
        #expect(seconds.count > 100, "seed \(seed)")
        for (step, parts) in [(Int64(1), seconds), (60, minutes), (3_600, hours)] {
            var level = DemandDelta()
            let folds = Dictionary(uniqueKeysWithValues: parts.map { ($0.start, $0.fold) })
            for start in stride(from: Self.epoch, to: Self.epoch + span, by: Int(step)) {
                let fold = folds[start] ?? .gap
                let range = start..<(start + step)
                let here: Comment = "seed \(seed): \(step) s from \(start - Self.epoch) s"
                try #require(level.blocked + fold.blockedMax == sweep.blockedMax(range), here)
                try #require(level.queued + fold.queuedMax == sweep.queuedMax(range), here)
                try #require(level.running + fold.runningMax == sweep.runningMax(range), here)
                try #require(level.queued + level.running + fold.demandMax == sweep.peak(range), here)
                level += fold.net
                let last = sweep.levels(at: start + step - 1)
                try #require((level.blocked, level.queued, level.running) == last, here)
            }
        }
        // Folded in one go or by way of minutes and hours, the whole is the same.
        let within = seconds.filter { $0.start < Self.epoch + span }
        let whole = DemandFold.fold(within, from: Self.epoch)
        #expect(DemandFold.fold(RandomDemand.fold(within, to: 60), from: Self.epoch) == whole, "seed \(seed)")
        let byHours = RandomDemand.fold(RandomDemand.fold(within, to: 60), to: 3_600)
        #expect(DemandFold.fold(byHours, from: Self.epoch) == whole, "seed \(seed)")
        #expect(whole.demandMax == sweep.peak(Self.epoch..<(Self.epoch + span)), "seed \(seed)")
    }

    @Test("An end precedes a start at the same second, so the peak does not count both")
    func halfOpen() {
        let timelines = (0..<10).map { index in
            let start = Double(index) * 10
            return JobFixture.timeline(
                .completed, .success, created: start, started: start, completed: start + 10, runner: 1)
        }
        let seconds = RandomDemand.seconds(timelines)
        #expect(DemandFold.fold(seconds, from: Self.epoch).demandMax == 1)
        #expect(DemandFold.fold(RandomDemand.fold(seconds, to: 60), from: Self.epoch).demandMax == 1)
        // One second more, and two overlap.
        let longer = JobFixture.timeline(.completed, .success, created: 0, started: 0, completed: 11, runner: 1)
        let overlapping = RandomDemand.seconds(timelines.dropFirst() + [longer])
        #expect(DemandFold.fold(overlapping, from: Self.epoch).demandMax == 2)
    }

    @Test("Five hundred jobs that overlap for five seconds give a peak of exactly 500")
    func fiveHundred() {
        // They start one after another and end in the same order; all are there from second 1,000 to 1,005.
        let timelines = (0..<500).map { index in
            let start = Double(index) * 2
            return JobFixture.timeline(
                .completed, .success, created: start, started: start + 1, completed: 1_003 + start, runner: 1)
        }
        let seconds = RandomDemand.seconds(timelines)
        let hours = RandomDemand.fold(RandomDemand.fold(seconds, to: 60), to: 3_600)
        for parts in [seconds, hours] {
            let fold = DemandFold.fold(parts, from: Self.epoch)
            #expect(fold.demandMax == 500)
            #expect(fold.runningMax == 500)
            #expect(fold.net.running == 0)
            #expect(fold.net.started == 500)
            #expect(fold.net.completed == 500)
        }
        let sweep = DemandSweep(timelines, from: Self.epoch, to: Self.epoch + 3_600)
        #expect(sweep.running.count { $0 == 500 } == 4)
        #expect(zip(sweep.queued, sweep.running).count { $0 + $1 == 500 } == 5)
        // A sample taken every minute sees none of it.
        let samples = stride(from: 0, to: 3_600, by: 60).map { sweep.queued[$0] + sweep.running[$0] }
        #expect(samples.max() ?? 0 < 500)
    }
}
