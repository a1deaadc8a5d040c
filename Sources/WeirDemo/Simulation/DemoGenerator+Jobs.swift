//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension DemoGenerator {
    /// A job appears: held with its run, held by an approval, or queued.
    mutating func createJob(_ address: JobAddress, at now: Int64) {
        guard let run = self.runs[address.run], run.jobs[address.template].phase == .scheduled else { return }
        var job = JobState(id: self.identifiers.nextJob(using: &self.random), attempt: run.attempt)
        job.createdAt = now
        job.phase = .pending
        self.runs[address.run]?.jobs[address.template] = job
        let address = JobAddress(run: address.run, template: address.template, id: job.id)
        if run.phase == .pending {
            self.sendJob(address, action: "queued", at: now)
        } else {
            self.releaseJob(address, at: now)
        }
    }

    /// No concurrency rule holds the job any more: it waits for an approval, or is queued.
    mutating func releaseJob(_ address: JobAddress, at now: Int64) {
        guard self.phase(of: address) == .pending else { return }
        guard self.template(of: address)?.needsApproval == true else { return self.queueJob(address, at: now) }
        self.runs[address.run]?.jobs[address.template].phase = .waiting
        // Some servers name the event after the queue although the job waits; the status tells.
        self.sendJob(address, action: self.random.chance(0.85) ? "waiting" : "queued", at: now)
        let delay = min(7_200_000, max(8_000, self.random.logNormal(median: 150_000, spread: 1.3)))
        self.agenda.insert(.approveJob(address), at: now + Int64(delay))
    }

    /// Somebody approved a waiting job.
    mutating func approveJob(_ address: JobAddress, at now: Int64) {
        guard self.phase(of: address) == .waiting else { return }
        self.queueJob(address, at: now)
    }

    /// A runner begins a job, and its end is planned; a job cancelled meanwhile gives the runner back.
    mutating func startJob(_ address: JobAddress, on runner: Runner, at now: Int64) {
        guard self.phase(of: address) == .queued, let run = self.runs[address.run],
            let template = self.template(of: address)
        else { return self.release(runner, at: now) }
        var job = run.jobs[address.template]
        job.phase = .inProgress
        job.startedAt = now
        job.runner = runner
        let duration = self.plan(&job, template)
        self.runs[address.run]?.jobs[address.template] = job
        if run.phase != .inProgress {
            var run = run
            run.jobs[address.template] = job
            run.phase = .inProgress
            self.send(&run, action: "in_progress", at: now)
            self.runs[address.run] = run
        }
        self.sendJob(address, action: "in_progress", at: now)
        self.agenda.insert(.finishJob(address), at: now + duration)
    }

    /// A running job ends as planned.
    mutating func finishJob(_ address: JobAddress, at now: Int64) {
        guard self.phase(of: address) == .inProgress, let run = self.runs[address.run],
            let template = self.template(of: address)
        else { return }
        self.endJob(address, as: run.jobs[address.template].conclusion ?? .success, at: now)
        if template.isMatrixCell, run.jobs[address.template].conclusion != .success {
            self.agenda.insert(.failFast(run.id, run.attempt, template.key), at: now + 1_200)
        }
        self.agenda.insert(.advance(run.id, run.attempt), at: now + 700)
    }

    /// Cancels the cells of a matrix one of which failed.
    mutating func failFast(_ id: Int64, _ attempt: Int, matrix: String, at now: Int64) {
        guard let run = self.runs[id], run.attempt == attempt, run.phase != .completed else { return }
        let templates = self.catalogue.repositories[run.repository].workflows[run.workflow].jobs
        for (template, job) in run.jobs.enumerated() where templates[template].key == matrix {
            self.cancelJob(JobAddress(run: id, template: template, id: job.id), at: now)
        }
        self.agenda.insert(.advance(id, attempt), at: now + 400)
    }

    /// Cancels a job wherever it is; one that has not appeared is left to be skipped.
    mutating func cancelJob(_ address: JobAddress, at now: Int64) {
        switch self.phase(of: address) {
        case .pending, .waiting, .queued:
            self.endJob(address, as: .cancelled, at: now)
        case .inProgress:
            let steps = self.template(of: address)?.steps.main.count ?? 1
            self.runs[address.run]?.jobs[address.template].brokenStep = self.random.below(steps)
            self.endJob(address, as: .cancelled, at: now)
        case .scheduled:
            self.runs[address.run]?.jobs[address.template].phase = .unmade
        case .unmade, .completed, nil:
            break
        }
    }

    /// A job that never runs appears as completed, and skipped.
    mutating func skipJob(_ address: JobAddress, at now: Int64) {
        guard let run = self.runs[address.run] else { return }
        var job = JobState(id: self.identifiers.nextJob(using: &self.random), attempt: run.attempt)
        job.createdAt = now
        self.runs[address.run]?.jobs[address.template] = job
        self.endJob(JobAddress(run: address.run, template: address.template, id: job.id), as: .skipped, at: now)
    }

    /// Where a job is; nil when the run is gone or the job was replaced by a re-run.
    private func phase(of address: JobAddress) -> JobPhase? {
        guard let job = self.runs[address.run]?.jobs[address.template], job.id == address.id else { return nil }
        return job.phase
    }

    /// What a job does; nil when the run is gone.
    private func template(of address: JobAddress) -> JobTemplate? {
        guard let run = self.runs[address.run] else { return nil }
        return self.catalogue.repositories[run.repository].workflows[run.workflow].jobs[address.template]
    }

    /// Sends a job's state as it is now.
    private mutating func sendJob(_ address: JobAddress, action: String, at now: Int64) {
        guard let run = self.runs[address.run] else { return }
        let body = self.body(of: run.jobs[address.template], template: address.template, run: run, action: action)
        self.send(event: "workflow_job", body: body, at: now)
    }

    /// Puts a job into the queue of its pool.
    private mutating func queueJob(_ address: JobAddress, at now: Int64) {
        guard let template = self.template(of: address) else { return }
        self.runs[address.run]?.jobs[address.template].phase = .queued
        self.sendJob(address, action: "queued", at: now)
        self.pools[template.pool.rawValue].enqueue(address)
        self.assignRunners(template.pool, at: now)
    }

    /// Ends a job, sends it and gives its runner to the next.
    private mutating func endJob(_ address: JobAddress, as conclusion: Conclusion, at now: Int64) {
        self.runs[address.run]?.jobs[address.template].phase = .completed
        self.runs[address.run]?.jobs[address.template].conclusion = conclusion
        self.runs[address.run]?.jobs[address.template].completedAt = now
        self.sendJob(address, action: "completed", at: now)
        if let runner = self.runs[address.run]?.jobs[address.template].runner { self.release(runner, at: now) }
    }

    /// Takes a runner back and gives it to the next job.
    private mutating func release(_ runner: Runner, at now: Int64) {
        self.pools[runner.pool.rawValue].release(runner)
        self.assignRunners(runner.pool, at: now)
    }

    /// Gives free runners to the jobs that have waited longest.
    private mutating func assignRunners(_ pool: PoolKind, at now: Int64) {
        let runs = self.runs
        while let (job, runner) = self.pools[pool.rawValue].assign(
            using: &self.random,
            where: { address in
                guard let job = runs[address.run]?.jobs[address.template] else { return false }
                return job.id == address.id && job.phase == .queued
            })
        {
            let delay = max(900, self.random.logNormal(median: pool.pickUpSeconds * 1_000, spread: 0.5))
            self.agenda.insert(.startJob(job, runner), at: now + Int64(delay))
        }
    }

    /// Decides how a job will end.
    ///
    /// - Returns: How long it takes, in milliseconds: 3 s to 20 min, which is also when it times out.
    private mutating func plan(_ job: inout JobState, _ template: JobTemplate) -> Int64 {
        let limit = 1_200_000.0
        let drawn = self.random.logNormal(median: template.medianSeconds * 1_000, spread: template.spread)
        let duration = min(limit - 5_000, max(3_000, drawn))
        let breakable = template.steps.main.indices.filter { template.steps.main[$0].canFail }
        // What failed once fails less often the second time: many failures are flukes.
        let failureShare = template.failureShare * (job.attempt > 1 ? 0.35 : 1)
        if !breakable.isEmpty, self.random.chance(0.0012) {
            job.conclusion = .timedOut
            job.brokenStep = self.random.pick(breakable)
            return Int64(limit)
        }
        if !breakable.isEmpty, self.random.chance(failureShare) {
            job.conclusion = .failure
            job.brokenStep = self.random.pick(breakable)
            return max(3_000, Int64(duration * (0.25 + 0.75 * self.random.unit())))
        }
        job.conclusion = .success
        return Int64(duration)
    }
}
