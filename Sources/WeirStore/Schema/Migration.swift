//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore

/// One step of the schema. Steps only ever go forward, and one that has been released is never edited.
struct Migration {
    let version: Int64
    let name: String
    let statements: [SQL]

    /// All steps, in order.
    static let all: [Migration] = [
        Migration(version: 1, name: "runs, jobs, deliveries, demand", statements: Self.first),
        Migration(version: 2, name: "dead letters, deliveries by outcome", statements: Self.second),
    ]

    /// The version a current database has.
    static let latest: Int64 = Self.all.last?.version ?? 0

    private static let first: [SQL] = [
        "CREATE TABLE sources (id INTEGER PRIMARY KEY, host TEXT NOT NULL UNIQUE)",
        """
        CREATE TABLE repositories (
            id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES sources (id), name TEXT NOT NULL,
            UNIQUE (source_id, name))
        """,
        "CREATE TABLE names (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, value TEXT NOT NULL, UNIQUE (kind, value))",
        """
        CREATE TABLE pools (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
            blocked INTEGER NOT NULL DEFAULT 0, queued INTEGER NOT NULL DEFAULT 0, running INTEGER NOT NULL DEFAULT 0)
        """,
        """
        CREATE TABLE label_sets (
            id INTEGER PRIMARY KEY, labels TEXT NOT NULL UNIQUE, pool_id INTEGER NOT NULL REFERENCES pools (id))
        """,
        """
        CREATE TABLE runs (
            source_id INTEGER NOT NULL, id INTEGER NOT NULL, attempt INTEGER NOT NULL,
            stage INTEGER NOT NULL, order_time INTEGER NOT NULL, order_word INTEGER NOT NULL, digest INTEGER NOT NULL,
            status INTEGER NOT NULL, conclusion INTEGER, repository_id INTEGER NOT NULL, name_id INTEGER, title TEXT,
            branch_id INTEGER, commit_sha TEXT, event_id INTEGER, actor_id INTEGER,
            created_at INTEGER NOT NULL, started_at INTEGER, updated_at INTEGER, provenance BLOB,
            PRIMARY KEY (source_id, id, attempt)) WITHOUT ROWID
        """,
        "CREATE INDEX runs_by_created ON runs (created_at)",
        "CREATE INDEX runs_by_repository ON runs (repository_id, created_at)",
        "CREATE INDEX runs_active ON runs (status, created_at) WHERE status < 6",
        """
        CREATE TABLE jobs (
            source_id INTEGER NOT NULL, id INTEGER NOT NULL, run_id INTEGER NOT NULL, attempt INTEGER NOT NULL,
            stage INTEGER NOT NULL, order_time INTEGER NOT NULL, order_word INTEGER NOT NULL, digest INTEGER NOT NULL,
            status INTEGER NOT NULL, conclusion INTEGER, repository_id INTEGER NOT NULL, name_id INTEGER,
            workflow_id INTEGER, branch_id INTEGER, commit_sha TEXT, event_id INTEGER, actor_id INTEGER,
            label_set_id INTEGER, pool_id INTEGER NOT NULL, runner_id INTEGER, runner_group_id INTEGER,
            failed_step_id INTEGER, created_at INTEGER, started_at INTEGER, completed_at INTEGER,
            blocked_first INTEGER, blocked_last INTEGER, queued_first INTEGER, queued_last INTEGER,
            running_first INTEGER, running_last INTEGER, ended_first INTEGER, ended_last INTEGER, provenance BLOB,
            PRIMARY KEY (source_id, id)) WITHOUT ROWID
        """,
        "CREATE INDEX jobs_by_run ON jobs (source_id, run_id, attempt)",
        "CREATE INDEX jobs_by_repository ON jobs (repository_id, completed_at)",
        """
        CREATE TABLE deliveries (
            id BLOB NOT NULL PRIMARY KEY, source_id INTEGER NOT NULL, event_id INTEGER NOT NULL,
            received_at INTEGER NOT NULL, outcome INTEGER NOT NULL, run_id INTEGER NOT NULL, job_id INTEGER) WITHOUT ROWID
        """,
        Self.demandTable("demand_seconds", time: "second", maxima: false),
        Self.demandTable("demand_minutes", time: "minute", maxima: true),
        Self.demandTable("demand_hours", time: "hour", maxima: true),
    ]

    private static let second: [SQL] = [
        """
        CREATE TABLE dead_letters (
            id INTEGER PRIMARY KEY, delivery TEXT NOT NULL UNIQUE, event TEXT NOT NULL, received_at INTEGER NOT NULL,
            died_at INTEGER NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL)
        """,
        // Ids of version 1 as `DeliveryID` writes them now.
        """
        UPDATE deliveries SET id = CAST(
            x'01' || substr(id, 7, 2) || substr(id, 5, 2) || substr(id, 1, 4) || substr(id, 9) AS BLOB)
        WHERE length(id) = 16 AND substr(hex(id), 13, 1) = '1'
        """,
        // Not with the source first, as the primary key has it: without statistics SQLite's planner takes that for as
        // narrow as this index, and reads all jobs of the source. It is in the index all the same, as part of the key.
        "DROP INDEX jobs_by_run",
        "CREATE INDEX jobs_by_run ON jobs (run_id, attempt)",
        "CREATE INDEX deliveries_by_outcome ON deliveries (outcome, received_at, id)",
    ]

    private static func demandTable(_ name: String, time: String, maxima: Bool) -> SQL {
        let columns: SQL =
            maxima
            ? """
            , blocked_max INTEGER NOT NULL, queued_max INTEGER NOT NULL, running_max INTEGER NOT NULL,
            demand_max INTEGER NOT NULL
            """ : ""
        return """
            CREATE TABLE \(identifier: name) (
                pool_id INTEGER NOT NULL, \(identifier: time) INTEGER NOT NULL, blocked INTEGER NOT NULL,
                queued INTEGER NOT NULL, running INTEGER NOT NULL, started INTEGER NOT NULL, queue_ms INTEGER NOT NULL,
                completed INTEGER NOT NULL, run_ms INTEGER NOT NULL\(columns),
                PRIMARY KEY (pool_id, \(identifier: time))) WITHOUT ROWID
            """
    }
}
