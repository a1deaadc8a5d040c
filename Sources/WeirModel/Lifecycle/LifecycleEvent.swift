//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Something a source said about a job or a run.
public enum LifecycleEvent: Sendable, Equatable {
    case job(JobRecord<String>)
    case run(RunRecord<String>)
}

/// One delivery of an event, as it is to be applied: once, whatever its number of arrivals.
public struct Delivery: Sendable, Equatable {
    /// The source's id of the delivery: the key that makes it apply once.
    public let id: String
    /// The source's name of the event: `workflow_job`.
    public let eventType: String
    /// What it said.
    public let event: LifecycleEvent
    /// When it came in.
    public let receivedAt: Timestamp
    /// Whether it came straight from the source. The receipt of one that was kept or fetched later tells nothing.
    public let isTimely: Bool

    public init(
        id: String, eventType: String, event: LifecycleEvent, receivedAt: Timestamp, isTimely: Bool = true
    ) {
        self.id = id
        self.eventType = eventType
        self.event = event
        self.receivedAt = receivedAt
        self.isTimely = isTimely
    }
}
