//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import WeirModel

/// A row of `runs`.
enum RunRow {
    static let columns: SQL = """
        source_id, id, attempt, stage, order_time, order_word, digest, status, conclusion, repository_id, name_id,
        title, branch_id, commit_sha, event_id, actor_id, created_at, started_at, updated_at, provenance
        """

    static let upsert: SQLTemplate = """
        INSERT INTO runs (
            source_id, id, attempt, stage, order_time, order_word, digest, status, conclusion, repository_id, name_id,
            title, branch_id, commit_sha, event_id, actor_id, created_at, started_at, updated_at, provenance)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (source_id, id, attempt) DO UPDATE SET
            stage = excluded.stage, order_time = excluded.order_time, order_word = excluded.order_word,
            digest = excluded.digest, status = excluded.status, conclusion = excluded.conclusion,
            repository_id = excluded.repository_id, name_id = excluded.name_id, title = excluded.title,
            branch_id = excluded.branch_id, commit_sha = excluded.commit_sha, event_id = excluded.event_id,
            actor_id = excluded.actor_id, created_at = excluded.created_at, started_at = excluded.started_at,
            updated_at = excluded.updated_at, provenance = excluded.provenance
        """

    private static let selection: SQL =
        "SELECT \(Self.columns) FROM runs WHERE source_id = \(0) AND id = \(0) AND attempt = \(0)"

    static func load(_ key: RunKey<Int64>, _ db: some SQLReading) throws -> RunRecord<Int64>? {
        try db.row(
            Self.selection.with([.integer(key.source), .integer(key.id), .integer(key.attempt)]), Self.record)
    }

    static func record(_ row: any SQLRow) -> RunRecord<Int64> {
        var record = RunRecord(
            key: RunKey(source: row.integer(0), id: row.integer(1), attempt: row.integer(2)),
            precedence: .init(row, first: 3, attempt: 0), status: .init(row, 7), conclusion: .init(row, 8),
            repository: row.integer(9))
        record.name = row.optionalInteger(10)
        record.title = row.optionalText(11)
        record.branch = row.optionalInteger(12)
        record.commit = row.optionalText(13)
        record.event = row.optionalInteger(14)
        record.actor = row.optionalInteger(15)
        record.createdAt = row.integer(16) == 0 ? nil : row.time(16)
        record.startedAt = row.time(17)
        record.updatedAt = row.time(18)
        record.provenance = Provenance(bytes: row.optionalBlob(19), attempt: 0)
        return record
    }

    static func values(_ record: RunRecord<Int64>) -> [SQLValue] {
        var values: [SQLValue] = [
            .integer(record.key.source), .integer(record.key.id), .integer(record.key.attempt),
        ]
        values += record.precedence.values
        values += [
            .integer(Int64(record.status.rawValue)), record.conclusion.value, .integer(record.repository),
            record.name.sqlValue, record.title.sqlValue, record.branch.sqlValue, record.commit.sqlValue,
            record.event.sqlValue, record.actor.sqlValue,
            // Lists are sorted by it, so it is never null; the epoch stands for unknown.
            .integer(record.createdAt?.milliseconds ?? 0),
            record.startedAt.value, record.updatedAt.value, record.provenance.bytes.sqlValue,
        ]
        return values
    }
}

/// A run as its jobs tell it.
enum DerivedRun {
    /// - Returns: Nil when there are no jobs.
    static func load(_ key: RunKey<Int64>, _ db: some SQLReading) throws -> RunRecord<Int64>? {
        var outline = RunOutline()
        try db.forEachRow(
            """
            SELECT status, conclusion, min(created_at), min(started_at), max(completed_at) FROM jobs
            WHERE source_id = \(key.source) AND run_id = \(key.id) AND attempt = \(key.attempt)
            GROUP BY status, conclusion
            """
        ) { row in
            outline.add(
                status: .init(row, 0), conclusion: .init(row, 1), createdAt: row.time(2), startedAt: row.time(3),
                completedAt: row.time(4))
            return true
        }
        // The job with the least number speaks for what all jobs of a run share.
        let first = try db.row(
            """
            SELECT repository_id, workflow_id, branch_id, commit_sha, actor_id FROM jobs
            WHERE source_id = \(key.source) AND run_id = \(key.id) AND attempt = \(key.attempt) ORDER BY id LIMIT 1
            """
        ) { row in
            var record = RunRecord(
                key: key, precedence: Precedence(attempt: 0, stage: .derived, time: 0, word: 0, digest: 0),
                status: outline.status ?? .queued, conclusion: outline.conclusion, repository: row.integer(0))
            record.name = row.optionalInteger(1)
            record.branch = row.optionalInteger(2)
            record.commit = row.optionalText(3)
            record.actor = row.optionalInteger(4)
            record.createdAt = outline.createdAt
            record.startedAt = outline.startedAt
            record.updatedAt = outline.updatedAt
            return record
        }
        return outline.status == nil ? nil : first
    }
}
