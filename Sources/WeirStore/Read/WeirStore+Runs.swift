//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import SQLCore
public import WeirModel

/// Which runs a list shows; nil means all.
public struct RunFilter: Sendable, Equatable {
    public var source: String?
    public var repository: String?
    public var status: Status?
    public var conclusion: Conclusion?

    public init() {}
}

/// Where a page of runs begins: behind this run, in the order newest first.
public struct RunCursor: Sendable, Equatable {
    public var createdAt: Int64
    public var source: Int64
    public var id: Int64
    public var attempt: Int64

    public init(createdAt: Int64, source: Int64, id: Int64, attempt: Int64) {
        self.createdAt = createdAt
        self.source = source
        self.id = id
        self.attempt = attempt
    }
}

extension WeirStore {
    private static let runColumns: SQL = """
        s.host, r.id, r.attempt, w.value, r.title, p.name, b.value, e.value, a.value, r.status, r.conclusion,
        r.created_at, r.started_at, r.updated_at, r.source_id
        """

    // Left joins keep the order of `runs`, so that a page costs its own rows and no sort.
    private static let runTables: SQL = """
        runs r LEFT JOIN sources s ON s.id = r.source_id LEFT JOIN repositories p ON p.id = r.repository_id
        LEFT JOIN names w ON w.id = r.name_id LEFT JOIN names b ON b.id = r.branch_id
        LEFT JOIN names e ON e.id = r.event_id LEFT JOIN names a ON a.id = r.actor_id
        """

    private struct Row: Sendable {
        var view: RunView
        let source: Int64
        let createdAt: Int64

        init(_ row: any SQLRow) {
            self.view = RunView(
                key: RunKey(source: row.text(0), id: row.integer(1), attempt: row.integer(2)),
                name: row.optionalText(3), title: row.optionalText(4), repository: row.text(5),
                branch: row.optionalText(6), event: row.optionalText(7), actor: row.optionalText(8),
                status: Status(row, 9), conclusion: Conclusion?(row, 10),
                createdAt: row.integer(11) == 0 ? nil : row.time(11), startedAt: row.time(12), updatedAt: row.time(13))
            self.source = row.integer(14)
            self.createdAt = row.integer(11)
        }

        var cursor: RunCursor {
            RunCursor(
                createdAt: self.createdAt, source: self.source, id: self.view.key.id, attempt: self.view.key.attempt)
        }
    }

    /// A page of runs, newest first.
    ///
    /// - Parameters:
    ///   - limit: Most runs on the page.
    ///   - after: Where the page begins; nil for the first.
    public func runs(
        _ filter: RunFilter, limit: Int, after: RunCursor?, lease: Lease
    ) async throws -> Page<RunView, RunCursor> {
        try await self.database.read(lease) { db in
            var conditions: [SQL] = ["1 = 1"]
            if filter.repository != nil || filter.source != nil {
                let ids = try Self.repositories(db, name: filter.repository, source: filter.source)
                conditions.append("r.repository_id IN \(list: ids)")
            }
            if let status = filter.status { conditions.append(Self.condition(status)) }
            if let conclusion = filter.conclusion {
                conditions.append("r.conclusion = \(Int64(conclusion.rawValue))")
            }
            if let after {
                conditions.append(
                    """
                    (r.created_at, r.source_id, r.id, r.attempt)
                        < (\(after.createdAt), \(after.source), \(after.id), \(after.attempt))
                    """)
            }
            let rows = try db.rows(
                """
                SELECT \(Self.runColumns) FROM \(Self.runTables) WHERE \(conditions.joined(separator: " AND "))
                ORDER BY r.created_at DESC, r.source_id DESC, r.id DESC, r.attempt DESC LIMIT \(limit + 1)
                """, Row.init)
            let page = Page(rows: rows, limit: limit, cursor: \.cursor)
            let views = try page.items.map { try Self.countingJobs($0, db) }
            return Page(items: views, next: page.next)
        }
    }

    /// Whoever asks for a status that is not the last one gets the small index of runs that have not ended.
    private static func condition(_ status: Status) -> SQL {
        status == .completed
            ? "r.status = \(Int64(status.rawValue))" : "r.status < 6 AND r.status = \(Int64(status.rawValue))"
    }

