//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension DemoGenerator {
    /// The body of a `workflow_run` event.
    ///
    /// - Parameters:
    ///   - run: The run as it is now.
    ///   - action: The event's action: `requested`, `in_progress`, `completed`.
    func body(of run: RunState, action: String) -> [UInt8] {
        let workflow = self.catalogue.repositories[run.repository].workflows[run.workflow]
        var writer = JSONWriter(capacity: 4_096)
        writer.object { json in
            json.member("action", action)
            json.object("workflow_run") { self.write(run, workflow, into: &$0) }
            json.raw("workflow", self.fragments.workflows[run.repository][run.workflow])
            json.raw("repository", self.fragments.repositories[run.repository])
            json.raw("organization", self.fragments.organizations[run.repository])
            json.raw("sender", self.fragments.actors[run.triggeringActor])
        }
        return writer.bytes
    }

    /// The members of the `workflow_run` object.
    private func write(_ run: RunState, _ workflow: Workflow, into json: inout JSONWriter) {
        let page = "\(self.fragments.pages[run.repository])/actions/runs/\(run.id)"
        let interface = "\(self.fragments.interfaces[run.repository])/actions/runs/\(run.id)"
        let title = run.cause.title ?? workflow.name
        json.member("id", run.id)
        json.member("name", workflow.name)
        json.member("head_branch", run.cause.branch)
        json.member("head_sha", run.cause.commit)
        json.member("path", workflow.path)
        json.member("display_title", title)
        json.member("run_number", Int64(run.number))
        json.member("event", run.cause.event)
        json.member("status", run.phase.rawValue)
        json.member("conclusion", run.conclusion?.rawValue)
        json.member("workflow_id", workflow.id)
        json.member("url", interface)
        json.member("html_url", page)
        json.array("pull_requests") { _ in }
        json.time("created_at", run.createdAt)
        json.time("updated_at", run.updatedAt)
        json.raw("actor", self.fragments.actors[run.cause.actor])
        json.member("run_attempt", Int64(run.attempt))
        json.time("run_started_at", run.startedAt)
        json.raw("triggering_actor", self.fragments.actors[run.triggeringActor])
        json.member("jobs_url", interface + "/jobs")
        json.member("previous_attempt_url", run.attempt > 1 ? "\(interface)/attempts/\(run.attempt - 1)" : nil)
        json.object("head_commit") { json in
            json.member("id", run.cause.commit)
            json.member("message", title)
            json.time("timestamp", run.createdAt)
        }
        json.raw("repository", self.fragments.minimalRepositories[run.repository])
    }
}
