//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import PrometheusExposition
import SQLiteDriver

/// The figures of memory beside the process's own.
struct MemoryMetrics {
    let database: SQLiteDatabase
    let plan: MemoryPlan
    let trimmer: MemoryTrimmer

    func register(in registry: PrometheusRegistry) {
        registry.registerGauge(name: "weir_sqlite_memory_bytes", help: "Memory SQLite has allocated.") {
            Double(SQLiteMemory.figures.usedBytes)
        }
        let limits: [(String, Int)] = [
            ("soft", self.plan.budget.softLimitBytes), ("query", self.plan.budget.queryLimitBytes),
            ("hard", self.plan.budget.hardLimitBytes),
        ]
        for (name, bytes) in limits {
            registry.registerGauge(
                name: "weir_sqlite_memory_limit_bytes",
                help: "Above it caches stop growing (soft), queries are stopped (query), memory is refused (hard).",
                labels: [("limit", name)]
            ) { Double(bytes) }
        }
        let database = self.database
        let kinds: [(String, @Sendable (ConnectionMemory) -> Int)] = [
            ("cache", \.cacheBytes), ("statements", \.statementBytes), ("schema", \.schemaBytes),
        ]
        for pool in ["reader", "writer"] {
            for (kind, bytes) in kinds {
                registry.registerGauge(
                    name: "weir_sqlite_connection_memory_bytes",
                    help: "Memory of a pool's connections, as of when each was idle last.",
                    labels: [("pool", pool), ("kind", kind)]
                ) { Double(database.memory.filter { $0.pool == pool }.map(bytes).reduce(0, +)) }
            }
        }
        let trimmer = self.trimmer
        registry.registerCounter(name: "weir_malloc_trims_total", help: "Times freed memory was given back.") {
            Double(trimmer.current.trims)
        }
        registry.registerCounter(name: "weir_malloc_trim_seconds_total", help: "Time that took.") {
            trimmer.current.time.inSeconds
        }
    }
}
