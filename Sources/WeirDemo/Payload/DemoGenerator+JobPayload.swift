//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension DemoGenerator {
    /// The body of a `workflow_job` event.
    ///
    /// - Parameters:
    ///   - job: The job as it is now.
    ///   - template: The index of its template.
    ///   - run: Its run.
    ///   - action: The event's action: `queued`, `waiting`, `in_progress`, `completed`.
    func body(of job: JobState, template: Int, run: RunState, action: String) -> [UInt8] {
        var writer = JSONWriter(capacity: 4_096)
        writer.object { json in
            json.member("action", action)
            json.object("workflow_job") { self.write(job, template, run, into: &$0) }
            json.raw("repository", self.fragments.repositories[run.repository])
            json.raw("organization", self.fragments.organizations[run.repository])
            json.raw("sender", self.fragments.actors[run.triggeringActor])
        }
        return writer.bytes
    }

    /// The members of the `workflow_job` object.
    private func write(_ job: JobState, _ index: Int, _ run: RunState, into json: inout JSONWriter) {
        let workflow = self.catalogue.repositories[run.repository].workflows[run.workflow]
        let template = workflow.jobs[index]
        let interface = self.fragments.interfaces[run.repository]
        let isCompleted = job.phase == .completed
        json.member("id", job.id)
        json.member("run_id", run.id)
        json.member("workflow_name", workflow.name)
        json.member("head_branch", run.cause.branch)
        json.member("run_url", "\(interface)/actions/runs/\(run.id)")
        json.member("run_attempt", Int64(job.attempt))
        json.member("head_sha", run.cause.commit)
        json.member("url", "\(interface)/actions/jobs/\(job.id)")
        json.member("html_url", "\(self.fragments.pages[run.repository])/actions/runs/\(run.id)/job/\(job.id)")
        json.member("status", job.phase.rawValue)
        json.member("conclusion", isCompleted ? job.conclusion?.rawValue : nil)
        json.time("created_at", job.createdAt)
        // GitHub repeats created_at here until a runner has begun.
        json.time("started_at", job.startedAt ?? job.createdAt)
        json.time("completed_at", job.completedAt)
        json.member("name", template.name)
        json.array("steps") { self.writeSteps(of: job, template.steps, into: &$0) }
        json.member("check_run_url", "\(interface)/check-runs/\(job.id)")
        json.array("labels") { json in
            for label in template.pool.labels { json.string(template.pool == .perRun ? "\(label)\(run.id)" : label) }
        }
        json.member("runner_id", job.runner?.id)
        json.member("runner_name", job.runner?.name)
        json.member("runner_group_id", job.runner.map { Int64($0.pool.naming.groupID) })
        json.member("runner_group_name", job.runner?.pool.naming.group)
    }

    /// The elements of `steps`: none before the job begins, the first while it runs, all at its end.
    private func writeSteps(of job: JobState, _ steps: StepList, into json: inout JSONWriter) {
        guard let startedAt = job.startedAt, job.runner != nil else { return }
        guard let completedAt = job.completedAt else {
            return self.writeStep(steps.main[0].name, "in_progress", nil, 1, startedAt, nil, into: &json)
        }
        let broken = job.brokenStep ?? steps.main.count
        let executed = min(steps.main.count, broken + 1)
        let weights = steps.main[..<executed].reduce(0) { $0 + $1.weight }
        var done = 0.0
        var begin = startedAt
        for (index, step) in steps.main.enumerated() {
            guard index < executed else {
                self.writeStep(step.name, "completed", .skipped, index + 1, completedAt, completedAt, into: &json)
                continue
            }
            done += step.weight
            let end = startedAt + Int64(Double(completedAt - startedAt) * done / weights)
            let conclusion: Conclusion =
                index != broken ? .success : job.conclusion == .failure ? .failure : .cancelled
            self.writeStep(step.name, "completed", conclusion, index + 1, begin, end, into: &json)
            begin = end
        }
        for (index, name) in steps.post.enumerated() {
            // GitHub numbers the closing steps from twice the number of the opening ones.
            let number = steps.main.count * 2 - 1 + index
            let isSkipped = job.brokenStep != nil && steps.post.count > 2 && index == 0
            self.writeStep(
                name, "completed", isSkipped ? .skipped : .success, number, completedAt, completedAt, into: &json)
        }
    }

    /// One element of `steps`; times in milliseconds since the epoch.
    private func writeStep(
        _ name: String, _ status: String, _ conclusion: Conclusion?, _ number: Int, _ startedAt: Int64,
        _ completedAt: Int64?, into json: inout JSONWriter
    ) {
        json.object { json in
            json.member("name", name)
            json.member("status", status)
            json.member("conclusion", conclusion?.rawValue)
            json.member("number", Int64(number))
            json.time("started_at", startedAt)
            json.time("completed_at", completedAt)
        }
    }
}
