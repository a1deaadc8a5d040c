//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import WeirModel

/// A row of `jobs`: a record and the runner pool its demand is counted in.
struct JobRow {
    let record: JobRecord<Int64>
    let pool: Int64

    /// The columns, in the order of ``values`` and of ``init(_:)``.
    static let columns: SQL = """
        source_id, id, run_id, attempt, stage, order_time, order_word, digest, status, conclusion, repository_id,
        name_id, workflow_id, branch_id, commit_sha, event_id, actor_id, label_set_id, pool_id, runner_id,
        runner_group_id, failed_step_id, created_at, started_at, completed_at, blocked_first, blocked_last,
        queued_first, queued_last, running_first, running_last, ended_first, ended_last, provenance
        """

    static let upsert: SQLTemplate = """
        INSERT INTO jobs (
            source_id, id, run_id, attempt, stage, order_time, order_word, digest, status, conclusion, repository_id,
            name_id, workflow_id, branch_id, commit_sha, event_id, actor_id, label_set_id, pool_id, runner_id,
            runner_group_id, failed_step_id, created_at, started_at, completed_at, blocked_first, blocked_last,
            queued_first, queued_last, running_first, running_last, ended_first, ended_last, provenance)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (source_id, id) DO UPDATE SET
            run_id = excluded.run_id, attempt = excluded.attempt, stage = excluded.stage,
            order_time = excluded.order_time, order_word = excluded.order_word, digest = excluded.digest,
            status = excluded.status, conclusion = excluded.conclusion, repository_id = excluded.repository_id,
            name_id = excluded.name_id, workflow_id = excluded.workflow_id, branch_id = excluded.branch_id,
            commit_sha = excluded.commit_sha, event_id = excluded.event_id, actor_id = excluded.actor_id,
            label_set_id = excluded.label_set_id, pool_id = excluded.pool_id, runner_id = excluded.runner_id,
            runner_group_id = excluded.runner_group_id, failed_step_id = excluded.failed_step_id,
            created_at = excluded.created_at, started_at = excluded.started_at, completed_at = excluded.completed_at,
            blocked_first = excluded.blocked_first, blocked_last = excluded.blocked_last,
            queued_first = excluded.queued_first, queued_last = excluded.queued_last,
            running_first = excluded.running_first, running_last = excluded.running_last,
            ended_first = excluded.ended_first, ended_last = excluded.ended_last, provenance = excluded.provenance
        """

    private static let selection: SQL = "SELECT \(Self.columns) FROM jobs WHERE source_id = \(0) AND id = \(0)"

    static func load(_ key: JobKey<Int64>, _ db: some SQLReading) throws -> JobRow? {
        try db.row(Self.selection.with([.integer(key.source), .integer(key.id)]), JobRow.init)
    }

    init(record: JobRecord<Int64>, pool: Int64) {
        self.record = record
        self.pool = pool
    }

    init(_ row: any SQLRow) {
        let attempt = row.integer(3)
        var record = JobRecord(
            key: JobKey(source: row.integer(0), id: row.integer(1)),
            precedence: .init(row, first: 4, attempt: attempt),
            runID: row.integer(2), status: .init(row, 8), conclusion: .init(row, 9), repository: row.integer(10))
        record.name = row.optionalInteger(11)
        record.workflow = row.optionalInteger(12)
        record.branch = row.optionalInteger(13)
        record.commit = row.optionalText(14)
        record.event = row.optionalInteger(15)
        record.actor = row.optionalInteger(16)
        record.labels = row.optionalInteger(17)
        record.runner = row.optionalInteger(19)
        record.runnerGroup = row.optionalInteger(20)
        record.failedStep = row.optionalInteger(21)
        record.createdAt = row.time(22)
        record.startedAt = row.time(23)
        record.completedAt = row.time(24)
        record.receipts.blocked = row.span(25)
        record.receipts.queued = row.span(27)
        record.receipts.running = row.span(29)
        record.receipts.ended = row.span(31)
        record.provenance = Provenance(bytes: row.optionalBlob(33), attempt: attempt)
        self.init(record: record, pool: row.integer(18))
    }

    var values: [SQLValue] {
        let record = self.record
        var values: [SQLValue] = [
            .integer(record.key.source), .integer(record.key.id), .integer(record.runID), .integer(record.attempt),
        ]
        values += record.precedence.values
        values += [
            .integer(Int64(record.status.rawValue)), record.conclusion.value, .integer(record.repository),
            record.name.sqlValue, record.workflow.sqlValue, record.branch.sqlValue, record.commit.sqlValue,
            record.event.sqlValue, record.actor.sqlValue, record.labels.sqlValue, .integer(self.pool),
            record.runner.sqlValue, record.runnerGroup.sqlValue, record.failedStep.sqlValue, record.createdAt.value,
            record.startedAt.value, record.completedAt.value,
        ]
        for span in [record.receipts.blocked, record.receipts.queued, record.receipts.running, record.receipts.ended] {
            values.append((span?.first).value)
            values.append((span?.last).value)
        }
        values.append(record.provenance.bytes.sqlValue)
        return values
    }
}
