//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import WeirModel

/// The tables the demand curve is kept in, by the length of a row's stretch.
enum DemandTable {
    case seconds
    case minutes
    case hours

    /// Seconds per row.
    var step: Int64 {
        switch self {
        case .seconds: 1
        case .minutes: 60
        case .hours: 3_600
        }
    }

    /// The coarsest table whose rows fit into steps of this length.
    init(fitting step: Int64) {
        self = step % 3_600 == 0 ? .hours : step % 60 == 0 ? .minutes : .seconds
    }
}

/// Reads the demand curve of one runner pool, or of all together.
struct DemandReader {
    private let db: any SQLReading
    private let pool: Int64

    init(db: any SQLReading, pool: Int64) {
        self.db = db
        self.pool = pool
    }

    /// The stretches in [from, to) in which something changed, in order of time.
    func parts(_ table: DemandTable, from: Int64, to: Int64) throws -> [DemandPart] {
        let pool = self.pool
        switch table {
        case .seconds:
            return try self.db.rows(
                """
                SELECT second, blocked, queued, running, started, queue_ms, completed, run_ms FROM demand_seconds
                WHERE pool_id = \(pool) AND second >= \(from) AND second < \(to) ORDER BY second
                """
            ) { DemandPart(start: $0.integer(0), fold: DemandFold(second: DemandDelta($0, first: 1))) }
        case .minutes:
            return try self.db.rows(
                """
                SELECT minute, blocked, queued, running, started, queue_ms, completed, run_ms,
                    blocked_max, queued_max, running_max, demand_max FROM demand_minutes
                WHERE pool_id = \(pool) AND minute >= \(from) AND minute < \(to) ORDER BY minute
                """, Self.part)
        case .hours:
            return try self.db.rows(
                """
                SELECT hour, blocked, queued, running, started, queue_ms, completed, run_ms,
                    blocked_max, queued_max, running_max, demand_max FROM demand_hours
                WHERE pool_id = \(pool) AND hour >= \(from) AND hour < \(to) ORDER BY hour
                """, Self.part)
        }
    }

    private static func part(_ row: any SQLRow) -> DemandPart {
        DemandPart(
            start: row.integer(0),
            fold: DemandFold(
                net: DemandDelta(row, first: 1), blockedMax: row.integer(8), queuedMax: row.integer(9),
                runningMax: row.integer(10), demandMax: row.integer(11)))
    }

    /// The stretches of [from, to) in the fewest rows: seconds at the edges, then minutes, hours within.
    func coarseParts(from: Int64, to: Int64) throws -> [DemandPart] {
        try self.parts(from: from, to: to, [.minutes, .hours][...], finest: .seconds)
    }

    private func parts(
        from: Int64, to: Int64, _ coarser: ArraySlice<DemandTable>, finest: DemandTable
    ) throws -> [DemandPart] {
        guard from < to else { return [] }
        guard let next = coarser.first else { return try self.parts(finest, from: from, to: to) }
        let inner = (from + next.step - 1).floor(to: next.step)
        let outer = to.floor(to: next.step)
        guard inner < outer else { return try self.parts(finest, from: from, to: to) }
        return try self.parts(finest, from: from, to: inner)
            + self.parts(from: inner, to: outer, coarser.dropFirst(), finest: next)
            + self.parts(finest, from: outer, to: to)
    }

    /// Jobs blocked, queued and running just before an instant: those of now less all that changed since.
    ///
    /// - Parameter second: Seconds since the epoch.
    func level(before second: Int64) throws -> Counts {
        var level = try self.countsNow()
        // Nothing lies beyond the year 9999 but mistakes, which then count as now.
        for part in try self.coarseParts(from: second, to: 253_402_300_800) {
            level.blocked -= part.fold.net.blocked
            level.queued -= part.fold.net.queued
            level.running -= part.fold.net.running
        }
        return level
    }

    private func countsNow() throws -> Counts {
        if self.pool == DemandWriter.allPools { return try BatchFold.counts(self.db) }
        return try self.db.row("SELECT blocked, queued, running FROM pools WHERE id = \(self.pool)") {
            Counts(blocked: $0.integer(0), queued: $0.integer(1), running: $0.integer(2))
        } ?? Counts()
    }
}
