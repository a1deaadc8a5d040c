//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import WeirModel

/// Adds deltas to the demand curve and refolds what they touch, in the transaction that changes the rows.
struct DemandWriter {
    /// Stands for all pools together; no pool has this number.
    static let allPools: Int64 = 0

    private let db: any SQLWriting

    init(db: any SQLWriting) { self.db = db }

    private struct Stretch: Hashable {
        let pool: Int64
        let start: Int64
    }

    func apply(_ deltas: DemandDeltas<Int64>) throws {
        var seconds: [Stretch: DemandDelta] = [:]
        var counts: [Int64: Counts] = [:]
        for (key, delta) in deltas.deltas where !delta.isZero {
            seconds[Stretch(pool: key.pool, start: key.second), default: DemandDelta()] += delta
            seconds[Stretch(pool: Self.allPools, start: key.second), default: DemandDelta()] += delta
            counts[key.pool, default: Counts()].add(delta)
        }
        guard !seconds.isEmpty else { return }
        // In key order, so that neighbours share pages, and two writers of a shared database never wait in a circle.
        let ordered = seconds.sorted { ($0.key.pool, $0.key.start) < ($1.key.pool, $1.key.start) }
        try self.db.executeBatch(
            Self.addSeconds, rows: ordered.map { [.integer($0.key.pool), .integer($0.key.start)] + $0.value.values })
        try self.refold(ordered.map(\.key), from: .seconds, to: .minutes, with: Self.setMinutes)
        try self.refold(ordered.map(\.key), from: .minutes, to: .hours, with: Self.setHours)
        for (pool, change) in counts.sorted(by: { $0.key < $1.key }) {
            try self.db.execute(
                """
                UPDATE pools SET blocked = blocked + \(change.blocked), queued = queued + \(change.queued),
                    running = running + \(change.running) WHERE id = \(pool)
                """)
        }
    }

    private func refold(
        _ touched: [Stretch], from parts: DemandTable, to whole: DemandTable, with upsert: SQLTemplate
    ) throws {
        var stretches: [Stretch] = []
        for stretch in touched {
            let whole = Stretch(pool: stretch.pool, start: stretch.start.floor(to: whole.step))
            // `touched` is sorted, so repetitions are neighbours.
            if stretches.last != whole { stretches.append(whole) }
        }
        let rows = try stretches.map { stretch in
            let reader = DemandReader(db: self.db, pool: stretch.pool)
            let changed = try reader.parts(parts, from: stretch.start, to: stretch.start + whole.step)
            let fold = DemandFold.fold(changed, from: stretch.start)
            return [.integer(stretch.pool), .integer(stretch.start)] + fold.values
        }
        try self.db.executeBatch(upsert, rows: rows)
    }

    private static let addSeconds: SQLTemplate = """
        INSERT INTO demand_seconds
            (pool_id, second, blocked, queued, running, started, queue_ms, completed, run_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (pool_id, second) DO UPDATE SET
            blocked = demand_seconds.blocked + excluded.blocked, queued = demand_seconds.queued + excluded.queued,
            running = demand_seconds.running + excluded.running, started = demand_seconds.started + excluded.started,
            queue_ms = demand_seconds.queue_ms + excluded.queue_ms,
            completed = demand_seconds.completed + excluded.completed, run_ms = demand_seconds.run_ms + excluded.run_ms
        """

    private static let setMinutes: SQLTemplate = """
        INSERT INTO demand_minutes
            (pool_id, minute, blocked, queued, running, started, queue_ms, completed, run_ms,
             blocked_max, queued_max, running_max, demand_max)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (pool_id, minute) DO UPDATE SET
            blocked = excluded.blocked, queued = excluded.queued, running = excluded.running,
            started = excluded.started, queue_ms = excluded.queue_ms, completed = excluded.completed,
            run_ms = excluded.run_ms, blocked_max = excluded.blocked_max, queued_max = excluded.queued_max,
            running_max = excluded.running_max, demand_max = excluded.demand_max
        """

    private static let setHours: SQLTemplate = """
        INSERT INTO demand_hours
            (pool_id, hour, blocked, queued, running, started, queue_ms, completed, run_ms,
             blocked_max, queued_max, running_max, demand_max)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (pool_id, hour) DO UPDATE SET
            blocked = excluded.blocked, queued = excluded.queued, running = excluded.running,
            started = excluded.started, queue_ms = excluded.queue_ms, completed = excluded.completed,
            run_ms = excluded.run_ms, blocked_max = excluded.blocked_max, queued_max = excluded.queued_max,
            running_max = excluded.running_max, demand_max = excluded.demand_max
        """
}

extension DemandDelta {
    var values: [SQLValue] {
        [
            .integer(self.blocked), .integer(self.queued), .integer(self.running), .integer(self.started),
            .integer(self.queueMilliseconds), .integer(self.completed), .integer(self.runMilliseconds),
        ]
    }

    /// Reads seven columns from `first` on.
    init(_ row: any SQLRow, first: Int) {
        self.init()
        self.blocked = row.integer(first)
        self.queued = row.integer(first + 1)
        self.running = row.integer(first + 2)
        self.started = row.integer(first + 3)
        self.queueMilliseconds = row.integer(first + 4)
        self.completed = row.integer(first + 5)
        self.runMilliseconds = row.integer(first + 6)
    }
}

extension DemandFold {
    var values: [SQLValue] {
        self.net.values + [
            .integer(self.blockedMax), .integer(self.queuedMax), .integer(self.runningMax), .integer(self.demandMax),
        ]
    }
}

extension Counts {
    fileprivate mutating func add(_ delta: DemandDelta) {
        self.blocked += delta.blocked
        self.queued += delta.queued
        self.running += delta.running
    }
}

extension Int64 {
    /// The greatest multiple of `step` that is not greater.
    func floor(to step: Int64) -> Int64 {
        let remainder = self % step
        return remainder < 0 ? self - remainder - step : self - remainder
    }
}
