//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import WeirDemo

@Suite struct DemoQueueingTests {
    /// A job that ran, with the second it was queued, begun and ended.
    private struct Run {
        /// When it was queued, in seconds since the epoch.
        let queued: Int64
        /// When it began.
        let started: Int64
        /// When it ended; the largest number for a job that still runs.
        let ended: Int64
        /// The machine's name.
        let runner: String
    }

    /// All jobs that ran, by the kind of their machines.
    private func runsByPool() throws -> [PoolKind: [Run]] {
        var pools: [PoolKind: [Run]] = [:]
        for events in Dictionary(grouping: try DemoHistory.clean.get().filter(\.isJob), by: \.id).values {
            guard let running = events.first(where: { $0.status == "in_progress" }), let runner = running.runner,
                let queued = events.first(where: { $0.status == "queued" })
            else { continue }
            let kind = PoolKind.allCases.first {
                $0 == .perRun ? running.labels[0].hasPrefix("runs-on=") : $0.labels == running.labels
            }
            let ended = events.last?.ended ?? .max
            pools[try #require(kind), default: []].append(
                Run(queued: queued.at / 1_000, started: running.started, ended: ended, runner: runner))
        }
        return pools
    }

    @Test("Never are more jobs of a pool in progress than it has runners, and some pool is full at times")
    func runnersAreLimited() throws {
        var full = 0
        for (kind, runs) in try self.runsByPool() {
            // Half-open: an end precedes a start in the same second.
            let steps = runs.flatMap { [($0.started, 1), ($0.ended, -1)] }.sorted { $0 < $1 }
            var busy = 0
            var most = 0
            for (_, step) in steps {
                busy += step
                most = max(most, busy)
            }
            let size = RunnerPool(kind: kind, scale: DemoHistory.scale).size
            #expect(most <= size, "\(kind): \(most) jobs on \(size) runners")
            if most == size { full += 1 }
        }
        #expect(full > 0)
    }

    @Test("No machine has two jobs at once")
    func oneJobPerRunner() throws {
        for runs in try self.runsByPool().values {
            for jobs in Dictionary(grouping: runs, by: \.runner).values {
                let sorted = jobs.sorted { ($0.started, $0.ended) < ($1.started, $1.ended) }
                #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.ended <= $1.started })
            }
        }
    }

    @Test("Waits grow in the busy hours")
    func waitsGrow() throws {
        let runs = try self.runsByPool().values.flatMap { $0 }
        func mean(_ hours: Range<Int64>) -> Double {
            let waits = runs.filter { hours.contains($0.queued / 3_600 % 24) }.map { Double($0.started - $0.queued) }
            return waits.reduce(0, +) / Double(max(1, waits.count))
        }
        #expect(mean(9..<17) > 2 * mean(0..<6))
    }

    @Test("More runs arrive in the working hours than at night, and on a weekday than on a Sunday")
    func arrivalsFollowTheClock() throws {
        let runs = try DemoHistory.clean.get().filter { !$0.isJob && $0.action == "requested" && $0.attempt == 1 }
        func count(_ hours: Range<Int64>) -> Int {
            runs.filter { hours.contains($0.created / 3_600 % 24) }.count
        }
        #expect(count(9..<17) > 5 * count(0..<4))
        let monday = DemoHistory.monday + 10 * 3_600_000
        #expect(ArrivalCurve.jobsPerMinute(at: monday) == 25)
        #expect(ArrivalCurve.jobsPerMinute(at: monday - DemoHistory.day) == 9)
        #expect(ArrivalCurve.jobsPerMinute(at: monday + 30 * 60_000) == 24)
    }

    @Test("On average a working day has as many jobs as the curve says")
    func volume() throws {
        let jobs = Set(try DemoHistory.clean.get().filter(\.isJob).map(\.id)).count
        let expected = ArrivalCurve.weekday.reduce(0, +) * 60 * DemoHistory.scale
        #expect(Double(jobs) > expected * 0.85 && Double(jobs) < expected * 1.25, "\(jobs) of \(expected)")
    }

    @Test("Durations run from seconds to twenty minutes")
    func durations() throws {
        let durations = try self.runsByPool().values.flatMap { $0 }.filter { $0.ended != .max }
            .map { $0.ended - $0.started }.sorted()
        let median = durations[durations.count / 2]
        #expect(median > 60 && median < 240)
        #expect((durations.first ?? 0) < 15 && (durations.last ?? 0) <= 1_201)
    }
}
