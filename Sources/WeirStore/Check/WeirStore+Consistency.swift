//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import SQLCore
import WeirModel

extension WeirStore {
    /// Compares what is kept beside the rows with what the rows say: the demand curve, its folds, the counts per
    /// runner pool, and the runs known only by their jobs.
    ///
    /// - Returns: The first differences, in words; empty when all agree.
    /// - Complexity: O(n) in jobs, and memory for the seconds in which something changed.
    public func differences(lease: Lease) async throws -> [String] {
        try await self.database.read(lease) { db in
            var check = ConsistencyCheck(db: db)
            try check.run()
            return check.differences
        }
    }
}

/// One pass over the database.
private struct ConsistencyCheck {
    private static let differencesMax = 20

    private struct Stretch: Hashable {
        let pool: Int64
        let start: Int64
    }

    let db: any SQLReading
    private(set) var differences: [String] = []

    init(db: any SQLReading) { self.db = db }

    private mutating func report(_ text: String) {
        if self.differences.count < Self.differencesMax { self.differences.append(text) }
    }

    mutating func run() throws {
        let seconds = try self.secondsFromRows()
        try self.compareSeconds(seconds)
        try self.compareCounts(seconds)
        for (table, step) in [(DemandTable.minutes, Int64(60)), (.hours, 3_600)] {
            try self.compareFolds(seconds, table, step: step)
        }
        try self.compareRuns()
    }

    private func secondsFromRows() throws -> [Stretch: DemandDelta] {
        var deltas = DemandDeltas<Int64>()
        try self.db.forEachRow("SELECT \(JobRow.columns) FROM jobs") { row in
            let row = JobRow(row)
            deltas.add(JobTimeline(row.record), pool: row.pool)
            return true
        }
        var seconds: [Stretch: DemandDelta] = [:]
        for (key, delta) in deltas.deltas where !delta.isZero {
            seconds[Stretch(pool: key.pool, start: key.second), default: DemandDelta()] += delta
            seconds[Stretch(pool: DemandWriter.allPools, start: key.second), default: DemandDelta()] += delta
        }
        return seconds.filter { !$0.value.isZero }
    }

    private mutating func compareSeconds(_ wanted: [Stretch: DemandDelta]) throws {
        var stored: [Stretch: DemandDelta] = [:]
        try self.db.forEachRow(
            """
            SELECT pool_id, second, blocked, queued, running, started, queue_ms, completed, run_ms
            FROM demand_seconds
            """
        ) { row in
            stored[Stretch(pool: row.integer(0), start: row.integer(1))] = DemandDelta(row, first: 2)
            return true
        }
        for key in Set(wanted.keys).union(stored.keys) {
            let (left, right) = (wanted[key] ?? DemandDelta(), stored[key] ?? DemandDelta())
            if left != right { self.report("pool \(key.pool), second \(key.start): rows say \(left), stored \(right)") }
        }
    }

    private mutating func compareCounts(_ seconds: [Stretch: DemandDelta]) throws {
        var wanted: [Int64: DemandDelta] = [:]
        for (key, delta) in seconds { wanted[key.pool, default: DemandDelta()] += delta }
        let stored = try self.db.rows("SELECT id, blocked, queued, running FROM pools") { row in
            (id: row.integer(0), counts: [row.integer(1), row.integer(2), row.integer(3)])
        }
        for pool in stored {
            let sum = wanted[pool.id] ?? DemandDelta()
            if pool.counts != [sum.blocked, sum.queued, sum.running] {
                self.report("pool \(pool.id): rows say \(sum), stored \(pool.counts)")
            }
        }
        let byStage = try self.db.rows("SELECT stage, count(*) FROM jobs GROUP BY stage") { row in
            (stage: row.integer(0), count: row.integer(1))
        }
        let counts = try BatchFold.counts(self.db)
        for (stage, count) in [(Int64(1), counts.blocked), (2, counts.queued), (3, counts.running)] {
            let rows = byStage.first { $0.stage == stage }?.count ?? 0
            if rows != count { self.report("stage \(stage): \(rows) rows, \(count) counted") }
        }
    }

    private mutating func compareFolds(
        _ seconds: [Stretch: DemandDelta], _ table: DemandTable, step: Int64
    ) throws {
        var parts: [Stretch: [DemandPart]] = [:]
        for (key, delta) in seconds.sorted(by: { $0.key.start < $1.key.start }) {
            parts[Stretch(pool: key.pool, start: key.start.floor(to: step)), default: []].append(
                DemandPart(start: key.start, fold: DemandFold(second: delta)))
        }
        for pool in Set(parts.keys.map(\.pool)) {
            let stored = Dictionary(
                uniqueKeysWithValues: try DemandReader(db: self.db, pool: pool).parts(table, from: 0, to: .max)
                    .map { ($0.start, $0.fold) })
            for (key, parts) in parts where key.pool == pool {
                let fold = DemandFold.fold(parts, from: key.start)
                if stored[key.start]?.net != fold.net || stored[key.start]?.demandMax != fold.demandMax {
                    self.report("pool \(pool), \(step) s from \(key.start): rows say \(fold)")
                }
            }
        }
    }

    private mutating func compareRuns() throws {
        let keys = try self.db.rows("SELECT DISTINCT source_id, run_id, attempt FROM jobs") { row in
            RunKey(source: row.integer(0), id: row.integer(1), attempt: row.integer(2))
        }
        for key in keys {
            guard let stored = try RunRow.load(key, self.db) else {
                self.report("run \(key.id), attempt \(key.attempt) is missing")
                continue
            }
            if stored.isDerived, try DerivedRun.load(key, self.db) != stored {
                self.report("run \(key.id), attempt \(key.attempt) does not agree with its jobs")
            }
        }
    }
}
