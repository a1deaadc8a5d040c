//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import SQLCore
public import WeirModel

/// The board's headline.
public struct Summary: Sendable, Equatable {
    /// Jobs now.
    public var counts: Counts
    /// Highest sum of running and queued jobs in the period.
    public var peak: Int64
    /// Average time waited by the jobs that started in the period; nil when none did.
    public var averageQueueSeconds: Double?
    /// Average time run by the jobs that ended in the period; nil when none did.
    public var averageRunSeconds: Double?
}

extension WeirStore {
    /// The figures of a period that ends now.
    ///
    /// - Parameters:
    ///   - seconds: The period's length.
    ///   - now: The instant the period ends.
    ///   - source: Nil for all sources. One of several is computed from its jobs of the period.
    /// - Complexity: O(1) in jobs, but O(n log n) in the jobs of one source among several.
    public func summary(
        seconds: Int64, now: Timestamp, source: String? = nil, lease: Lease
    ) async throws -> Summary {
        try await self.database.read(lease) { db in
            if let source {
                let hosts = try db.rows("SELECT host FROM sources") { $0.text(0) }
                if hosts != [source] { return try Self.summary(db, source: source, seconds: seconds, now: now) }
            }
            let counts = try BatchFold.counts(db)
            let reader = DemandReader(db: db, pool: DemandWriter.allPools)
            let to = now.second + 1
            let from = to - seconds
            let level = try reader.level(before: from)
            let fold = DemandFold.fold(try reader.coarseParts(from: from, to: to), from: from)
            return Summary(
                counts: counts,
                // Jobs dated in the future are counted as soon as they are known.
                peak: max(level.queued + level.running + fold.demandMax, counts.queued + counts.running),
                averageQueueSeconds: Self.average(fold.net.queueMilliseconds, fold.net.started),
                averageRunSeconds: Self.average(fold.net.runMilliseconds, fold.net.completed))
        }
    }

    private static func summary(
        _ db: any SQLReading, source: String, seconds: Int64, now: Timestamp
    ) throws -> Summary {
        let to = now.second + 1
        let from = to - seconds
        let deltas = try Self.deltas(db, repository: nil, source: source, pool: nil, from: from, to: to)
        var counts = Counts()
        var opening: Int64 = 0
        var parts: [DemandPart] = []
        for (key, delta) in deltas.deltas.sorted(by: { $0.key.second < $1.key.second }) {
            counts.blocked += delta.blocked
            counts.queued += delta.queued
            counts.running += delta.running
            if key.second < from { opening += delta.queued + delta.running }
            if (from..<to).contains(key.second) {
                parts.append(DemandPart(start: key.second, fold: DemandFold(second: delta)))
            }
        }
        let fold = DemandFold.fold(parts, from: from)
        return Summary(
            counts: counts, peak: max(opening + fold.demandMax, counts.queued + counts.running),
            averageQueueSeconds: Self.average(fold.net.queueMilliseconds, fold.net.started),
            averageRunSeconds: Self.average(fold.net.runMilliseconds, fold.net.completed))
    }

    /// Jobs blocked, queued and running now.
    public func counts(lease: Lease) async throws -> Counts {
        try await self.database.read(lease) { try BatchFold.counts($0) }
    }

    private static func average(_ milliseconds: Int64, _ count: Int64) -> Double? {
        count > 0 ? Double(milliseconds) / 1_000 / Double(count) : nil
    }

    /// The demand curve of a period.
    ///
    /// - Parameters:
    ///   - from: Rounded down to a whole step.
    ///   - pool: A runner pool's name; nil for all.
    ///   - repository: Owner and name; nil for all. The curve is then computed from the repository's jobs.
    ///   - source: Narrows the repository; nil for all sources.
    /// - Complexity: O(steps) without a repository; with one, O(n log n) in its jobs of the period.
    public func demand(
        from: Timestamp, to: Timestamp, pool: String?, repository: String?, source: String?, lease: Lease
    ) async throws -> DemandCurve {
        let step = Self.step(seconds: to.second - from.second)
        let first = from.second.floor(to: step)
        let end = to.second + 1
        return try await self.database.read(lease) { db in
            var number: Int64?
            if let pool {
                number = try db.row("SELECT id FROM pools WHERE name = \(pool)") { $0.integer(0) }
                guard number != nil else {
                    return DemandCurve(from: first, to: end, stepSeconds: step, opening: (0, 0, 0), parts: [])
                }
            }
            if repository != nil || source != nil {
                let deltas = try Self.deltas(
                    db, repository: repository, source: source, pool: number, from: first, to: end)
                return Self.curve(deltas, from: first, to: end, step: step)
            }
            let reader = DemandReader(db: db, pool: number ?? DemandWriter.allPools)
            let level = try reader.level(before: first)
            return DemandCurve(
                from: first, to: end, stepSeconds: step, opening: (level.blocked, level.queued, level.running),
                parts: try reader.parts(.init(fitting: step), from: first, to: end))
        }
    }

    /// A step that cuts a period into at most about 180.
    static func step(seconds: Int64) -> Int64 {
        let steps: [Int64] = [1, 10, 60, 300, 600, 1_800, 3_600, 14_400, 86_400, 604_800]
        return steps.first { seconds / $0 <= 180 } ?? 2_592_000
    }

    /// What the jobs of some repositories changed up to `to`, those that ended before `from` left out.
    private static func deltas(
        _ db: any SQLReading, repository: String?, source: String?, pool: Int64?, from: Int64, to: Int64
    ) throws -> DemandDeltas<Int64> {
        let ids = try Self.repositories(db, name: repository, source: source)
        var deltas = DemandDeltas<Int64>()
        for id in ids {
            for ended: SQL in ["completed_at IS NULL", "completed_at >= \(from * 1_000)"] {
                var condition: SQL =
                    "repository_id = \(id) AND \(ended) AND coalesce(created_at, started_at, completed_at) < \(to * 1_000)"
                if let pool { condition += " AND pool_id = \(pool)" }
                try db.forEachRow("SELECT \(JobRow.columns) FROM jobs WHERE \(condition)") { row in
                    deltas.add(JobTimeline(JobRow(row).record), pool: 0)
                    return true
                }
            }
        }
        return deltas
    }

    private static func curve(_ deltas: DemandDeltas<Int64>, from: Int64, to: Int64, step: Int64) -> DemandCurve {
        var opening: (blocked: Int64, queued: Int64, running: Int64) = (0, 0, 0)
        var parts: [DemandPart] = []
        for (key, delta) in deltas.deltas.sorted(by: { $0.key.second < $1.key.second }) where key.second < to {
            if key.second >= from {
                parts.append(DemandPart(start: key.second, fold: DemandFold(second: delta)))
            } else {
                opening.blocked += delta.blocked
                opening.queued += delta.queued
                opening.running += delta.running
            }
        }
        return DemandCurve(from: from, to: to, stepSeconds: step, opening: opening, parts: parts)
    }
}
