//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel
import WeirStore

extension JSON {
    init(_ run: RunView) {
        self = .object([
            ("source", .string(run.key.source)), ("id", .integer(run.key.id)), ("attempt", .integer(run.key.attempt)),
            ("name", JSON(run.name)), ("title", JSON(run.title)), ("repository", .string(run.repository)),
            ("branch", JSON(run.branch)), ("event", JSON(run.event)), ("actor", JSON(run.actor)),
            ("status", .string(run.status.name)), ("conclusion", JSON(run.conclusion?.name)),
            ("created_at", JSON(run.createdAt)), ("started_at", JSON(run.startedAt)),
            ("updated_at", JSON(run.updatedAt)), ("url", .string(run.url)),
            (
                "jobs",
                .object([
                    ("total", .integer(run.jobs.total)), ("blocked", .integer(run.jobs.blocked)),
                    ("queued", .integer(run.jobs.queued)), ("running", .integer(run.jobs.running)),
                    ("completed", .integer(run.jobs.completed)), ("failed", .integer(run.jobs.failed)),
                ])
            ),
        ])
    }

    init(_ job: JobView) {
        self = .object([
            ("source", .string(job.key.source)), ("id", .integer(job.key.id)), ("run_id", .integer(job.runID)),
            ("run_attempt", .integer(job.attempt)), ("name", JSON(job.name)), ("workflow", JSON(job.workflow)),
            ("repository", .string(job.repository)), ("branch", JSON(job.branch)), ("commit", JSON(job.commit)),
            ("actor", JSON(job.actor)), ("labels", .array(job.labels.labels.map { .string($0) })),
            ("pool", .string(job.pool)), ("status", .string(job.status.name)),
            ("conclusion", JSON(job.conclusion?.name)), ("created_at", JSON(job.timeline.createdAt)),
            ("started_at", JSON(job.timeline.startedAt)), ("completed_at", JSON(job.timeline.completedAt)),
            ("blocked_seconds", JSON(milliseconds: job.timeline.blockedMilliseconds)),
            ("queue_seconds", JSON(milliseconds: job.timeline.queueMilliseconds)),
            ("run_seconds", JSON(milliseconds: job.timeline.runMilliseconds)),
            ("estimated", .bool(job.timeline.isEstimated)), ("runner", JSON(job.runner)),
            ("runner_group", JSON(job.runnerGroup)), ("failed_step", JSON(job.failedStep)), ("url", .string(job.url)),
        ])
    }

    init(_ delivery: DeliveryView) {
        self = .object([
            ("delivery", .string(delivery.id)), ("source", .string(delivery.source)),
            ("event", .string(delivery.event)), ("received_at", JSON(delivery.receivedAt)),
            ("outcome", .string(delivery.outcome.name)), ("run_id", .integer(delivery.runID)),
            ("job_id", delivery.jobID.map { .integer($0) } ?? .null),
        ])
    }

    init(_ repository: RepositoryView) {
        self = .object([("source", .string(repository.source)), ("name", .string(repository.name))])
    }

    init(_ curve: DemandCurve) {
        self = .object([
            ("from", JSON(curve.from)), ("to", JSON(curve.to)), ("step_seconds", .integer(curve.stepSeconds)),
            ("peak", .integer(curve.peak)),
            (
                "demand",
                .array(
                    curve.points.map { point in
                        .object([
                            ("at", JSON(point.at)), ("blocked", .integer(point.blocked)),
                            ("queued", .integer(point.queued)), ("running", .integer(point.running)),
                            ("queued_max", .integer(point.queuedMax)), ("running_max", .integer(point.runningMax)),
                            ("peak", .integer(point.peak)),
                        ])
                    })
            ), ("next_cursor", .null),
        ])
    }

    init(_ summary: Summary, at now: Timestamp) {
        self = .object([
            ("running", .integer(summary.counts.running)), ("queued", .integer(summary.counts.queued)),
            ("blocked", .integer(summary.counts.blocked)), ("peak", .integer(summary.peak)),
            ("average_queue_seconds", JSON(summary.averageQueueSeconds)),
            ("average_run_seconds", JSON(summary.averageRunSeconds)), ("at", JSON(now)),
        ])
    }

    /// A page of a list under its plural name.
    static func page(_ name: String, _ items: [JSON], next: String?) -> JSON {
        .object([(name, .array(items)), ("next_cursor", JSON(next))])
    }
}
