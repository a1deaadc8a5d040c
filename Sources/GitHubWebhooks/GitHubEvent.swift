//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirJSON
public import FoundationEssentials
public import WeirModel

/// Reads webhooks into the model's terms.
public enum GitHubEvent {
    /// Event types that change a row.
    public static let handledTypes: Set<String> = ["workflow_job", "workflow_run"]

    /// Reads an event.
    ///
    /// The object's own `status` decides; `action` is only the event's name.
    ///
    /// - Parameters:
    ///   - type: The value of `X-GitHub-Event`, one of ``handledTypes``.
    ///   - json: The payload.
    /// - Throws: ``WebhookError``.
    /// - Complexity: O(n) in the bytes of the payload, some microseconds for 10 kB.
    public static func read(type: String, json: Data) throws(WebhookError) -> LifecycleEvent {
        // The reader's texts live until the next call on this thread, so they are copied before it is given up.
        switch type {
        case "workflow_job":
            var job = weir_json_job()
            try self.check(Self.withBytes(json) { weir_json_read_job($0.baseAddress, $0.count, &job) })
            return .job(try JobPayload(job).record)
        case "workflow_run":
            var run = weir_json_run()
            try self.check(Self.withBytes(json) { weir_json_read_run($0.baseAddress, $0.count, &run) })
            return .run(try RunPayload(run).record)
        default: throw .invalidBody("events of type \(type) are not handled")
        }
    }

    private static func withBytes(
        _ data: Data, _ body: (UnsafeBufferPointer<UInt8>) -> weir_json_result
    ) -> weir_json_result {
        data.withUnsafeBytes { body($0.bindMemory(to: UInt8.self)) }
    }

    private static func check(_ result: weir_json_result) throws(WebhookError) {
        let field = result.field.map { String(cString: $0) } ?? ""
        switch result.code {
        case WEIR_JSON_OK: return
        case WEIR_JSON_MISSING: throw .invalidBody("\(field) is missing")
        case WEIR_JSON_MISMATCH: throw .invalidBody("\(field) is not of the documented type")
        default: throw .invalidBody("the body is not a JSON object")
        }
    }
}

extension weir_json_text {
    /// The text; nil for none.
    fileprivate var string: String? {
        guard let bytes = self.bytes else { return nil }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(self.count)), as: UTF8.self)
    }
}

extension JobPayload {
    fileprivate init(_ job: weir_json_job) {
        self.init(
            id: job.id, runID: job.run_id, attempt: job.run_attempt.is_present ? job.run_attempt.value : 1,
            name: job.name.string, workflow: job.workflow_name.string, branch: job.head_branch.string,
            commit: job.head_sha.string, status: job.status.string ?? "", conclusion: job.conclusion.string,
            createdAt: job.created_at.string, startedAt: job.started_at.string, completedAt: job.completed_at.string,
            labels: UnsafeBufferPointer(start: job.labels, count: Int(job.label_count)).compactMap(\.string),
            runner: job.runner_name.string, runnerGroup: job.runner_group_name.string,
            failedStep: job.failed_step.string, sender: job.sender.string, repository: job.repository.string ?? "",
            repositoryURL: job.repository_url.string)
    }
}

extension RunPayload {
    fileprivate init(_ run: weir_json_run) {
        self.init(
            id: run.id, attempt: run.run_attempt.is_present ? run.run_attempt.value : 1, name: run.name.string,
            workflow: run.workflow_name.string, path: run.path.string, title: run.display_title.string,
            commitMessage: run.commit_message.string, branch: run.head_branch.string, commit: run.head_sha.string,
            event: run.event.string, status: run.status.string ?? "", conclusion: run.conclusion.string,
            actor: run.actor.string, createdAt: run.created_at.string, startedAt: run.run_started_at.string,
            updatedAt: run.updated_at.string, repository: run.repository.string ?? "",
            repositoryURL: run.repository_url.string)
    }
}
