//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// What one delivery of a plan says, before it is written as JSON.
struct LoadDelivery: Sendable, Equatable {
    enum Event: Sendable {
        case job
        case run

        /// The value of `X-GitHub-Event`.
        var name: String {
            switch self {
            case .job: "workflow_job"
            case .run: "workflow_run"
            }
        }
    }

    /// A job's labels.
    enum Labels: Sendable, Equatable {
        /// One of ``Catalogue/labelSets``.
        case set(Int)
        /// A set that no other job has.
        case unique
    }

    var id: DeliveryIdentifier
    var event: Event
    var status: Status
    var conclusion: Conclusion?
    var hasRunner: Bool
    var isForm: Bool
    var runID: Int64
    /// Zero for an event of a run.
    var jobID: Int64 = 0
    var attempt: Int64
    var runNumber: Int64
    // Indices into the catalogue.
    var repository: Int
    var workflow: Int
    var branch: Int
    var actor: Int
    var title: Int
    var trigger: Int
    var name = 0
    var labels = Labels.set(0)
    var runner = 0
    /// The commit: 160 bits.
    var commit: (UInt64, UInt64, UInt32)
    // Seconds since the epoch.
    var created: Int64
    var started: Int64
    var updated: Int64

    static func == (left: Self, right: Self) -> Bool {
        left.id == right.id && left.event == right.event && left.status == right.status
            && left.conclusion == right.conclusion && left.isForm == right.isForm && left.runID == right.runID
            && left.jobID == right.jobID && left.attempt == right.attempt && left.commit == right.commit
            && left.created == right.created && left.started == right.started && left.updated == right.updated
    }
}
