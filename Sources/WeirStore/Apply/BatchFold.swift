//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import WeirModel

/// Applies a batch of deliveries inside its transaction.
struct BatchFold {
    /// What the batch did, and the dictionary entries it added.
    struct Result: Sendable {
        var outcome: BatchOutcome
        var newNames: [NameKey: Int64]
        /// What the cache of demand is to remember.
        var demand: [DemandCache.Key: [DemandPart]]
    }

    private struct JobEntry {
        let stored: JobRow?
        var record: JobRecord<Int64>
    }

    private struct RunEntry {
        let stored: RunRecord<Int64>?
        var record: RunRecord<Int64>
    }

    private let db: any SQLWriting
    private var names: NameInterner
    private var demand: DemandWriter
    private var jobs: [JobKey<Int64>: JobEntry] = [:]
    private var runs: [RunKey<Int64>: RunEntry] = [:]
    private var sourceHosts: [Int64: String] = [:]

    init(db: any SQLWriting, names: NameCache, demand: DemandCache) {
        self.db = db
        self.demand = DemandWriter(db: db, cache: demand)
        self.names = NameInterner(db: db, committed: names)
    }

    mutating func apply(_ deliveries: [Delivery]) throws -> Result {
        var outcome = BatchOutcome()
        outcome.deliveries.reserveCapacity(deliveries.count)
        var seen: Set<DeliveryID> = []
        var rows: [[SQLValue]] = []
        for delivery in deliveries {
            let id = DeliveryID(delivery.id)
            guard seen.insert(id).inserted, try !self.isKnown(id) else {
                outcome.deliveries.append(nil)
                continue
            }
            let (result, row) = try self.merge(delivery, id: id)
            outcome.deliveries.append(result)
            rows.append(row)
        }
        try self.db.executeBatch(
            """
            INSERT INTO deliveries (id, source_id, event_id, received_at, outcome, run_id, job_id)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """, rows: rows)
        let touched = try self.storeRows()
        outcome.runs = Set(
            touched.compactMap { key in
                self.sourceHosts[key.source].map { RunKey(source: $0, id: key.id, attempt: key.attempt) }
            })
        outcome.counts = try Self.counts(self.db)
        return Result(outcome: outcome, newNames: self.names.new, demand: self.demand.changed)
    }

    /// Jobs blocked, queued and running, over all pools.
    static func counts(_ db: some SQLReading) throws -> Counts {
        try db.row(
            "SELECT coalesce(sum(blocked), 0), coalesce(sum(queued), 0), coalesce(sum(running), 0) FROM pools"
        ) { Counts(blocked: $0.integer(0), queued: $0.integer(1), running: $0.integer(2)) } ?? Counts()
    }

    private static let delivery: SQL = "SELECT 1 FROM deliveries WHERE id = \([UInt8]())"

    private func isKnown(_ id: DeliveryID) throws -> Bool {
        try self.db.row(Self.delivery.with([.blob(id.bytes)])) { _ in true } ?? false
    }

    // MARK: - Merging

    private mutating func merge(_ delivery: Delivery, id: DeliveryID) throws -> (DeliveryOutcome, [SQLValue]) {
        let event = try self.names.name(.event, delivery.eventType)
        let result: DeliveryOutcome
        let source: Int64
        let run: Int64
        let job: Int64?
        switch delivery.event {
        case .job(let record):
            var incoming = try self.intern(record)
            incoming.receipts = delivery.isTimely ? Receipts(stage: record.stage, at: delivery.receivedAt) : Receipts()
            result = try self.merge(incoming)
            (source, run, job) = (incoming.key.source, incoming.runID, incoming.key.id)
        case .run(let record):
            let incoming = try self.intern(record)
            result = try self.merge(incoming)
            (source, run, job) = (incoming.key.source, incoming.key.id, nil)
        }
        return (
            result,
            [
                .blob(id.bytes), .integer(source), .integer(event), .integer(delivery.receivedAt.milliseconds),
                .integer(Int64(result.rawValue)), .integer(run), job.sqlValue,
            ]
        )
    }

