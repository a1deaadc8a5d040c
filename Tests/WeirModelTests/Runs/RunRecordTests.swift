//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct RunRecordTests {
    private typealias Merge = @Sendable (RunRecord<Int>, RunRecord<Int>) -> RunRecord<Int>

    private struct RunFold: Fold {
        let merge: Merge
        private(set) var outcome: RunRecord<Int>?

        init(merge: @escaping Merge) { self.merge = merge }

        mutating func receive(_ event: RunRecord<Int>) {
            self.outcome = self.outcome.map { self.merge($0, event) } ?? event
        }
    }

    private static func check(_ merge: @escaping Merge) -> OrderCheck<RunFold> {
        OrderCheck(empty: RunFold(merge: merge), events: RunFixture.universe)
    }

    @Test(
        "Every permutation, with duplicates, of every set of up to five events of a run ends in the same row",
        .timeLimit(.minutes(5)))
    func everyPermutation() async {
        var check = Self.check { $0.merged(with: $1) }
        await check.everyOrder(upTo: 5)
        #expect(check.orders == 108_384)
        #expect(check.differences == [])
    }

    @Test("Any order of any of a run's events, with any duplicates, ends in the same row", .timeLimit(.minutes(5)))
    func everySet() async {
        var check = Self.check { $0.merged(with: $1) }
        await check.everySet()
        #expect(check.orders == 4_096 * 12)
        #expect(check.differences == [])
    }

    @Test("Merging in the shape of any tree gives what merging one after another gives", arguments: 0..<4)
    func associative(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<500 {
            let count = Int.random(in: 2...16, using: &random)
            let events = (0..<count).compactMap { _ in RunFixture.universe.randomElement(using: &random) }
            let line = events.dropFirst().reduce(try #require(events.first)) { $0.merged(with: $1) }
            let tree = mergeTree(events.shuffled(using: &random)[...], using: &random) { $0.merged(with: $1) }
            try #require(tree == line, "seed \(seed)")
        }
    }

    @Test(
        "The check finds a merge in which the last arrival wins, and one that fills without provenance",
        .timeLimit(.minutes(5)))
    func wrongMerges() async {
        var last = Self.check { $1 }
        await last.everyOrder(upTo: 2)
        #expect(!last.differences.isEmpty)
        var fill = Self.check { left, right in
            var winner = left.merged(with: right)
            winner.provenance = Provenance()
            return winner
        }
        await fill.everyOrder(upTo: 3)
        #expect(!fill.differences.isEmpty)
    }

    @Test("The check finds a merge that lets a derived row lend its fields to an event", .timeLimit(.minutes(5)))
    func derivedLends() async {
        var check = Self.check { left, right in
            var winner = left.merged(with: right)
            winner.title = winner.title ?? left.title ?? right.title
            return winner
        }
        await check.everyOrder(upTo: 3)
        #expect(!check.differences.isEmpty)
    }

    @Test("A run that awaited an approval goes on, whichever event comes first")
    func actionRequired() {
        let held = RunFixture.event(.completed, .actionRequired, updated: 30)
        let queued = RunFixture.event(.queued, updated: 10)
        #expect(held.precedence.stage == .blocked)
        for merged in [held.merged(with: queued), queued.merged(with: held)] {
            #expect(merged.status == .queued)
            #expect(merged.conclusion == nil)
        }
        // Against other holds it is the later update that counts.
        let waiting = RunFixture.event(.waiting, updated: 20)
        #expect(waiting.merged(with: held).conclusion == .actionRequired)
        let ended = RunFixture.event(.completed, .failure, updated: 40)
        #expect(ended.merged(with: held).conclusion == .failure)
    }

    @Test("A derived row gives way to any event and lends it nothing")
    func derived() {
        let derived = RunFixture.derived(.completed, .success)
        #expect(derived.isDerived)
        for event in RunFixture.universe where !event.isDerived {
            #expect(derived.merged(with: event) == event)
            #expect(event.merged(with: derived) == event)
            #expect(!event.isDerived)
        }
    }

    @Test("Translating names keeps everything else, and gives each name its kind")
    func mapNames() {
        let record = RunFixture.universe.dropLast().reduce(RunFixture.universe[0]) { $0.merged(with: $1) }
        let texts = record.mapNames(source: "s", repository: "r") { "\($0.rawValue)/\($1)" }
        #expect(texts.key == RunKey(source: "s", id: 1, attempt: 1))
        #expect(texts.name?.hasPrefix("\(NameKind.workflow.rawValue)/") == true)
        #expect(texts.branch?.hasPrefix("\(NameKind.branch.rawValue)/") == true)
        #expect(texts.event?.hasPrefix("\(NameKind.event.rawValue)/") == true)
        #expect(texts.actor?.hasPrefix("\(NameKind.actor.rawValue)/") == true)
        let numbers = texts.mapNames(source: 1, repository: 1) { _, text in
            text.split(separator: "/").last.flatMap { Int($0) } ?? -1
        }
        #expect(numbers == record)
    }
}
