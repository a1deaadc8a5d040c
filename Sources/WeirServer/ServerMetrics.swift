//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import PrometheusExposition
import SQLiteDriver
import WeirIngest
import WeirLive

/// The figures that are read when they are asked for.
struct ServerMetrics {
    let database: SQLiteDatabase
    let ingest: Ingest
    let hub: Hub

    func register(in registry: PrometheusRegistry) {
        ProcessMetrics().register(in: registry)
        registry.registerHelp("Deliveries by event and by what became of them.", for: "weir_deliveries_total")
        registry.registerHelp("Deliveries in a batch.", for: "weir_ingest_batch_deliveries")
        registry.registerHelp("Deliveries put into the outbox.", for: "weir_outbox_spilled_total")
        registry.registerHelp("Deliveries applied from the outbox.", for: "weir_outbox_replayed_total")
        registry.registerHelp("Deliveries given up.", for: "weir_dead_letters_total")
        let database = self.database
        PoolMetrics(pool: "reader") { database.readerPool }.register(in: registry)
        PoolMetrics(pool: "writer") { database.writerPool }.register(in: registry)
        let writer = self.database.writerStatistics
        registry.registerCounter(name: "weir_sqlite_commits_total", help: "Transactions committed.") {
            Double(writer.current.commits)
        }
        registry.registerCounter(name: "weir_sqlite_writes_total", help: "Writes in those transactions.") {
            Double(writer.current.members)
        }
        registry.registerCounter(name: "weir_sqlite_commit_seconds_total", help: "Time spent in COMMIT.") {
            writer.current.commitTime.inSeconds
        }
        registry.registerCounter(name: "weir_sqlite_checkpoints_total", help: "Checkpoints begun.") {
            Double(writer.current.checkpoints)
        }
        let ingest = self.ingest
        registry.registerGauge(name: "weir_ingest_bytes", help: "Bytes of bodies held by ingest.") {
            Double(ingest.load.bytes)
        }
        registry.registerGauge(name: "weir_ingest_queued", help: "Deliveries waiting for the next batch.") {
            Double(ingest.load.queued)
        }
        registry.registerGauge(name: "weir_ingest_spilling", help: "1 while deliveries go to the outbox.") {
            ingest.load.isSpilling ? 1 : 0
        }
        registry.registerGauge(name: "weir_outbox_deliveries", help: "Deliveries in the outbox.") {
            Double(ingest.load.outbox)
        }
        let hub = self.hub
        registry.registerGauge(name: "weir_live_subscribers", help: "Open event streams.") {
            Double(hub.subscriberCount)
        }
    }
}
