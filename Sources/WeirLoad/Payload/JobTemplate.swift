//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The body of a `workflow_job` event.
struct JobTemplate: TemplateText {
    enum Phase {
        /// No runner has it.
        case waiting
        /// It ended without one.
        case endedUnstarted
        case running
        case ended
    }

    private let repository: Int
    private let phase: Phase

    init(repository: Int, _ phase: Phase) {
        self.repository = repository
        self.phase = phase
    }

    func text(properties: [(String, String)]) -> String {
        JSONText.object([
            ("action", JSONText.text(Slot.status.mark)), ("workflow_job", self.job),
            ("repository", PayloadParts.repository(self.repository, properties: properties)),
            ("organization", PayloadParts.organization), ("sender", PayloadParts.sender),
            ("installation", PayloadParts.installation),
        ])
    }

    private var job: String {
        let address = PayloadParts.address(self.repository)
        let page = PayloadParts.page(self.repository)
        let (run, job) = (Slot.runID.mark, Slot.jobID.mark)
        let hasRunner = self.phase == .running || self.phase == .ended
        let hasEnded = self.phase == .ended || self.phase == .endedUnstarted
        return JSONText.object([
            ("id", job), ("run_id", run), ("workflow_name", JSONText.text(Slot.workflow.mark)),
            ("head_branch", JSONText.text(Slot.branch.mark)),
            ("run_url", JSONText.text("\(address)/actions/runs/\(run)")), ("run_attempt", Slot.attempt.mark),
            ("node_id", JSONText.text("CR_kwDOJ\(job)")), ("head_sha", JSONText.text(Slot.commit.mark)),
            ("url", JSONText.text("\(address)/actions/jobs/\(job)")),
            ("html_url", JSONText.text("\(page)/actions/runs/\(run)/job/\(job)")),
            ("status", JSONText.text(Slot.status.mark)),
            ("conclusion", hasEnded ? JSONText.text(Slot.conclusion.mark) : "null"),
            ("created_at", JSONText.text(Slot.created.mark)),
            // While a job waits GitHub repeats its creation here.
            ("started_at", JSONText.text(hasRunner ? Slot.started.mark : Slot.created.mark)),
            ("completed_at", hasEnded ? JSONText.text(Slot.updated.mark) : "null"),
            ("name", JSONText.text(Slot.name.mark)), ("steps", self.steps),
            ("check_run_url", JSONText.text("\(address)/check-runs/\(job)")), ("labels", Slot.labels.mark),
            ("runner_id", hasRunner ? Slot.runner.mark : "null"),
            ("runner_name", hasRunner ? JSONText.text("runner-\(Slot.runner.mark)") : "null"),
            ("runner_group_id", hasRunner ? "2" : "null"),
            ("runner_group_name", hasRunner ? JSONText.text("Default") : "null"),
        ])
    }

    /// None while it waits, the first while it runs, all at its end: the sixth gives the job its conclusion.
    private var steps: String {
        func step(_ index: Int, _ status: String, _ conclusion: String, from: String, to: String) -> String {
            JSONText.object([
                ("name", JSONText.text(Catalogue.steps[index])), ("status", JSONText.text(status)),
                ("conclusion", conclusion), ("number", String(index + 1)), ("started_at", from), ("completed_at", to),
            ])
        }
        let started = JSONText.text(Slot.started.mark)
        let ended = JSONText.text(Slot.updated.mark)
        switch self.phase {
        case .waiting, .endedUnstarted: return "[]"
        case .running: return JSONText.array([step(0, "in_progress", "null", from: started, to: "null")])
        case .ended:
            return JSONText.array(
                Catalogue.steps.indices.map { index in
                    let conclusion = index == 5 ? Slot.conclusion.mark : "success"
                    return step(
                        index, "completed", JSONText.text(conclusion), from: index < 5 ? started : ended,
                        to: index < 4 ? started : ended)
                })
        }
    }
}
