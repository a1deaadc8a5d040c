//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension DemoGenerator {
    /// Asks for a run: sends `requested`, and lets it go unless an approval or a concurrency rule holds it.
    mutating func beginRun(_ repository: Int, _ workflow: Int, _ cause: RunCause, at now: Int64) {
        let definition = self.catalogue.repositories[repository].workflows[workflow]
        var run = RunState(
            id: self.identifiers.nextRun(using: &self.random), repository: repository, workflow: workflow,
            number: self.repositories[repository].nextRunNumber(workflow: workflow), cause: cause, createdAt: now,
            triggeringActor: cause.actor, startedAt: now, updatedAt: now,
            jobs: definition.jobs.map { _ in JobState() })
        if self.random.chance(0.003) {
            run.isEnding = true
            self.request(run, at: now)
            self.agenda.insert(.startupFailure(run.id), at: now + 900)
            return
        }
        if cause.event == "pull_request", self.random.chance(0.008) {
            self.holdForApproval(run, at: now)
            return
        }
        let jobsWithoutNeeds = definition.jobs.filter(\.after.isEmpty)
        if !self.joinGroup(run, definition.concurrency, at: now) {
            run.phase = .pending
        } else if jobsWithoutNeeds.allSatisfy(\.needsApproval) {
            run.phase = .waiting
        } else if self.random.chance(0.05) {
            run.phase = .requested
        }
        self.request(run, at: now)
        self.agenda.insert(.advance(run.id, 1), at: now + self.random.integer(in: 300...1_200))
        if self.random.chance(0.015) {
            let delay = self.random.logNormal(median: 100_000, spread: 1)
            self.agenda.insert(.cancelRun(run.id, 1), at: now + Int64(delay))
        }
    }

    /// Somebody approved a first-time contributor's run: the same attempt goes on, from "completed" back.
    mutating func approveRun(_ id: Int64, at now: Int64) {
        guard var run = self.runs[id] else { return }
        run.phase = .queued
        run.conclusion = nil
        run.triggeringActor = self.random.below(self.catalogue.humans)
        self.runs[id] = run
        self.agenda.insert(.advance(id, run.attempt), at: now + 500)
    }

    /// A run whose workflow file cannot be used ends without jobs.
    mutating func failAtStartup(_ id: Int64, at now: Int64) {
        guard var run = self.runs.removeValue(forKey: id) else { return }
        run.phase = .completed
        run.conclusion = .startupFailure
        self.send(&run, action: "completed", at: now)
    }

    /// Makes the jobs whose needs are met, skips those whose needs failed, and ends the run when all are over.
    mutating func advance(_ id: Int64, attempt: Int, at now: Int64) {
        guard let run = self.runs[id], run.attempt == attempt, run.phase != .completed, !run.isEnding else { return }
        let definition = self.catalogue.repositories[run.repository].workflows[run.workflow]
        // Needs stand before the jobs that need them, so one pass carries a skip to the end.
        for (template, needs) in definition.needs.enumerated() {
            guard let jobs = self.runs[id]?.jobs, jobs[template].phase == .unmade,
                needs.allSatisfy({ jobs[$0].phase == .completed })
            else { continue }
            let isUnwanted =
                definition.jobs[template].isSkippedOnPullRequests && run.cause.event == "pull_request"
            if run.isCancelled || isUnwanted || needs.contains(where: { jobs[$0].conclusion != .success }) {
                self.skipJob(JobAddress(run: id, template: template, id: 0), at: now)
            } else {
                self.runs[id]?.jobs[template].phase = .scheduled
                self.agenda.insert(
                    .createJob(JobAddress(run: id, template: template, id: 0)),
                    at: now + self.random.integer(in: 400...1_800))
            }
        }
        if self.runs[id]?.jobs.allSatisfy({ $0.phase == .completed }) == true {
            self.runs[id]?.isEnding = true
            self.agenda.insert(.completeRun(id, attempt), at: now + self.random.integer(in: 600...2_400))
        }
    }

    /// Cancels what is left of a run.
    mutating func cancelRun(_ id: Int64, attempt: Int, at now: Int64) {
        guard let run = self.runs[id], run.attempt == attempt, run.phase != .completed, !run.isCancelled,
            !run.isEnding
        else { return }
        self.runs[id]?.isCancelled = true
        for (template, job) in run.jobs.enumerated() {
            self.cancelJob(JobAddress(run: id, template: template, id: job.id), at: now)
        }
        self.advance(id, attempt: attempt, at: now)
    }

    /// Ends a run, lets the next of its concurrency group go, and sometimes has it run again.
    mutating func completeRun(_ id: Int64, attempt: Int, at now: Int64) {
        guard var run = self.runs[id], run.attempt == attempt, run.phase != .completed else { return }
        let conclusion = Self.conclusion(of: run)
        run.phase = .completed
        run.conclusion = conclusion
        self.send(&run, action: "completed", at: now)
        let isRunAgain = conclusion == .failure && attempt < 3 && self.random.chance(0.45)
        self.runs[id] = isRunAgain ? run : nil
        if isRunAgain {
            let delay = max(20_000, self.random.logNormal(median: 400_000, spread: 1.2))
            self.agenda.insert(.rerun(id), at: now + Int64(delay))
        }
        self.leaveGroup(run, at: now)
    }

    /// Runs a failed run again: the same id, the next attempt; mostly only the jobs that did not succeed.
    mutating func rerun(_ id: Int64, at now: Int64) {
        guard var run = self.runs[id] else { return }
        let keepsSuccesses = self.random.chance(0.75)
        run.attempt += 1
        run.triggeringActor = self.random.below(self.catalogue.humans)
        run.startedAt = now
        run.phase = .queued
        run.conclusion = nil
        run.isCancelled = false
        run.isEnding = false
        for index in run.jobs.indices where !(keepsSuccesses && run.jobs[index].conclusion == .success) {
            run.jobs[index] = JobState(attempt: run.attempt)
        }
        self.request(run, at: now)
        self.agenda.insert(.advance(id, run.attempt), at: now + self.random.integer(in: 300...1_200))
    }

    /// Sends a run's state, with the time of its last change.
    mutating func send(_ run: inout RunState, action: String, at now: Int64) {
        run.updatedAt = now
        self.send(event: "workflow_run", body: self.body(of: run, action: action), at: now)
    }

    /// Keeps a run and sends that it was asked for.
    private mutating func request(_ run: RunState, at now: Int64) {
        var run = run
        self.send(&run, action: "requested", at: now)
        self.runs[run.id] = run
    }

    /// A first-time contributor's run: GitHub sends it as completed with `action_required`; most are approved later.
    private mutating func holdForApproval(_ run: RunState, at now: Int64) {
        var run = run
        run.phase = .completed
        run.conclusion = .actionRequired
        self.send(&run, action: "requested", at: now)
        self.send(&run, action: "completed", at: now + 1_000)
        guard self.random.chance(0.75) else { return }
        self.runs[run.id] = run
        let delay = max(30_000, self.random.logNormal(median: 1_500_000, spread: 1))
        self.agenda.insert(.approveRun(run.id), at: now + Int64(delay))
    }

    /// The conclusion GitHub gives a run whose jobs are all over.
    private static func conclusion(of run: RunState) -> Conclusion {
        let conclusions = run.jobs.compactMap(\.conclusion)
        if conclusions.contains(.failure) || conclusions.contains(.timedOut) { return .failure }
        if run.isCancelled || conclusions.contains(.cancelled) { return .cancelled }
        return conclusions.contains(.success) ? .success : .skipped
    }
}
