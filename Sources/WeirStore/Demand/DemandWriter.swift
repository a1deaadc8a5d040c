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
    private let cache: DemandCache
    /// What the cache is to remember once the transaction is committed.
    private(set) var changed: [DemandCache.Key: [DemandPart]] = [:]

    init(db: any SQLWriting, cache: DemandCache) {
        self.db = db
        self.cache = cache
    }

    private struct Stretch: Hashable {
        let pool: Int64
        let start: Int64
    }

    mutating func apply(_ deltas: DemandDeltas<Int64>) throws {
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
        let minutes = try self.refold(ordered, .seconds, into: .minutes) { old, delta in
            var net = old?.net ?? DemandDelta()
            net += delta
            return DemandFold(second: net)
        }
        let hours = try self.refold(minutes, .minutes, into: .hours) { $1 }
        try self.db.executeBatch(
            Self.addSeconds, rows: ordered.map { [.integer($0.key.pool), .integer($0.key.start)] + $0.value.values })
        try self.db.executeBatch(Self.setMinutes, rows: minutes.map(Self.row))
        try self.db.executeBatch(Self.setHours, rows: hours.map(Self.row))
        for (pool, change) in counts.sorted(by: { $0.key < $1.key }) {
            try self.db.execute(
                """
                UPDATE pools SET blocked = blocked + \(change.blocked), queued = queued + \(change.queued),
                    running = running + \(change.running) WHERE id = \(pool)
                """)
        }
    }

    /// Folds the stretches anew of which parts have changed.
    ///
    /// - Parameters:
    ///   - changes: The parts and what has changed, in the order of pools and times.
    ///   - change: A part with its change; it is given nil where there was none.
    /// - Returns: The stretches in the same order.
    private mutating func refold<Change>(
        _ changes: [(key: Stretch, value: Change)], _ partTable: DemandTable, into table: DemandTable,
        _ change: (DemandFold?, Change) -> DemandFold
    ) throws -> [(key: Stretch, value: DemandFold)] {
        var result: [(key: Stretch, value: DemandFold)] = []
        var rest = changes[...]
        while let first = rest.first {
            let whole = Stretch(pool: first.key.pool, start: first.key.start.floor(to: table.step))
            let end = whole.start + table.step
            let count = rest.prefix { $0.key.pool == whole.pool && $0.key.start < end }.count
            let key = DemandCache.Key(parts: partTable, pool: whole.pool, start: whole.start)
            var parts =
                try self.cache.find(key)
                ?? DemandReader(db: self.db, pool: whole.pool).parts(partTable, from: whole.start, to: end)
            for (part, value) in rest.prefix(count) {
                let index = parts.firstIndex { $0.start >= part.start } ?? parts.count
                let old = index < parts.count && parts[index].start == part.start ? parts[index] : nil
                let new = DemandPart(start: part.start, fold: change(old?.fold, value))
                parts.replaceSubrange(index..<(old == nil ? index : index + 1), with: CollectionOfOne(new))
            }
            self.changed[key] = parts
            result.append((whole, DemandFold.fold(parts, from: whole.start)))
            rest = rest.dropFirst(count)
        }
        return result
    }

    private static func row(_ stretch: (key: Stretch, value: DemandFold)) -> [SQLValue] {
        [.integer(stretch.key.pool), .integer(stretch.key.start)] + stretch.value.values
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
