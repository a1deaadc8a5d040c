//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import SQLCore
public import WeirModel

extension WeirStore {
    static let jobColumns: SQL = """
        j.source_id, j.id, j.run_id, j.attempt, j.stage, j.order_time, j.order_word, j.digest, j.status, j.conclusion,
        j.repository_id, j.name_id, j.workflow_id, j.branch_id, j.commit_sha, j.event_id, j.actor_id, j.label_set_id,
        j.pool_id, j.runner_id, j.runner_group_id, j.failed_step_id, j.created_at, j.started_at, j.completed_at,
        j.blocked_first, j.blocked_last, j.queued_first, j.queued_last, j.running_first, j.running_last,
        j.ended_first, j.ended_last, j.provenance,
        s.host, p.name, n.value, w.value, b.value, a.value, l.labels, o.name, u.value, g.value, f.value
        """

    static let jobTables: SQL = """
        jobs j LEFT JOIN sources s ON s.id = j.source_id LEFT JOIN repositories p ON p.id = j.repository_id
        LEFT JOIN names n ON n.id = j.name_id LEFT JOIN names w ON w.id = j.workflow_id
        LEFT JOIN names b ON b.id = j.branch_id LEFT JOIN names a ON a.id = j.actor_id
        LEFT JOIN label_sets l ON l.id = j.label_set_id LEFT JOIN pools o ON o.id = j.pool_id
        LEFT JOIN names u ON u.id = j.runner_id LEFT JOIN names g ON g.id = j.runner_group_id
        LEFT JOIN names f ON f.id = j.failed_step_id
        """

    static func jobView(_ row: any SQLRow) -> JobView {
        let record = JobRow(row).record
        return JobView(
            key: JobKey(source: row.text(34), id: record.key.id), runID: record.runID, attempt: record.attempt,
            name: row.optionalText(36), workflow: row.optionalText(37), repository: row.text(35),
            branch: row.optionalText(38), commit: record.commit, actor: row.optionalText(39),
            labels: LabelSet(canonicalText: row.text(40)), pool: row.text(41), status: record.status,
            conclusion: record.conclusion, timeline: JobTimeline(record), runner: row.optionalText(42),
            runnerGroup: row.optionalText(43), failedStep: row.optionalText(44))
    }

    /// A job.
    ///
    /// - Parameter source: Nil takes the newest of all sources that have the number.
    public func job(id: Int64, source: String?, lease: Lease) async throws -> JobView? {
        try await self.database.read(lease) { db in
            var found: JobView?
            let hosts = try db.rows("SELECT id, host FROM sources") { ($0.integer(0), $0.text(1)) }
            for (number, host) in hosts where source == nil || source == host {
                let view = try db.row(
                    "SELECT \(Self.jobColumns) FROM \(Self.jobTables) WHERE j.source_id = \(number) AND j.id = \(id)",
                    Self.jobView)
                if let view, found == nil || Self.age(view) > Self.age(found) { found = view }
            }
            return found
        }
    }

    private static func age(_ view: JobView?) -> Int64 { view?.timeline.createdAt?.milliseconds ?? Int64.min }

    /// A page of repositories by name.
    ///
    /// - Parameters:
    ///   - active: Only those with a run created in this range; nil for all.
    ///   - pool: Only those with a job in this runner pool.
    ///   - after: The last of the page before.
    public func repositories(
        name: String?, source: String?, active: Range<Timestamp>?, pool: String?, limit: Int,
        after: RepositoryView?, lease: Lease
    ) async throws -> Page<RepositoryView, RepositoryView> {
        try await self.database.read(lease) { db in
            var conditions: [SQL] = ["1 = 1"]
            if let name { conditions.append("p.name = \(name)") }
            if let source { conditions.append("s.host = \(source)") }
            if let active {
                conditions.append(
                    """
                    EXISTS (SELECT 1 FROM runs r WHERE r.repository_id = p.id
                        AND r.created_at >= \(active.lowerBound.milliseconds)
                        AND r.created_at < \(active.upperBound.milliseconds))
                    """)
            }
            if let pool {
                conditions.append(
                    """
                    EXISTS (SELECT 1 FROM jobs j JOIN pools o ON o.id = j.pool_id
                        WHERE j.repository_id = p.id AND o.name = \(pool))
                    """)
            }
            if let after { conditions.append("(p.name, s.host) > (\(after.name), \(after.source))") }
            let rows = try db.rows(
                """
                SELECT s.host, p.name FROM repositories p JOIN sources s ON s.id = p.source_id
                WHERE \(conditions.joined(separator: " AND ")) ORDER BY p.name, s.host LIMIT \(limit + 1)
                """
            ) { RepositoryView(source: $0.text(0), name: $0.text(1)) }
            return Page(rows: rows, limit: limit, cursor: \.self)
        }
    }
}
