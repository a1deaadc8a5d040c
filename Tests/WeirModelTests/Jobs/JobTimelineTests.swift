//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct JobTimelineTests {
    private static let at = JobFixture.at

    @Test("A job's life: queued until it starts, running until it ends")
    func life() {
        let queued = JobFixture.timeline(.queued, created: 0)
        #expect(queued.queuedAt == Self.at(0))
        #expect(queued.startedAt == nil)
        #expect(queued.queueMilliseconds == nil)
        let running = JobFixture.timeline(.inProgress, created: 0, started: 7)
        #expect(running.startedAt == Self.at(7))
        #expect(running.queueMilliseconds == 7_000)
        #expect(running.runMilliseconds == nil)
        let ended = JobFixture.timeline(.completed, .success, created: 0, started: 7, completed: 20, runner: 1)
        #expect(ended.queueMilliseconds == 7_000)
        #expect(ended.runMilliseconds == 13_000)
        #expect(ended.blockedMilliseconds == 0)
        for timeline in [queued, running, ended] { #expect(!timeline.isEstimated) }
    }

    @Test("A job without any time has no timeline")
    func noTimes() {
        let timeline = JobFixture.timeline(.completed, .success, created: nil)
        #expect(timeline.createdAt == nil)
        #expect(timeline.queuedAt == nil)
        #expect(timeline.startedAt == nil)
        #expect(timeline.completedAt == nil)
        #expect(timeline.blockedMilliseconds == 0)
        #expect(timeline.queueMilliseconds == nil)
        #expect(timeline.runMilliseconds == nil)
    }

    @Test("A job that started before it was created waited no time")
    func startedBeforeCreated() {
        let ended = JobFixture.timeline(.completed, .success, created: 10, started: 4, completed: 30, runner: 1)
        #expect(ended.queueMilliseconds == 0)
        #expect(ended.runMilliseconds == 20_000)
        let running = JobFixture.timeline(.inProgress, created: 10, started: 4, runner: 1)
        #expect(running.startedAt == Self.at(10))
        #expect(running.queueMilliseconds == 0)
    }

    @Test("A job that ended before it started, or before it was created, ran no time")
    func endedBeforeStarted() {
        let first = JobFixture.timeline(.completed, .failure, created: 0, started: 9, completed: 5, runner: 1)
        #expect(first.runMilliseconds == 0)
        #expect(first.queueMilliseconds == 5_000)
        let second = JobFixture.timeline(.completed, .failure, created: 20, started: 9, completed: 5, runner: 1)
        #expect(second.runMilliseconds == 0)
        #expect(second.queueMilliseconds == 0)
        #expect(second.completedAt == Self.at(20))
    }

    @Test(
        "A job that never started is in no duration",
        arguments: [
            (Conclusion.skipped, Int?.none), (.skipped, 1), (.cancelled, nil), (.stale, nil), (.startupFailure, nil),
        ])
    func neverStarted(conclusion: Conclusion, runner: Int?) {
        let timeline = JobFixture.timeline(
            .completed, conclusion, created: 0, started: 5, completed: 9, runner: runner)
        #expect(timeline.startedAt == nil)
        #expect(timeline.completedAt == Self.at(9))
        #expect(timeline.queueMilliseconds == nil)
        #expect(timeline.runMilliseconds == nil)
    }

    @Test(
        "A job that a runner took is in both durations, however it ended",
        arguments: [
            Conclusion.success, .failure, .cancelled, .timedOut, .neutral, .stale, .startupFailure,
        ])
    func started(conclusion: Conclusion) {
        let timeline = JobFixture.timeline(.completed, conclusion, created: 0, started: 5, completed: 9, runner: 1)
        #expect(timeline.queueMilliseconds == 5_000)
        #expect(timeline.runMilliseconds == 4_000)
    }

    // MARK: - Receipts

    @Test("A job blocked and then queued has waited for a runner only since it was queued")
    func blockedThenQueued() {
        let receipts = JobFixture.receipts(blocked: 100...100, queued: 160...160)
        let queued = JobFixture.timeline(.queued, created: 0, receipts: receipts)
        #expect(queued.blockedMilliseconds == 60_000)
        #expect(queued.queuedAt == Self.at(60))
        #expect(queued.isEstimated)
        let ended = JobFixture.timeline(
            .completed, .success, created: 0, started: 90, completed: 120, runner: 1, receipts: receipts)
        #expect(ended.blockedMilliseconds == 60_000)
        #expect(ended.queueMilliseconds == 30_000)
        #expect(ended.runMilliseconds == 30_000)
        #expect(ended.isEstimated)
        // Without the receipts it is all queue time.
        let unknown = JobFixture.timeline(.completed, .success, created: 0, started: 90, completed: 120, runner: 1)
        #expect(unknown.blockedMilliseconds == 0)
        #expect(unknown.queueMilliseconds == 90_000)
        #expect(!unknown.isEstimated)
    }

    @Test(
        "A job that is held is not queued, however long ago it was", arguments: [Status.waiting, .pending, .requested])
    func held(status: Status) {
        let timeline = JobFixture.timeline(
            status, created: 0, receipts: JobFixture.receipts(blocked: 0...30, queued: 10...10))
        #expect(timeline.queuedAt == nil)
        #expect(timeline.startedAt == nil)
        #expect(timeline.queueMilliseconds == nil)
    }

    @Test("A hold that no event ended lasted until the job started")
    func holdUntilStart() {
        let timeline = JobFixture.timeline(
            .inProgress, created: 0, started: 40, receipts: JobFixture.receipts(blocked: 0...0, running: 41...41))
        #expect(timeline.blockedMilliseconds == 40_000)
        #expect(timeline.queueMilliseconds == 0)
    }

    @Test("A hold ends no later than the job started")
    func holdBounded() {
        let timeline = JobFixture.timeline(
            .inProgress, created: 0, started: 40, receipts: JobFixture.receipts(blocked: 0...0, queued: 500...500))
        #expect(timeline.queuedAt == Self.at(40))
        #expect(timeline.queueMilliseconds == 0)
    }

    @Test("A start that repeats the creation is estimated from the receipts")
    func startEstimated() {
        let receipts = JobFixture.receipts(queued: 1...1, running: 31.5...80)
        let timeline = JobFixture.timeline(.inProgress, created: 0, started: 0, receipts: receipts)
        #expect(timeline.startedAt == Self.at(30.5))
        #expect(timeline.queueMilliseconds == 30_500)
        #expect(timeline.isEstimated)
        let told = JobFixture.timeline(.inProgress, created: 0, started: 12, receipts: receipts)
        #expect(told.startedAt == Self.at(12))
        #expect(!told.isEstimated)
    }

    @Test("The flag stands only where receipts decided something")
    func estimatedFlag() {
        let receipts = JobFixture.receipts(queued: 0...5, running: 9...9, ended: 20...20)
        let told = JobFixture.timeline(
            .completed, .success, created: 0, started: 4, completed: 10, runner: 1, receipts: receipts)
        #expect(!told.isEstimated)
        let queued = JobFixture.timeline(.queued, created: 0, receipts: JobFixture.receipts(queued: 0...500))
        #expect(!queued.isEstimated)
        #expect(queued.queuedAt == Self.at(0))
        let held = JobFixture.timeline(
            .queued, created: 0, receipts: JobFixture.receipts(blocked: 0...0, queued: 5...5))
        #expect(held.isEstimated)
    }

    @Test("Receipts half a second apart change nothing, ten seconds do", arguments: [0, 0.25, 0.5, 0.999])
    func resolution(gap: Double) {
        let plain = JobFixture.timeline(.inProgress, created: 0, started: 0)
        func start(_ gap: Double) -> JobTimeline {
            let receipts = JobFixture.receipts(queued: 3...3, running: (3 + gap)...(3 + gap))
            return JobFixture.timeline(.inProgress, created: 0, started: 0, receipts: receipts)
        }
        #expect(start(gap) == plain)
        #expect(start(10) != plain)
        let unheld = JobFixture.timeline(.inProgress, created: 0, started: 20)
        func hold(_ gap: Double) -> JobTimeline {
            let receipts = JobFixture.receipts(blocked: 3...3, queued: (3 + gap)...(3 + gap))
            return JobFixture.timeline(.inProgress, created: 0, started: 20, receipts: receipts)
        }
        // At no gap at all, which came first is not to be told.
        if gap > 0 { #expect(hold(gap) == unheld) }
        #expect(hold(10) != unheld)
    }

    // MARK: - Any record

    @Test("Whatever times and receipts a job has, its instants follow one another", arguments: 0..<8)
    func ordered(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        func time() -> Double? {
            Int.random(in: 0..<4, using: &random) == 0 ? nil : Double(Int.random(in: -50...50, using: &random)) / 2
        }
        func span() -> ClosedRange<Double>? {
            guard let start = time() else { return nil }
            return start...(start + Double(Int.random(in: 0...20, using: &random)))
        }
        for _ in 0..<4_000 {
            let status = try #require(Status.allCases.randomElement(using: &random))
            let conclusion = status == .completed ? Conclusion.allCases.randomElement(using: &random) : nil
            let timeline = JobFixture.timeline(
                status, conclusion, created: time(), started: time(), completed: time(),
                runner: Bool.random(using: &random) ? 1 : nil,
                receipts: JobFixture.receipts(blocked: span(), queued: span(), running: span(), ended: span()))
            let instants = [timeline.createdAt, timeline.queuedAt, timeline.startedAt, timeline.completedAt]
                .compactMap(\.self)
            try #require(instants == instants.sorted(), "seed \(seed): \(timeline)")
            try #require(timeline.blockedMilliseconds >= 0, "seed \(seed): \(timeline)")
            try #require(timeline.queueMilliseconds ?? 0 >= 0, "seed \(seed): \(timeline)")
            try #require(timeline.runMilliseconds ?? 0 >= 0, "seed \(seed): \(timeline)")
            // What is queued, or has started, has ceased to be held; what has ended is at no stage any more.
            if timeline.startedAt != nil { try #require(timeline.queuedAt != nil, "seed \(seed): \(timeline)") }
            let stage = Stage(status: status, conclusion: conclusion)
            if stage == .blocked { try #require(timeline.queuedAt == nil, "seed \(seed): \(timeline)") }
            if stage != .ended { try #require(timeline.completedAt == nil, "seed \(seed): \(timeline)") }
            if stage == .ended, timeline.createdAt != nil {
                try #require(timeline.completedAt != nil, "seed \(seed): \(timeline)")
            }
        }
    }
}
