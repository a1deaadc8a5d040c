//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// Demand as anyone would count it: for every second, the jobs that are at each stage in it.
struct DemandSweep {
    let from: Int64
    let to: Int64
    private(set) var blocked: [Int64]
    private(set) var queued: [Int64]
    private(set) var running: [Int64]

    /// - Parameters:
    ///   - from: Seconds since the epoch; levels before count as having been there at `from`.
    ///   - to: The second after the last.
    init(_ timelines: [JobTimeline], from: Int64, to: Int64) {
        self.from = from
        self.to = to
        let nothing = [Int64](repeating: 0, count: Int(to - from))
        var levels = [nothing, nothing, nothing]
        for timeline in timelines {
            let ends = [timeline.createdAt, timeline.queuedAt, timeline.startedAt, timeline.completedAt].map(\.?.second)
            guard let created = ends[0] else { continue }
            let intervals = [
                (created, ends[1] ?? ends[2] ?? ends[3]), (ends[1], ends[2] ?? ends[3]), (ends[2], ends[3]),
            ]
            for (stage, (start, end)) in intervals.enumerated() {
                guard let start else { continue }
                let first = max(start, from)
                let last = min(end ?? to, to)
                guard first < last else { continue }
                for second in first..<last { levels[stage][Int(second - from)] += 1 }
            }
        }
        self.blocked = levels[0]
        self.queued = levels[1]
        self.running = levels[2]
    }

    private func slice(_ levels: [Int64], _ range: Range<Int64>) -> ArraySlice<Int64> {
        levels[Int(range.lowerBound - self.from)..<Int(min(range.upperBound, self.to) - self.from)]
    }

    func blockedMax(_ range: Range<Int64>) -> Int64 { self.slice(self.blocked, range).max() ?? 0 }
    func queuedMax(_ range: Range<Int64>) -> Int64 { self.slice(self.queued, range).max() ?? 0 }
    func runningMax(_ range: Range<Int64>) -> Int64 { self.slice(self.running, range).max() ?? 0 }
    func peak(_ range: Range<Int64>) -> Int64 {
        zip(self.slice(self.queued, range), self.slice(self.running, range)).map(+).max() ?? 0
    }

    /// Levels in one second.
    func levels(at second: Int64) -> (blocked: Int64, queued: Int64, running: Int64) {
        let index = Int(second - self.from)
        return (self.blocked[index], self.queued[index], self.running[index])
    }
}

/// Jobs at random, and their deltas.
struct RandomDemand {
    let timelines: [JobTimeline]

    /// Jobs created within a number of seconds after ``JobFixture/epochSeconds``, at every stage, with parts of seconds.
    init(count: Int, within seconds: Int, using random: inout some RandomNumberGenerator) {
        self.timelines = (0..<count).map { _ in
            func part(_ limit: Int) -> Double { Double(Int.random(in: 0..<(limit * 1_000), using: &random)) / 1_000 }
            let created = part(seconds)
            let held = Bool.random(using: &random) ? part(120) : 0
            let started = created + held + [0, part(2), part(600)][Int.random(in: 0..<3, using: &random)]
            let completed = started + [0, part(2), part(2_000)][Int.random(in: 0..<3, using: &random)]
            let receipts = JobFixture.receipts(
                blocked: held > 0 ? created...created : nil, queued: (created + held)...(created + held))
            switch Int.random(in: 0..<10, using: &random) {
            case 0: return JobFixture.timeline(.waiting, created: created, receipts: receipts)
            case 1: return JobFixture.timeline(.queued, created: created, receipts: receipts)
            case 2: return JobFixture.timeline(.inProgress, created: created, started: started, receipts: receipts)
            case 3: return JobFixture.timeline(.completed, .skipped, created: created, completed: completed)
            case 4:
                return JobFixture.timeline(
                    .completed, .cancelled, created: created, started: started, completed: completed,
                    receipts: receipts)
            default:
                return JobFixture.timeline(
                    .completed, .success, created: created, started: started, completed: completed, runner: 1,
                    receipts: receipts)
            }
        }
    }

    /// What changed in each second, in order.
    static func seconds(_ timelines: [JobTimeline]) -> [DemandPart] {
        var deltas = DemandDeltas<Int>()
        for timeline in timelines { deltas.add(timeline, pool: 0) }
        return Self.seconds(deltas)
    }

    static func seconds(_ deltas: DemandDeltas<Int>) -> [DemandPart] {
        deltas.deltas.filter { !$0.value.isZero }.sorted { $0.key.second < $1.key.second }.map {
            DemandPart(start: $0.key.second, fold: DemandFold(second: $0.value))
        }
    }

    /// Folds parts to stretches of a length; those in which nothing changed are left out.
    static func fold(_ parts: [DemandPart], to step: Int64) -> [DemandPart] {
        Dictionary(grouping: parts) { $0.start - $0.start % step }.sorted { $0.key < $1.key }.map {
            DemandPart(start: $0.key, fold: DemandFold.fold($0.value, from: $0.key))
        }
    }
}
