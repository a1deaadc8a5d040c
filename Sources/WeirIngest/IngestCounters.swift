//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Metrics

/// What ingest counts.
struct IngestCounters: Sendable {
    /// Deliveries in a batch.
    let batchSizes: Recorder
    /// Deliveries put into the outbox, taken from it and applied, and given up.
    let spilled: Counter
    let replayed: Counter
    let buried: Counter

    init(_ metrics: any MetricsFactory) {
        self.batchSizes = Recorder(label: "weir_ingest_batch_deliveries", aggregate: true, factory: metrics)
        self.spilled = Counter(label: "weir_outbox_spilled_total", factory: metrics)
        self.replayed = Counter(label: "weir_outbox_replayed_total", factory: metrics)
        self.buried = Counter(label: "weir_dead_letters_total", factory: metrics)
    }
}
