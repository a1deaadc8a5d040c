//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// The fields of a `workflow_job` payload, as sent.
struct JobPayload: Equatable {
    var id: Int64
    var runID: Int64
    var attempt: Int64
    var name: String?
    var workflow: String?
    var branch: String?
    var commit: String?
    var status: String
    var conclusion: String?
    var createdAt: String?
    var startedAt: String?
    var completedAt: String?
    var labels: [String]
    var runner: String?
    var runnerGroup: String?
    /// The name of the first step that failed.
    var failedStep: String?
    var sender: String?
    var repository: String
    var repositoryURL: String?

    /// What it says, in the model's terms.
    var record: JobRecord<String> {
        get throws(WebhookError) {
            let (status, conclusion) = try readStatus(self.status, self.conclusion)
            guard self.attempt > 0 else { throw .invalidBody("workflow_job.run_attempt is not positive") }
            let stage = Stage(status: status, conclusion: conclusion)
            let createdAt = try readTime(self.createdAt, "workflow_job.created_at")
            let startedAt = try readTime(self.startedAt, "workflow_job.started_at")
            let completedAt = try readTime(self.completedAt, "workflow_job.completed_at")
            let labels = LabelSet(self.labels.filter { !$0.isEmpty }).canonicalText
            var digest = Digest()
            for text in [
                self.name, self.workflow, self.branch, self.commit, self.sender, labels, self.runner,
                self.runnerGroup, self.failedStep, self.repository,
            ] {
                digest.add(text)
            }
            for time in [createdAt, startedAt, completedAt] { digest.add(time?.milliseconds) }
            digest.add(self.runID)
            var record = JobRecord(
                key: JobKey(source: readSource(self.repositoryURL), id: self.id),
                precedence: Precedence(
                    attempt: self.attempt, status: status, conclusion: conclusion, completedAt: completedAt,
                    updatedAt: nil, digest: digest.value),
                runID: self.runID, status: status, conclusion: conclusion, repository: self.repository)
            record.name = self.name.nonEmpty
            record.workflow = self.workflow.nonEmpty
            record.branch = self.branch.nonEmpty
            record.commit = self.commit.nonEmpty
            record.actor = self.sender.nonEmpty
            record.labels = labels
            record.runner = self.runner.nonEmpty
            record.runnerGroup = self.runnerGroup.nonEmpty
            record.failedStep = self.failedStep.nonEmpty
            record.createdAt = createdAt
            // A queued job's started_at repeats created_at: it has not started.
            record.startedAt = stage >= .running ? startedAt : nil
            record.completedAt = stage == .ended ? completedAt : nil
            return record
        }
    }
}

/// The fields of a `workflow_run` payload, as sent.
struct RunPayload: Equatable {
    var id: Int64
    var attempt: Int64
    var name: String?
    /// The name in the payload's workflow object; the run's own may be empty.
    var workflow: String?
    var path: String?
    var title: String?
    var commitMessage: String?
    var branch: String?
    var commit: String?
    var event: String?
    var status: String
    var conclusion: String?
    var actor: String?
    var createdAt: String?
    var startedAt: String?
    var updatedAt: String?
    var repository: String
    var repositoryURL: String?

    /// What it says, in the model's terms.
    var record: RunRecord<String> {
        get throws(WebhookError) {
            let (status, conclusion) = try readStatus(self.status, self.conclusion)
            guard self.attempt > 0 else { throw .invalidBody("workflow_run.run_attempt is not positive") }
            let createdAt = try readTime(self.createdAt, "workflow_run.created_at")
            let startedAt = try readTime(self.startedAt, "workflow_run.run_started_at")
            let updatedAt = try readTime(self.updatedAt, "workflow_run.updated_at")
            let name = self.name.nonEmpty ?? self.workflow.nonEmpty ?? self.path.nonEmpty
            let title = self.title.nonEmpty ?? self.commitMessage.map { String($0.prefix { !$0.isNewline }) }.nonEmpty
            var digest = Digest()
            for text in [name, title, self.branch, self.commit, self.event, self.actor, self.repository] {
                digest.add(text)
            }
            for time in [createdAt, startedAt, updatedAt] { digest.add(time?.milliseconds) }
            var record = RunRecord(
                key: RunKey(source: readSource(self.repositoryURL), id: self.id, attempt: self.attempt),
                precedence: Precedence(
                    attempt: 0, status: status, conclusion: conclusion, completedAt: updatedAt, updatedAt: updatedAt,
                    digest: digest.value),
                status: status, conclusion: conclusion, repository: self.repository)
            record.name = name
            record.title = title
            record.branch = self.branch.nonEmpty
            record.commit = self.commit.nonEmpty
            record.event = self.event.nonEmpty
            record.actor = self.actor.nonEmpty
            // An attempt is created when it starts: created_at stays that of the first attempt for ever.
            record.createdAt = self.attempt > 1 ? startedAt ?? createdAt : createdAt
            record.startedAt = startedAt
            record.updatedAt = updatedAt
            return record
        }
    }
}

// MARK: - Words, times and places

private func readStatus(_ status: String, _ conclusion: String?) throws(WebhookError) -> (Status, Conclusion?) {
    guard let known = Status(name: status) else {
        throw WebhookError.unknownStatus("the status \"\(status.prefix(40))\" is not one GitHub documents")
    }
    guard known == .completed else { return (known, nil) }
    guard let conclusion else { throw WebhookError.unknownStatus("the status is completed and the conclusion missing") }
    guard let ended = Conclusion(name: conclusion) else {
        throw WebhookError.unknownStatus("the conclusion \"\(conclusion.prefix(40))\" is not one GitHub documents")
    }
    return (known, ended)
}

private func readTime(_ text: String?, _ name: String) throws(WebhookError) -> Timestamp? {
    guard let text, !text.isEmpty else { return nil }
    guard let time = Timestamp(rfc3339: text) else {
        throw WebhookError.invalidBody("\(name) is not an RFC 3339 time")
    }
    return time
}

/// The host of the repository's address: github.com, or that of a GitHub Enterprise Server.
private func readSource(_ repositoryURL: String?) -> String {
    // Scheme, nothing, host, path.
    let parts = (repositoryURL ?? "").split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count >= 3, parts[0].hasSuffix(":"), parts[1].isEmpty, !parts[2].isEmpty else { return "github.com" }
    return parts[2].lowercased()
}

extension String? {
    fileprivate var nonEmpty: String? { self.flatMap { $0.isEmpty ? nil : $0 } }
}
