//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@testable import WeirLive

@Suite struct HubStateMachineTests {
    private typealias Machine = HubStateMachine
    private typealias Subscriber = HubStateMachine.Subscriber

    private static let first = Subscriber(value: 1)
    private static let second = Subscriber(value: 2)

    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1_000) }
    private static func run(_ id: Int64) -> RunKey<String> { RunKey(source: "github.com", id: id, attempt: 1) }
    private static func counts(_ number: Int64) -> LiveCounts {
        LiveCounts(blocked: number, queued: number + 1, running: number + 2)
    }
    private static func change(_ number: Int64, runs: some Sequence<Int64>, deliveries: Int = 1) -> LiveChange {
        LiveChange(
            runs: Set(runs.map(Self.run)), counts: Self.counts(number), deliveries: deliveries, at: Self.at(number))
    }
    private static func machine(subscribersMax: Int = 10) -> Machine {
        Machine(
            subscribersMax: subscribersMax, counts: Self.counts(0), lastDeliveryAt: nil, now: Self.at(0))
    }
    private static func names(_ ids: some Sequence<Int64>) -> [RunKey<String>] { ids.map(Self.run) }

    // MARK: - What a subscriber is told

    @Test("A new subscriber is told the figures at once, and then nothing until something changes")
    func firstFrames() {
        var machine = Self.machine()
        let admitted = machine.subscribe(Self.first, lastSeen: nil)
        let first = machine.next(Self.first)
        let second = machine.next(Self.first)
        #expect(admitted)
        #expect(first?.step == 0)
        #expect(
            first?.frames == [
                .counts(Self.counts(0), at: Self.at(0)),
                .ingest(lastDeliveryAt: nil, deliveries: 0, at: Self.at(0)),
            ])
        #expect(second == nil)
        let isIdle = machine.isIdle(Self.first)
        #expect(isIdle)
    }

    @Test("Changes collect until the flush, which makes one step of them")
    func conflation() {
        var machine = Self.machine()
        _ = machine.subscribe(Self.first, lastSeen: nil)
        _ = machine.next(Self.first)
        _ = machine.next(Self.first)
        let isFirst = machine.collect(Self.change(1, runs: [3, 1], deliveries: 2))
        let isFirstAgain = machine.collect(Self.change(2, runs: [1, 2], deliveries: 3))
        let early = machine.next(Self.first)
        #expect(isFirst)
        #expect(!isFirstAgain)
        #expect(early == nil)
        let woken = machine.flush(now: Self.at(3))
        let wokenAgain = machine.flush(now: Self.at(4))
        #expect(woken == [Self.first])
        #expect(wokenAgain == [])
        let next = machine.next(Self.first)
        #expect(next?.step == 1)
        #expect(
            next?.frames == [
                .counts(Self.counts(2), at: Self.at(3)),
                .ingest(lastDeliveryAt: Self.at(2), deliveries: 5, at: Self.at(3)),
                .runs(Self.names([1, 2, 3]), more: false),
            ])
        let isFirstOfNext = machine.collect(Self.change(5, runs: []))
        #expect(isFirstOfNext)
    }

    @Test("A slow subscriber is told the latest figures, once, and the runs of all steps since its last")
    func slow() {
        var machine = Self.machine()
        _ = machine.subscribe(Self.first, lastSeen: nil)
        _ = machine.next(Self.first)
        for number: Int64 in 1...5 {
            _ = machine.collect(Self.change(number, runs: [number, number + 1]))
            _ = machine.flush(now: Self.at(number))
        }
        let next = machine.next(Self.first)
        #expect(next?.step == 5)
        #expect(
            next?.frames == [
                .counts(Self.counts(5), at: Self.at(5)),
                .ingest(lastDeliveryAt: Self.at(5), deliveries: 5, at: Self.at(5)),
                .runs(Self.names(1...6), more: false),
            ])
        let rest = machine.next(Self.first)
        #expect(rest == nil)
    }

    @Test("Figures are the latest even when the subscriber's own step was flushed before them")
    func latestCounts() {
        var machine = Self.machine()
        _ = machine.subscribe(Self.first, lastSeen: nil)
        _ = machine.collect(Self.change(1, runs: [1]))
        _ = machine.flush(now: Self.at(1))
        _ = machine.collect(Self.change(2, runs: [2]))
        let next = machine.next(Self.first)
        #expect(next?.frames.first == .counts(Self.counts(2), at: Self.at(2)))
        #expect(next?.frames.last == .runs(Self.names([1]), more: false))
    }

    @Test("Times never go back, whatever order clocks and changes come in")
    func times() {
        var machine = Self.machine()
        _ = machine.subscribe(Self.first, lastSeen: nil)
        _ = machine.collect(Self.change(9, runs: []))
        _ = machine.collect(Self.change(4, runs: []))
        _ = machine.flush(now: Self.at(3))
        let next = machine.next(Self.first)
        #expect(
            next?.frames == [
                .counts(Self.counts(4), at: Self.at(9)),
                .ingest(lastDeliveryAt: Self.at(9), deliveries: 2, at: Self.at(9)),
                .runs([], more: false),
            ])
    }

    // MARK: - Bounds

    @Test("Five hundred runs are named, of one more it is said that there are more", arguments: [500, 501, 1_000])
    func runsOfOneStep(count: Int64) {
        var machine = Self.machine()
        _ = machine.subscribe(Self.first, lastSeen: nil)
        _ = machine.collect(Self.change(1, runs: 1...count))
        // Seen before, and so no more than there were.
        _ = machine.collect(Self.change(1, runs: 1...min(count, 500)))
        _ = machine.flush(now: Self.at(1))
        guard case .runs(let runs, let more) = machine.next(Self.first)?.frames.last else {
            Issue.record("no frame of runs")
            return
        }
        #expect(more == (count > 500))
        #expect(runs.count <= 500)
        #expect(Set(runs).isSubset(of: Self.names(1...count)))
        if count == 500 { #expect(runs == Self.names(1...500)) }
        // The next step begins anew.
        _ = machine.collect(Self.change(2, runs: [7]))
        _ = machine.flush(now: Self.at(2))
        let next = machine.next(Self.first)
        #expect(next?.frames.last == .runs(Self.names([7]), more: false))
    }

    @Test("Runs of several steps that are more than five hundred together are not named")
    func runsOfSteps() {
        var machine = Self.machine()
        _ = machine.subscribe(Self.first, lastSeen: nil)
        _ = machine.subscribe(Self.second, lastSeen: nil)
        _ = machine.collect(Self.change(1, runs: 1...300))
        _ = machine.flush(now: Self.at(1))
        _ = machine.next(Self.second)
        _ = machine.collect(Self.change(2, runs: 250...510))
        _ = machine.flush(now: Self.at(2))
        let behind = machine.next(Self.first)
        let abreast = machine.next(Self.second)
        #expect(behind?.frames.last == .runs([], more: true))
        #expect(abreast?.frames.last == .runs(Self.names(250...510), more: false))
    }

    @Test("One step more than is kept, and anything may have changed")
    func history() {
        for missed in [HubStateMachine.historyMax, HubStateMachine.historyMax + 1] {
            var machine = Self.machine()
            _ = machine.subscribe(Self.first, lastSeen: nil)
            for number in 1...Int64(missed) {
                _ = machine.collect(Self.change(number, runs: [number]))
                _ = machine.flush(now: Self.at(number))
            }
            let last = machine.next(Self.first)?.frames.last
            if missed == HubStateMachine.historyMax {
                #expect(last == .runs(Self.names(1...Int64(missed)), more: false))
            } else {
                #expect(last == .runs([], more: true))
            }
        }
    }

    @Test("No more subscribers are admitted than there may be; one that leaves makes room")
    func subscribers() {
        var machine = Self.machine(subscribersMax: 2)
        let admitted = (1...3).map { machine.subscribe(Subscriber(value: $0), lastSeen: nil) }
        #expect(admitted == [true, true, false])
        let isFull = machine.isFull
        #expect(isFull)
        let unknown = machine.next(Subscriber(value: 3))
        #expect(unknown == nil)
        machine.unsubscribe(Subscriber(value: 1))
        machine.unsubscribe(Subscriber(value: 1))
        #expect(machine.subscriberCount == 1)
        let late = machine.subscribe(Subscriber(value: 3), lastSeen: nil)
        #expect(late)
    }

    // MARK: - Heartbeats and positions

    @Test("A sign of life comes alone, and once")
    func heartbeat() {
        var machine = Self.machine()
        _ = machine.subscribe(Self.first, lastSeen: nil)
        _ = machine.next(Self.first)
        _ = machine.next(Self.first)
        let woken = machine.beat(now: Self.at(5))
        _ = machine.beat(now: Self.at(6))
        #expect(woken == [Self.first])
        let next = machine.next(Self.first)
        let rest = machine.next(Self.first)
        #expect(next?.frames == [.heartbeat(at: Self.at(6))])
        #expect(rest == nil)
    }

    @Test("Only those who wait are woken")
    func woken() {
        var machine = Self.machine()
        _ = machine.subscribe(Self.first, lastSeen: nil)
        _ = machine.subscribe(Self.second, lastSeen: nil)
        _ = machine.next(Self.first)
        _ = machine.next(Self.first)
        _ = machine.collect(Self.change(1, runs: []))
        let woken = machine.flush(now: Self.at(1))
        #expect(woken == [Self.first])
        let isIdle = [machine.isIdle(Self.first), machine.isIdle(Self.second)]
        #expect(isIdle == [false, false])
        _ = machine.collect(Self.change(2, runs: []))
        let wokenAgain = machine.flush(now: Self.at(2))
        #expect(wokenAgain == [])
    }

    @Test("One that comes back is told what it missed; a number from the future is none")
    func lastSeen() {
        var machine = Self.machine()
        for number: Int64 in 1...4 {
            _ = machine.collect(Self.change(number, runs: [number]))
            _ = machine.flush(now: Self.at(number))
        }
        let table: [(lastSeen: Int?, runs: [Int64]?)] = [
            (nil, nil), (4, nil), (99, nil), (.max, nil), (3, [4]), (1, [2, 3, 4]), (0, [1, 2, 3, 4]),
        ]
        for (index, entry) in table.enumerated() {
            let subscriber = Subscriber(value: UInt64(100 + index))
            _ = machine.subscribe(subscriber, lastSeen: entry.lastSeen)
            let frames = machine.next(subscriber)?.frames ?? []
            #expect(frames.first == .counts(Self.counts(4), at: Self.at(4)))
            #expect(frames.count == (entry.runs == nil ? 2 : 3))
            if let runs = entry.runs { #expect(frames.last == .runs(Self.names(runs), more: false)) }
        }
    }

    // MARK: - Any sequence of events

    /// All the history there is, and nothing else.
    private struct World {
        var steps: [Set<RunKey<String>>] = []
        var collected: Set<RunKey<String>> = []
        var isDirty = false
        var counts = HubStateMachineTests.counts(0)
        var seen: [Subscriber: Int] = [:]
        var fresh: Set<Subscriber> = []
        var beaten: Set<Subscriber> = []

        /// What is wrong with what a subscriber was told.
        mutating func fault(_ subscriber: Subscriber, _ next: (step: Int, frames: [LiveFrame])?) -> String? {
            guard let seen = self.seen[subscriber] else { return next == nil ? nil : "told though it is not there" }
            let isBehind = seen < self.steps.count
            let mustHear = isBehind || self.fresh.contains(subscriber) || self.beaten.contains(subscriber)
            guard let next else { return mustHear ? "not told" : nil }
            if !mustHear { return "told for nothing" }
            if next.step != self.steps.count { return "told step \(next.step) of \(self.steps.count)" }
            self.seen[subscriber] = self.steps.count
            var beats = 0
            var figures = 0
            var sawRuns = false
            for frame in next.frames {
                switch frame {
                case .counts(let counts, _):
                    figures += 1
                    if counts != self.counts { return "told old figures" }
                case .runs(let runs, let more):
                    sawRuns = true
                    let missed = self.steps[seen...].reduce(into: Set()) { $0.formUnion($1) }
                    if !Set(runs).isSubset(of: missed) { return "told runs that did not change" }
                    if runs.count > HubStateMachine.runsMax { return "told \(runs.count) runs" }
                    if !more, Set(runs) != missed { return "not told of all runs" }
                    let mustNotNeedMore =
                        missed.count <= HubStateMachine.runsMax
                        && self.steps.count - seen <= HubStateMachine.historyMax
                    if more, mustNotNeedMore { return "told that there is more, and there is not" }
                case .ingest: break
                case .heartbeat: beats += 1
                }
            }
            if sawRuns != isBehind { return "runs though nothing changed, or none though something did" }
            if (figures == 1) != (isBehind || self.fresh.contains(subscriber)) { return "figures \(figures) times" }
            if (beats == 1) != self.beaten.contains(subscriber) { return "\(beats) signs of life" }
            self.fresh.remove(subscriber)
            self.beaten.remove(subscriber)
            return nil
        }
    }

    private static func simulate(
        seed: UInt64, spoil: (inout (step: Int, frames: [LiveFrame])?) -> Void = { _ in }
    ) -> String? {
        var random = SeededGenerator(seed: seed)
        var machine = Self.machine(subscribersMax: 6)
        var world = World()
        var number: Int64 = 0
        for _ in 0..<4_000 {
            let subscriber = Subscriber(value: UInt64.random(in: 1...8, using: &random))
            switch Int.random(in: 0..<16, using: &random) {
            case 0..<4:
                number += 1
                let first = Int64.random(in: 0...80, using: &random)
                let length = Int64.random(in: 0...9, using: &random) == 0 ? Int64(120) : 6
                let change = Self.change(number, runs: first..<(first + Int64.random(in: 0...length, using: &random)))
                if machine.collect(change) == world.isDirty { return "said to be the first change, or not, wrongly" }
                world.collected.formUnion(change.runs)
                world.counts = change.counts
                world.isDirty = true
            case 4..<8:
                _ = machine.flush(now: Self.at(number))
                if world.isDirty { world.steps.append(world.collected) }
                world.collected = []
                world.isDirty = false
            case 8:
                _ = machine.beat(now: Self.at(number))
                world.beaten = Set(world.seen.keys)
            case 9 where Int.random(in: 0..<4, using: &random) == 0:
                machine.unsubscribe(subscriber)
                world.seen[subscriber] = nil
                world.fresh.remove(subscriber)
                world.beaten.remove(subscriber)
            case 10 where world.seen[subscriber] == nil:
                let back =
                    Bool.random(using: &random) ? Int.random(in: 0...(world.steps.count + 1), using: &random) : nil
                let admitted = machine.subscribe(subscriber, lastSeen: back)
                if admitted != (world.seen.count < 6) { return "admitted wrongly" }
                guard admitted else { break }
                world.seen[subscriber] = min(back ?? world.steps.count, world.steps.count)
                world.fresh.insert(subscriber)
            default:
                // The last two are slow.
                if subscriber.value > 6, Int.random(in: 0..<100, using: &random) != 0 { break }
                var next = machine.next(subscriber)
                spoil(&next)
                if let fault = world.fault(subscriber, next) { return "subscriber \(subscriber.value) was \(fault)" }
            }
        }
        return world.steps.count > 300 ? nil : "too few steps to tell"
    }

    @Test("Whatever happens, a subscriber is told the latest figures and every run that changed", arguments: 1...20)
    func anySequence(seed: UInt64) {
        let fault = Self.simulate(seed: seed)
        #expect(fault == nil, "seed \(seed)")
    }

    @Test("The world notices a frame withheld, a run left out, and one that did not change")
    func worldNotices() {
        let withheld = Self.simulate(seed: 1) { $0 = nil }
        #expect(withheld != nil)
        func change(_ transform: ([RunKey<String>]) -> [RunKey<String>]) -> String? {
            Self.simulate(seed: 1) { next in
                for (index, frame) in (next?.frames ?? []).enumerated() {
                    guard case .runs(let runs, let more) = frame else { continue }
                    next?.frames[index] = .runs(transform(runs), more: more)
                }
            }
        }
        #expect(change { $0.dropLast() } != nil)
        #expect(change { $0 + [Self.run(9_999)] } != nil)
        #expect(change { $0 } == nil)
    }
}
