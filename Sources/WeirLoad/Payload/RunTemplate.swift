//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The body of a `workflow_run` event.
struct RunTemplate: TemplateText {
    /// How much it tells of people and repositories.
    private enum Detail {
        /// As GitHub does.
        case full
        /// What names them, for bodies that are to be smaller than real ones.
        case reduced
    }

    private let repository: Int
    private let action: String
    private let detail: Detail

    /// A template of at least so many bytes: of a real body, unless that has more.
    static func template(repository: Int, action: String, bytesMin: Int) -> PayloadTemplate {
        let full = RunTemplate(repository: repository, action: action, detail: .full)
        if full.sized(0).bytesMin <= bytesMin { return full.sized(bytesMin) }
        return RunTemplate(repository: repository, action: action, detail: .reduced).sized(bytesMin)
    }

    private init(repository: Int, action: String, detail: Detail) {
        self.repository = repository
        self.action = action
        self.detail = detail
    }

    private static let path = ".github/workflows/pipeline.yml"

    private var workflowID: String { String(91_000_000 + self.repository) }

    func text(properties: [(String, String)]) -> String {
        JSONText.object([
            ("action", JSONText.text(self.action)), ("workflow_run", self.run), ("workflow", self.workflow),
            ("repository", self.outerRepository(properties)),
            ("organization", PayloadParts.organization), ("sender", PayloadParts.sender),
            ("installation", PayloadParts.installation),
        ])
    }

    private func outerRepository(_ properties: [(String, String)]) -> String {
        switch self.detail {
        case .full: PayloadParts.repository(self.repository, properties: properties)
        case .reduced:
            JSONText.object(
                PayloadParts.repositoryNames(self.repository) + [("custom_properties", JSONText.object(properties))])
        }
    }

    private var workflow: String {
        let id = self.workflowID
        let address = "\(PayloadParts.address(self.repository))/actions/workflows/\(id)"
        let page = PayloadParts.page(self.repository)
        return JSONText.object([
            ("id", id), ("node_id", JSONText.text("W_kwDOJ\(id)")), ("name", JSONText.text(Slot.workflow.mark)),
            ("path", JSONText.text(Self.path)), ("state", JSONText.text("active")),
            ("created_at", JSONText.text("2021-03-09T08:20:44.000Z")),
            ("updated_at", JSONText.text("2023-11-30T10:02:17.000Z")), ("url", JSONText.text(address)),
            ("html_url", JSONText.text("\(page)/blob/main/\(Self.path)")),
            ("badge_url", JSONText.text("\(page)/workflows/pipeline/badge.svg")),
        ])
    }

    private var run: String {
        let address = PayloadParts.address(self.repository)
        let id = Slot.runID.mark
        let runAddress = "\(address)/actions/runs/\(id)"
        let title = JSONText.text(Slot.title.mark)
        let commit = JSONText.text(Slot.commit.mark)
        let created = JSONText.text(Slot.created.mark)
        let repository = JSONText.object(
            self.detail == .full
                ? PayloadParts.repositoryMembers(self.repository) : PayloadParts.repositoryNames(self.repository))
        let actor = self.detail == .full ? PayloadParts.sender : PayloadParts.senderName
        return JSONText.object([
            ("id", id), ("name", JSONText.text(Slot.workflow.mark)), ("node_id", JSONText.text("WFR_kwLOJ\(id)")),
            ("head_branch", JSONText.text(Slot.branch.mark)), ("head_sha", commit),
            ("path", JSONText.text(Self.path)), ("display_title", title), ("run_number", Slot.runNumber.mark),
            ("event", JSONText.text(Slot.trigger.mark)), ("status", JSONText.text(Slot.status.mark)),
            ("conclusion", self.action == "completed" ? JSONText.text(Slot.conclusion.mark) : "null"),
            ("workflow_id", self.workflowID), ("check_suite_id", id),
            ("check_suite_node_id", JSONText.text("CS_kwDOJ\(id)")), ("url", JSONText.text(runAddress)),
            ("html_url", JSONText.text("\(PayloadParts.page(self.repository))/actions/runs/\(id)")),
            ("pull_requests", "[]"), ("created_at", created), ("updated_at", JSONText.text(Slot.updated.mark)),
            ("actor", actor), ("run_attempt", Slot.attempt.mark), ("referenced_workflows", "[]"),
            ("run_started_at", JSONText.text(Slot.started.mark)), ("triggering_actor", actor),
            ("jobs_url", JSONText.text("\(runAddress)/jobs")), ("logs_url", JSONText.text("\(runAddress)/logs")),
            ("check_suite_url", JSONText.text("\(address)/check-suites/\(id)")),
            ("artifacts_url", JSONText.text("\(runAddress)/artifacts")),
            ("cancel_url", JSONText.text("\(runAddress)/cancel")),
            ("rerun_url", JSONText.text("\(runAddress)/rerun")), ("previous_attempt_url", "null"),
            ("workflow_url", JSONText.text("\(address)/actions/workflows/\(self.workflowID)")),
            (
                "head_commit",
                JSONText.object([
                    ("id", commit), ("tree_id", commit), ("message", title), ("timestamp", created),
                    ("author", self.author), ("committer", self.author),
                ])
            ),
            ("repository", repository), ("head_repository", repository),
        ])
    }

    private var author: String {
        let login = Slot.actor.mark
        return JSONText.object([
            ("name", JSONText.text(login)), ("email", JSONText.text("\(login)@users.noreply.github.com")),
        ])
    }
}
