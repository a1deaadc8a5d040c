//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct JobRecordTests {
    private typealias Merge = @Sendable (JobRecord<Int>, JobRecord<Int>) -> JobRecord<Int>

    /// A job's row and its part of the demand, kept as the store keeps them.
    private struct JobFold: Fold {
        struct Outcome: Equatable {
            let record: JobRecord<Int>?
            let timeline: JobTimeline?
            let demand: [DemandDeltas<Int>.Key: DemandDelta]
        }

        let merge: Merge
        var withdraws = true
        private var record: JobRecord<Int>?
        private var timeline: JobTimeline?
        private var deltas = DemandDeltas<Int>()

        init(withdraws: Bool = true, merge: @escaping Merge) {
            self.merge = merge
            self.withdraws = withdraws
        }

        mutating func receive(_ event: JobRecord<Int>) {
            let merged = self.record.map { self.merge($0, event) } ?? event
            guard merged != self.record else { return }
            if let record = self.record, let timeline = self.timeline, self.withdraws {
                self.deltas.withdraw(timeline, pool: record.labels ?? 0)
            }
            let timeline = JobTimeline(merged)
            self.deltas.add(timeline, pool: merged.labels ?? 0)
            self.record = merged
            self.timeline = timeline
        }

        var outcome: Outcome {
            Outcome(
                record: self.record, timeline: self.timeline, demand: self.deltas.deltas.filter { !$0.value.isZero })
        }
    }

    private static let merged: Merge = { $0.merged(with: $1) }

    private static func check(withdraws: Bool = true, _ merge: @escaping Merge) -> OrderCheck<JobFold> {
        OrderCheck(empty: JobFold(withdraws: withdraws, merge: merge), events: JobFixture.universe)
    }

    @Test("The twelve events all differ, in their place and in what they say")
    func universe() {
        #expect(JobFixture.universe.count == 12)
        #expect(Set(JobFixture.universe).count == 12)
        #expect(Set(JobFixture.universe.map(\.precedence)).count == 12)
    }

    // Half a minute of computing on two cores, in turn with other tests: hence the longer limit.
    @Test(
        """
        Every permutation, with duplicates, of every event set up to six events ends in the same rows and the same \
        demand
        """, .timeLimit(.minutes(5)), arguments: 0..<12)
    func everyPermutation(first: Int) async {
        var check = Self.check(Self.merged)
        await check.everyOrder(upTo: 6, first: first)
        // A twelfth of 12 + 12·11 + 12·11·10 + …, six factors at most.
        #expect(check.orders == 773_664 / 12)
        // Sets of which it is one, with up to five of the other eleven.
        #expect(check.outcomes.count == 1_024)
        #expect(check.differences == [])
    }

    @Test(
        "Any order of any of the twelve events, with any duplicates, ends in the same rows and the same demand",
        .timeLimit(.minutes(5)))
    func everySet() async {
        var check = Self.check(Self.merged)
        await check.everySet()
        #expect(check.orders == 4_096 * 12)
        #expect(check.differences == [])
    }

    @Test("Demand that was kept up event by event is that of the final row alone", .timeLimit(.minutes(5)))
    func demandOfFinalRow() async {
        var check = Self.check(Self.merged)
        await check.everyOrder(upTo: 3)
        for (members, outcome) in check.outcomes {
            guard let record = outcome.record else { continue }
            var fresh = DemandDeltas<Int>()
            fresh.add(JobTimeline(record), pool: record.labels ?? 0)
            #expect(outcome.demand == fresh.deltas.filter { !$0.value.isZero }, "events \(members)")
        }
        #expect(check.outcomes.count == 298)
    }

    // MARK: - The check finds what it looks for

    @Test("The check finds a merge in which the last arrival wins", .timeLimit(.minutes(5)))
    func lastArrivalWins() async {
        var orders = Self.check { $1 }
        await orders.everyOrder(upTo: 2)
        #expect(!orders.differences.isEmpty)
        var sets = Self.check { $1 }
        await sets.everySet()
        #expect(!sets.differences.isEmpty)
    }

    @Test("The check finds a merge that fills fields without remembering where they came from", .timeLimit(.minutes(5)))
    func fillWithoutProvenance() async {
        let merge: Merge = { left, right in
            var winner = left.merged(with: right)
            winner.provenance = Provenance()
            return winner
        }
        var orders = Self.check(merge)
        await orders.everyOrder(upTo: 3)
        #expect(!orders.differences.isEmpty)
        var sets = Self.check(merge)
        await sets.everySet()
        #expect(!sets.differences.isEmpty)
    }

    @Test("The check finds a merge that keeps the receipts of the winner only", .timeLimit(.minutes(5)))
    func receiptsOfWinner() async {
        var check = Self.check { left, right in
            var winner = left.merged(with: right)
            winner.receipts = right.receipts
            return winner
        }
        await check.everyOrder(upTo: 2)
        #expect(!check.differences.isEmpty)
    }

    @Test("The check finds demand that is added without what was there being withdrawn", .timeLimit(.minutes(5)))
    func noWithdrawal() async {
        var check = Self.check(withdraws: false, Self.merged)
        await check.everyOrder(upTo: 2)
        #expect(!check.differences.isEmpty)
    }

    // MARK: - Merging

    @Test("Merging in the shape of any tree gives what merging one after another gives", arguments: 0..<8)
    func associative(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<500 {
            let count = Int.random(in: 2...16, using: &random)
            let events = (0..<count).compactMap { _ in JobFixture.universe.randomElement(using: &random) }
            let line = events.dropFirst().reduce(try #require(events.first)) { $0.merged(with: $1) }
            let tree = mergeTree(events.shuffled(using: &random)[...], using: &random) { $0.merged(with: $1) }
            try #require(tree == line, "seed \(seed)")
        }
    }

    @Test("A merge that fills without provenance depends on the shape of the tree")
    func notAssociative() throws {
        var random = SeededGenerator(seed: 1)
        var differences = 0
        for _ in 0..<500 {
            let events = JobFixture.universe.shuffled(using: &random).prefix(5)
            let merge = { (left: JobRecord<Int>, right: JobRecord<Int>) in
                var winner = left.merged(with: right)
                winner.provenance = Provenance()
                return winner
            }
            let line = events.dropFirst().reduce(try #require(events.first), merge)
            if mergeTree(events, using: &random, merge) != line { differences += 1 }
        }
        #expect(differences > 0)
    }

    @Test("A later attempt takes nothing from an earlier one")
    func laterAttempt() {
        let first = JobFixture.event(.completed, .success, attempt: 1, received: 61, started: 20, completed: 60) {
            $0.failedStep = 1
            $0.runner = 1
        }
        let second = JobFixture.event(.queued, attempt: 2, received: 90, created: 90)
        #expect(first.merged(with: second) == second)
        #expect(second.merged(with: first) == second)
        #expect(second.runKey == RunKey(source: 1, id: 1, attempt: 2))
    }

    @Test("Between ends the earlier counts; at the same instant success comes first")
    func ends() {
        let success = JobFixture.event(.completed, .success, completed: 60)
        let failure = JobFixture.event(.completed, .failure, completed: 60)
        let earlier = JobFixture.event(.completed, .cancelled, completed: 59)
        #expect(success.merged(with: failure).conclusion == .success)
        #expect(failure.merged(with: success).conclusion == .success)
        #expect(success.merged(with: earlier).conclusion == .cancelled)
    }

    @Test("The winner supplies every field it has, the next event the ones it lacks")
    func fields() {
        let queued = JobFixture.event(.queued) {
            $0.labels = 1
            $0.actor = 1
            $0.name = 1
        }
        let running = JobFixture.event(.inProgress, started: 5) {
            $0.actor = 2
            $0.name = 2
        }
        let ended = JobFixture.event(.completed, .failure, completed: 9) { $0.name = 3 }
        let merged = queued.merged(with: ended).merged(with: running)
        #expect(merged.status == .completed)
        #expect(merged.name == 3)
        #expect(merged.actor == 2)
        #expect(merged.labels == 1)
        #expect(merged.startedAt == JobFixture.at(5))
        #expect(merged.provenance[5] == running.precedence)
        #expect(merged.provenance[6] == queued.precedence)
        #expect(merged.provenance[1] == nil)
    }

    @Test("Translating names keeps everything else, and gives each name its kind")
    func mapNames() {
        let record = JobFixture.universe.reduce(JobFixture.universe[8]) { $0.merged(with: $1) }
        let first = JobFixture.universe[8].merged(with: JobFixture.universe[0]).merged(with: JobFixture.universe[1])
            .merged(with: JobFixture.universe[6])
        for record in [record, first] {
            let texts = record.mapNames(source: "s\(record.key.source)", repository: "r\(record.repository)") {
                "\($0.rawValue)/\($1)"
            }
            #expect(texts.key == JobKey(source: "s1", id: 1))
            let numbers = texts.mapNames(source: 1, repository: 1) { kind, text in
                let parts = text.split(separator: "/")
                #expect(parts.first == "\(kind.rawValue)")
                return parts.last.flatMap { Int($0) } ?? -1
            }
            #expect(numbers == record)
        }
        #expect(first.labels != nil && first.event != nil && first.runner != nil && first.failedStep != nil)
    }
}
