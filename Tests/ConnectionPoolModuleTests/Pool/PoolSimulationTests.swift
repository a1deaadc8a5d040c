//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import TestSupport
import Testing

@testable import ConnectionPoolModule

/// Seeded interleavings of all events against what must always hold.
///
/// `WEIR_SIMULATION_SEED` repeats a run, `WEIR_SIMULATION_STEPS` makes it longer than its 1,000,000 steps.
@Suite("Pool simulation", .serialized, .timeLimit(.minutes(60)))
struct PoolSimulationTests {
    /// Many lives.
    struct Run {
        var lives = 0
        var steps = 0
        var answered = 0
        var sights = [Int](repeating: 0, count: PoolModel.Sight.allCases.count)
        var failure: (seed: UInt64, step: Int, violation: PoolModel.Violation)?

        /// Lives of these seeds, and then of others, until there were enough steps or a fault was found.
        init(seeds: [UInt64], first: UInt64, steps: Int, bug: PlantedBug? = nil) {
            var generator = SeededGenerator(seed: first)
            for seed in seeds where self.failure == nil { self.live(seed: seed, bug: bug) }
            while self.failure == nil, self.steps < steps { self.live(seed: generator.next(), bug: bug) }
        }

        private mutating func live(seed: UInt64, bug: PlantedBug?) {
            var world = PoolWorld(seed: seed, bug: bug)
            var step = 0
            do throws(PoolModel.Violation) {
                try world.live(step: &step)
            } catch {
                self.failure = (seed, step, error)
            }
            self.lives += 1
            self.steps += step
            self.answered += world.model.answered
            for index in self.sights.indices { self.sights[index] += world.model.sights[index] }
        }
    }

    static let steps = ProcessInfo.processInfo.environment["WEIR_SIMULATION_STEPS"].flatMap(Int.init) ?? 1_000_000
    static let seed =
        ProcessInfo.processInfo.environment["WEIR_SIMULATION_SEED"].flatMap(UInt64.init)
        ?? UInt64.random(in: 1...UInt64.max)

    @Test("every lease is answered once and in its turn, and no connection is lost, idle beside a waiter or used twice")
    func allHolds() async {
        let started = ContinuousClock.now
        print("simulation: seed \(Self.seed)")
        let runs = await withTaskGroup(of: Run.self) { group in
            for half in UInt64(0)..<2 {
                group.addTask {
                    Run(
                        seeds: half == 0 ? SimulationSeeds.kept : [], first: Self.seed &+ half,
                        steps: Self.steps / 2)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for case let (seed, step, violation)? in runs.map(\.failure) {
            Issue.record("step \(step): \(violation); add to SimulationSeeds.kept: \(seed),  // \(violation)")
        }
        let (steps, lives) = (runs.reduce(0) { $0 + $1.steps }, runs.reduce(0) { $0 + $1.lives })
        let answered = runs.reduce(0) { $0 + $1.answered }
        print("simulation: \(steps) steps in \(lives) lives, \(answered) leases, \(ContinuousClock.now - started)")
        let sights = PoolModel.Sight.allCases.map { sight in (sight, runs.reduce(0) { $0 + $1.sights[sight.rawValue] })
        }
        print("simulation: saw \(sights.map { "\($0.0) \($0.1)" }.joined(separator: ", "))")
        guard runs.allSatisfy({ $0.failure == nil }) else { return }
        #expect(steps >= Self.steps)
        // What never happens is not tested. The rarest happen about once in 10,000 steps.
        for (sight, count) in sights { #expect(count >= steps / 50_000, "\(sight)") }
    }

    @Test("control: a planted fault is found", arguments: PlantedBug.allCases)
    func planted(_ bug: PlantedBug) {
        let run = Run(seeds: [], first: Self.seed, steps: Self.steps, bug: bug)
        guard let failure = run.failure else {
            Issue.record("\(bug) was not found in \(run.steps) steps")
            return
        }
        print("planted \(bug): found after \(run.steps) steps, seed \(failure.seed): \(failure.violation)")
    }
}
