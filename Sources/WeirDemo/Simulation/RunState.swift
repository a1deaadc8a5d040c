//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The conclusions the demo gives; raw values are GitHub's words.
enum Conclusion: String, Sendable {
    /// All went well.
    case success
    /// A step failed.
    case failure
    /// Somebody, or something, stopped it.
    case cancelled
    /// It took longer than it may.
    case timedOut = "timed_out"
    /// Its condition or its needs were not met.
    case skipped
    /// A first-time contributor's run waits for approval.
    case actionRequired = "action_required"
    /// The workflow file could not be used.
    case startupFailure = "startup_failure"
}

/// Where a job is; raw values of those that are ever sent are GitHub's words.
enum JobPhase: String, Sendable {
    /// Its needs are not met. Can go to: `.scheduled`, `.completed` (skipped).
    case unmade
    /// Its needs are met; it appears in a moment. Can go to: `.pending`, `.waiting`, `.queued`, `.completed` (skipped).
    case scheduled
    /// Held by a concurrency rule. Can go to: `.waiting`, `.queued`, `.completed` (cancelled).
    case pending
    /// Held by an approval. Can go to: `.queued`, `.completed` (cancelled).
    case waiting
    /// Waits for a runner. Can go to: `.inProgress`, `.completed` (cancelled).
    case queued
    /// A runner has it. Can go to: `.completed`.
    case inProgress = "in_progress"
    /// Over.
    case completed
}

/// One job of a run's latest attempt.
struct JobState: Sendable {
    /// Its id; 0 until it is sent for the first time.
    var id: Int64 = 0
    /// The attempt it belongs to, which can be lower than its run's.
    var attempt = 1
    /// Where it is.
    var phase = JobPhase.unmade
    /// How it ended, or, while it runs, how it is going to.
    var conclusion: Conclusion?
    /// When it appeared, in milliseconds since the epoch.
    var createdAt: Int64 = 0
    /// When its runner began; nil when none has.
    var startedAt: Int64?
    /// When it ended.
    var completedAt: Int64?
    /// The machine it runs or ran on.
    var runner: Runner?
    /// The index of the step that did not succeed.
    var brokenStep: Int?
}

/// Where a run is; raw values are GitHub's words.
enum RunPhase: String, Sendable {
    /// Asked for. Can go to: `.inProgress`, `.completed`.
    case requested
    /// Held by a concurrency rule. Can go to: `.queued`, `.completed` (cancelled).
    case pending
    /// Its first job is held by an approval. Can go to: `.inProgress`, `.completed` (cancelled).
    case waiting
    /// No job has begun. Can go to: `.inProgress`, `.completed`.
    case queued
    /// A job has begun. Can go to: `.completed`.
    case inProgress = "in_progress"
    /// Over. Can go to: `.queued` with the next attempt, or after an approval.
    case completed
}

/// What made a run.
struct RunCause: Sendable {
    /// GitHub's name of the event: `push`, `pull_request`, `schedule`, `workflow_dispatch`.
    let event: String
    /// The branch or tag.
    let branch: String
    /// The commit.
    let commit: String
    /// The commit's subject or the pull request's title; nil for the workflow's name.
    let title: String?
    /// Who did it: an index into ``Catalogue/actors``.
    let actor: Int
}

/// A workflow run with its latest attempt.
struct RunState: Sendable {
    /// Its id, the same for all attempts.
    let id: Int64
    /// The index of its repository.
    let repository: Int
    /// The index of its workflow in the repository.
    let workflow: Int
    /// Its number in the workflow, the same for all attempts.
    let number: Int
    /// What made it.
    let cause: RunCause
    /// When it was asked for, in milliseconds since the epoch; the same for all attempts.
    let createdAt: Int64
    /// The latest attempt, from 1.
    var attempt = 1
    /// Who asked for the latest attempt.
    var triggeringActor: Int
    /// When the latest attempt was asked for.
    var startedAt: Int64
    /// When it last changed.
    var updatedAt: Int64
    /// Where it is.
    var phase = RunPhase.queued
    /// How it ended.
    var conclusion: Conclusion?
    /// Whether it is being cancelled.
    var isCancelled = false
    /// Whether its end was already put on the agenda.
    var isEnding = false
    /// One entry per template of the workflow.
    var jobs: [JobState]
}
