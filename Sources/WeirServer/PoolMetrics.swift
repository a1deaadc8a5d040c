//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import PrometheusExposition

/// A connection pool's figures, under the names of OpenTelemetry's semantic conventions for database client
/// connections.
struct PoolMetrics {
    let pool: String
    let read: @Sendable () -> PoolStatistics

    func register(in registry: PrometheusRegistry) {
        self.gauge("count", "Connections by state.", state: "used", in: registry) { $0.used }
        self.gauge("count", "Connections by state.", state: "idle", in: registry) { $0.idle }
        self.gauge("idle.max", "Most idle connections.", in: registry) { $0.max }
        self.gauge("idle.min", "Fewest connections kept open.", in: registry) { $0.min }
        self.gauge("max", "Most connections.", in: registry) { $0.max }
        self.gauge("pending_requests", "Leases waiting for a connection.", in: registry) { $0.pending }
        self.histogram("create_time", "How long connections took to open.", in: registry) { $0.createTime }
        self.histogram("wait_time", "How long leases waited for a connection.", in: registry) { $0.waitTime }
        self.histogram("use_time", "How long leases held a connection.", in: registry) { $0.useTime }
        let (labels, read) = ([self.label], self.read)
        registry.registerCounter(
            name: "db.client.connection.timeouts", help: "Leases refused or stopped at their deadline.", labels: labels
        ) { Double(read().timeouts) }
        registry.registerCounter(name: "weir_pool_leases", help: "Leases that ended.", labels: labels) {
            Double(read().leases)
        }
        registry.registerGauge(
            name: "weir_pool_quarantined",
            help: "Connections at work whose callers have been answered: their engine has not returned.", labels: labels
        ) { Double(read().quarantined) }
    }

    private var label: (String, String) { ("db_client_connection_pool_name", self.pool) }

    private func gauge(
        _ name: String, _ help: String, state: String? = nil, in registry: PrometheusRegistry,
        _ value: @escaping @Sendable (PoolStatistics) -> Int
    ) {
        let read = self.read
        registry.registerGauge(
            name: "db.client.connection.\(name)", help: help,
            labels: [self.label] + (state.map { [("db_client_connection_state", $0)] } ?? [])
        ) { Double(value(read())) }
    }

    private func histogram(
        _ name: String, _ help: String, in registry: PrometheusRegistry,
        _ value: @escaping @Sendable (PoolStatistics) -> DurationHistogram
    ) {
        let read = self.read
        let bounds = (0..<DurationHistogram.boundedBuckets).map { DurationHistogram.upperBound($0).inSeconds }
        registry.registerHistogram(name: "db.client.connection.\(name)", help: help, labels: [self.label]) {
            let histogram = value(read())
            return Distribution(bounds: bounds, counts: histogram.counts, sum: histogram.sum.inSeconds)
        }
    }
}
