//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing
import WeirDemo

@Suite struct DemoGeneratorTests {
    /// Eight o'clock on a Monday, in milliseconds since the epoch.
    private static let start = DemoHistory.monday + 8 * 3_600_000
    /// Two hours later.
    private static let end = Self.start + 2 * 3_600_000

    /// What a fresh generator sends in those hours.
    private func play(seed: UInt64, slices: Int64 = 1) -> [DemoDelivery] {
        var generator = DemoGenerator(
            seed: seed, startMilliseconds: Self.start, settings: DemoSettings(scale: 0.5, duplicateShare: 0.01))
        return (1...slices).flatMap { slice in
            generator.deliveries(until: Self.start + (Self.end - Self.start) * slice / slices)
        }
    }

    @Test("The same seed gives the same bytes, another seed gives others")
    func sameSeedSameBytes() {
        let first = self.play(seed: 1)
        #expect(first.count > 500)
        #expect(first == self.play(seed: 1))
        #expect(first != self.play(seed: 2))
    }

    @Test("It does not matter how the calls slice the time")
    func slicesDoNotMatter() {
        #expect(self.play(seed: 3) == self.play(seed: 3, slices: 997))
    }

    @Test("Deliveries come in the order of their times, none before the start or after the limit")
    func timeOrder() {
        let times = self.play(seed: 4).map(\.atMilliseconds)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(times.allSatisfy { $0 >= Self.start && $0 <= Self.end })
    }

    @Test("Nothing is due before the time it names, and following it misses nothing")
    func nextDue() throws {
        var generator = DemoGenerator(seed: 5, startMilliseconds: Self.start, settings: DemoSettings(scale: 0.5))
        var found: [DemoDelivery] = []
        while generator.nextDueMilliseconds <= Self.end {
            let due = generator.nextDueMilliseconds
            #expect(generator.deliveries(until: due - 1).isEmpty)
            let deliveries = generator.deliveries(until: due)
            #expect(deliveries.allSatisfy { $0.atMilliseconds == due })
            try #require(!deliveries.isEmpty || generator.nextDueMilliseconds > due, "no progress at \(due)")
            found += deliveries
        }
        var whole = DemoGenerator(seed: 5, startMilliseconds: Self.start, settings: DemoSettings(scale: 0.5))
        #expect(found == whole.deliveries(until: Self.end))
    }

    @Test("A copy goes on by itself: the generator is a value")
    func copyIsIndependent() {
        var generator = DemoGenerator(seed: 6, startMilliseconds: Self.start)
        _ = generator.deliveries(until: Self.start + 600_000)
        var copy = generator
        #expect(copy.deliveries(until: Self.end) == generator.deliveries(until: Self.end))
    }

    @Test("A later start makes new ids, so a demo can go on in the same database")
    func laterStartMakesNewIds() throws {
        func runs(from start: Int64) throws -> Set<Int64> {
            var generator = DemoGenerator(seed: 7, startMilliseconds: start, settings: DemoSettings(scale: 20))
            return try Set(generator.deliveries(until: start + 120_000).map { try DemoRecord($0).id })
        }
        let first = try runs(from: Self.start)
        #expect(first.count > 500)
        #expect(try first.isDisjoint(with: runs(from: Self.start + 120_000)))
    }

    @Test("Delivery ids have the form of a UUID and differ, apart from the repeated deliveries, which are the same")
    func deliveryIds() throws {
        let deliveries = self.play(seed: 8)
        let byId = Dictionary(grouping: deliveries, by: \.id)
        #expect(
            byId.keys.allSatisfy {
                $0.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil
            })
        let repeated = byId.values.filter { $0.count > 1 }
        #expect(!repeated.isEmpty && repeated.count < deliveries.count / 25)
        #expect(repeated.allSatisfy { $0.count == 2 && $0[0].body == $0[1].body && $0[0].event == $0[1].event })
    }

    @Test("With too many runs under way no change arrives")
    func runsAreBounded() throws {
        var generator = DemoGenerator(
            seed: 9, startMilliseconds: Self.start, settings: DemoSettings(scale: 20, runsMax: 5))
        let records = try generator.deliveries(until: Self.start + 600_000).map { try DemoRecord($0) }
        // One change starts up to four runs, and the bound is looked at once per change.
        var open: Set<Int64> = []
        var most = 0
        for record in records where !record.isJob {
            if record.status == "completed" { open.remove(record.id) } else { open.insert(record.id) }
            most = max(most, open.count)
        }
        #expect(most > 0 && most <= 9)
    }

    @Test("Settings that make no sense are refused")
    func settingsAreChecked() async {
        await #expect(processExitsWith: .failure) { _ = DemoSettings(scale: 0) }
        await #expect(processExitsWith: .failure) { _ = DemoSettings(scale: 21) }
        await #expect(processExitsWith: .failure) { _ = DemoSettings(duplicateShare: 1.5) }
        await #expect(processExitsWith: .failure) { _ = DemoSettings(runsMax: 0) }
        await #expect(processExitsWith: .failure) { _ = DemoGenerator(seed: 1, startMilliseconds: 0) }
    }
}