    static func repositories(_ db: any SQLReading, name: String?, source: String?) throws -> [Int64] {
        var conditions: [SQL] = ["1 = 1"]
        if let name { conditions.append("p.name = \(name)") }
        if let source { conditions.append("s.host = \(source)") }
        return try db.rows(
            """
            SELECT p.id FROM repositories p JOIN sources s ON s.id = p.source_id
            WHERE \(conditions.joined(separator: " AND "))
            """
        ) { $0.integer(0) }
    }

    /// A run attempt.
    ///
    /// - Parameters:
    ///   - source: Nil takes the newest of all sources that have the number.
    ///   - attempt: Nil takes the latest.
    public func run(id: Int64, source: String?, attempt: Int64?, lease: Lease) async throws -> RunView? {
        try await self.database.read(lease) { db in
            try Self.findRun(db, id: id, source: source, attempt: attempt).map { try Self.countingJobs($0, db) }
        }
    }

    private static func findRun(_ db: any SQLReading, id: Int64, source: String?, attempt: Int64?) throws -> Row? {
        var found: Row?
        let hosts = try db.rows("SELECT id, host FROM sources") { ($0.integer(0), $0.text(1)) }
        for (number, host) in hosts where source == nil || source == host {
            var condition: SQL = "r.source_id = \(number) AND r.id = \(id)"
            if let attempt { condition += " AND r.attempt = \(attempt)" }
            let row = try db.row(
                """
                SELECT \(Self.runColumns) FROM \(Self.runTables) WHERE \(condition) ORDER BY r.attempt DESC LIMIT 1
                """, Row.init)
            if let row, row.createdAt >= found?.createdAt ?? Int64.min { found = row }
        }
        return found
    }

    private static func countingJobs(_ row: Row, _ db: any SQLReading) throws -> RunView {
        var view = row.view
        try db.forEachRow(
            """
            SELECT j.stage, j.conclusion, count(*) FROM jobs j
            WHERE \(Self.belongs(source: row.source, run: view.key.id, attempt: view.key.attempt))
            GROUP BY j.stage, j.conclusion
            """
        ) { row in
            let count = row.integer(2)
            view.jobs.total += count
            switch Stage(rawValue: UInt8(truncatingIfNeeded: row.integer(0))) {
            case .blocked: view.jobs.blocked += count
            case .queued: view.jobs.queued += count
            case .running: view.jobs.running += count
            case .ended: view.jobs.completed += count
            case .derived, nil: break
            }
            if Conclusion?(row, 1)?.isFailed ?? false { view.jobs.failed += count }
            return true
        }
        return view
    }

    // MARK: - Jobs of a run

    /// Which jobs `j` belong to a run attempt: its own, and those carried over from earlier attempts.
    static func belongs(source: Int64, run: Int64, attempt: Int64) -> SQL {
        // The plus keeps SQLite from the primary key, which it takes for as narrow while there are no statistics.
        let own: SQL = "+j.source_id = \(source) AND j.run_id = \(run)"
        if attempt == 1 { return own + " AND j.attempt = 1" }
        return own + """
             AND (j.attempt = \(attempt) OR j.attempt < \(attempt) AND j.stage = 4 AND NOT EXISTS (
                SELECT 1 FROM jobs k WHERE k.source_id = j.source_id AND k.run_id = j.run_id
                AND k.attempt > j.attempt AND k.attempt <= \(attempt)
                AND (k.name_id = j.name_id OR k.name_id IS NULL AND j.name_id IS NULL)))
            """
    }

    /// The jobs of a run attempt by their numbers, and those carried over from earlier attempts.
    ///
    /// After "re-run failed jobs" the untouched jobs keep their old attempt: an earlier attempt's ended job is carried
    /// over when this attempt has none of the same name.
    ///
    /// - Parameter after: The number of the job before the page; nil for the first page.
    /// - Returns: Nil when there is no such run.
    public func jobs(
        ofRun id: Int64, source: String?, attempt: Int64?, limit: Int, after: Int64?, lease: Lease
    ) async throws -> Page<JobView, Int64>? {
        try await self.database.read(lease) { db in
            guard let run = try Self.findRun(db, id: id, source: source, attempt: attempt) else { return nil }
            let attempt = run.view.key.attempt
            let rows = try db.rows(
                """
                SELECT \(Self.jobColumns) FROM \(Self.jobTables)
                WHERE \(Self.belongs(source: run.source, run: id, attempt: attempt)) AND j.id > \(after ?? Int64.min)
                ORDER BY j.id LIMIT \(limit + 1)
                """, Self.jobView)
            return Page(rows: rows, limit: limit, cursor: \.key.id)
        }
    }
}
