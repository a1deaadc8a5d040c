//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import PrometheusExposition
import SQLiteDriver
import WeirHTTP
import WeirIngest
import WeirModel

/// What `/api/diagnostics` tells: what is used, by whom, and who waits. It asks no connection, so it answers when all are
/// at work.
struct ServerDiagnostics: Sendable {
    let database: SQLiteDatabase
    let ingest: Ingest
    let plan: MemoryPlan
    let trimmer: MemoryTrimmer
    let startedAt: Timestamp
    let now: @Sendable () -> Timestamp

    private let process = ProcessMetrics()

    init(
        database: SQLiteDatabase, ingest: Ingest, plan: MemoryPlan, trimmer: MemoryTrimmer,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.database = database
        self.ingest = ingest
        self.plan = plan
        self.trimmer = trimmer
        self.startedAt = now()
        self.now = now
    }

    /// A moment's figures.
    var json: JSON {
        let now = self.now()
        return .object([
            ("version", .string(WeirServer.version)), ("at", JSON(now)), ("started_at", JSON(self.startedAt)),
            ("uptime_seconds", JSON(milliseconds: now.milliseconds - self.startedAt.milliseconds)),
            ("memory", self.memory),
            (
                "pools",
                .array([
                    Self.pool("reader", self.database.readerPool, self.database.readerHolders),
                    Self.pool("writer", self.database.writerPool, self.database.writerHolders),
                ])
            ), ("sqlite", self.sqlite), ("ingest", self.ingestFigures),
        ])
    }

    private var ingestFigures: JSON {
        let load = self.ingest.load
        return .object([
            ("bytes", JSON(load.bytes)), ("queued", JSON(load.queued)), ("is_spilling", .bool(load.isSpilling)),
            ("outbox_deliveries", JSON(load.outbox)),
        ])
    }

    private var memory: JSON {
        let budget = self.plan.budget
        let heap = SQLiteMemory.figures
        let trims = self.trimmer.current
        return .object([
            ("resident_anonymous_bytes", JSON(self.process.residentAnonymousMemoryBytes)),
            ("resident_bytes", JSON(self.process.residentMemoryBytes)),
            ("machine_bytes", JSON(self.plan.machineBytes.map(Double.init))),
            (
                "budget",
                .object([
                    ("total_bytes", JSON(budget.totalBytes)), ("readers", JSON(budget.readers)),
                    ("reader_cache_bytes", JSON(budget.readerCacheBytes)),
                    ("writer_cache_bytes", JSON(budget.writerCacheBytes)),
                ])
            ),
            (
                "sqlite",
                .object([
                    ("used_bytes", JSON(heap.usedBytes)), ("used_bytes_max", JSON(heap.usedBytesMax)),
                    ("soft_limit_bytes", JSON(heap.softLimitBytes)),
                    ("query_limit_bytes", JSON(budget.queryLimitBytes)),
                    ("hard_limit_bytes", JSON(heap.hardLimitBytes)),
                ])
            ),
            ("connections", .array(self.database.memory.map(Self.connection))),
            (
                "trims",
                .object([
                    ("count", JSON(trims.trims)), ("returned_bytes", JSON(trims.returnedBytes)),
                    ("seconds", .number(trims.time.inSeconds)),
                ])
            ), ("temporary_directory", .string(self.plan.temporaryDirectory)),
        ])
    }

    private static func connection(_ memory: ConnectionMemory) -> JSON {
        .object([
            ("pool", .string(memory.pool)), ("connection", .string("\(memory.connection)")),
            ("cache_bytes", JSON(memory.cacheBytes)), ("statement_bytes", JSON(memory.statementBytes)),
            ("schema_bytes", JSON(memory.schemaBytes)),
        ])
    }

    private static func pool(_ name: String, _ pool: PoolStatistics, _ holders: [LeaseError.Holder]) -> JSON {
        .object([
            ("name", .string(name)), ("max", JSON(pool.max)), ("connections", JSON(pool.connections)),
            ("idle", JSON(pool.idle)), ("used", JSON(pool.used)), ("quarantined", JSON(pool.quarantined)),
            ("pending", JSON(pool.pending)), ("leases", JSON(pool.leases)), ("timeouts", JSON(pool.timeouts)),
            (
                "holders",
                .array(
                    holders.map { holder in
                        .object([
                            ("label", .string(holder.label)), ("call_site", .string(holder.callSite)),
                            ("age_seconds", JSON(milliseconds: holder.age.inMilliseconds)),
                        ])
                    })
            ),
        ])
    }

    private var sqlite: JSON {
        let writer = self.database.writerStatistics.current
        return .object([
            ("version", .string(SQLiteDatabase.libraryVersion)),
            ("path", .string(self.database.configuration.path)), ("log_bytes", JSON(self.database.logBytes)),
            ("commits", JSON(writer.commits)), ("writes", JSON(writer.members)),
            ("commit_seconds", .number(writer.commitTime.inSeconds)), ("checkpoints", JSON(writer.checkpoints)),
            ("checkpoint_failures", JSON(writer.checkpointFailures)),
            ("recovery", JSON(self.database.recovery)), ("log_pinned", JSON(self.database.pinned?.description)),
        ])
    }
}