    private mutating func merge(_ incoming: JobRecord<Int64>) throws -> DeliveryOutcome {
        let entry: JobEntry
        if let known = self.jobs[incoming.key] {
            entry = known
        } else {
            let stored = try JobRow.load(incoming.key, self.db)
            entry = JobEntry(stored: stored, record: stored?.record ?? incoming)
        }
        let merged = entry.record.merged(with: incoming)
        self.jobs[incoming.key] = JobEntry(stored: entry.stored, record: merged)
        return merged.precedence == incoming.precedence ? .applied : .superseded
    }

    private mutating func merge(_ incoming: RunRecord<Int64>) throws -> DeliveryOutcome {
        let entry: RunEntry
        if let known = self.runs[incoming.key] {
            entry = known
        } else {
            let stored = try RunRow.load(incoming.key, self.db)
            entry = RunEntry(stored: stored, record: stored ?? incoming)
        }
        let merged = entry.record.merged(with: incoming)
        self.runs[incoming.key] = RunEntry(stored: entry.stored, record: merged)
        return merged.precedence == incoming.precedence ? .applied : .superseded
    }

    private mutating func intern(_ record: JobRecord<String>) throws -> JobRecord<Int64> {
        let source = try self.source(record.key.source)
        let repository = try self.names.repository(record.repository, source: source)
        return try record.mapNames(source: source, repository: repository) { try self.names.name($0, $1) }
    }

    private mutating func intern(_ record: RunRecord<String>) throws -> RunRecord<Int64> {
        let source = try self.source(record.key.source)
        let repository = try self.names.repository(record.repository, source: source)
        return try record.mapNames(source: source, repository: repository) { try self.names.name($0, $1) }
    }

    private mutating func source(_ host: String) throws -> Int64 {
        let id = try self.names.source(host)
        self.sourceHosts[id] = host
        return id
    }

    // MARK: - Storing

    /// Writes what changed.
    ///
    /// - Returns: The run attempts that changed or whose jobs did.
    private mutating func storeRows() throws -> Set<RunKey<Int64>> {
        var touched: Set<RunKey<Int64>> = []
        var deltas = DemandDeltas<Int64>()
        var jobRows: [[SQLValue]] = []
        for entry in self.jobs.values where entry.stored?.record != entry.record {
            let pool = try self.names.pool(ofLabelSet: entry.record.labels)
            if let stored = entry.stored {
                deltas.withdraw(JobTimeline(stored.record), pool: stored.pool)
                touched.insert(stored.record.runKey)
            }
            deltas.add(JobTimeline(entry.record), pool: pool)
            touched.insert(entry.record.runKey)
            jobRows.append(JobRow(record: entry.record, pool: pool).values)
        }
        try self.db.executeBatch(JobRow.upsert, rows: jobRows)
        var runRows: [[SQLValue]] = []
        for (key, entry) in self.runs where entry.stored != entry.record {
            touched.insert(key)
            runRows.append(RunRow.values(entry.record))
        }
        for key in touched where self.runs[key] == nil {
            if let derived = try self.derive(key) { runRows.append(RunRow.values(derived)) }
        }
        try self.db.executeBatch(RunRow.upsert, rows: runRows)
        try self.demand.apply(deltas)
        return touched
    }

    /// The run as its jobs tell it, when no event of its own has come; nil when nothing is to be written.
    private func derive(_ key: RunKey<Int64>) throws -> RunRecord<Int64>? {
        let stored = try RunRow.load(key, self.db)
        if let stored, !stored.isDerived { return nil }
        guard let derived = try DerivedRun.load(key, self.db) else {
            // Its jobs have moved to a later attempt.
            try self.db.execute(
                "DELETE FROM runs WHERE source_id = \(key.source) AND id = \(key.id) AND attempt = \(key.attempt)")
            return nil
        }
        return derived == stored ? nil : derived
    }
}
