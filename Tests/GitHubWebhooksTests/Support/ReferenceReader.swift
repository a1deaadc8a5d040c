//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import GitHubWebhooks
import WeirModel

/// The reader of events written a second time, the plain way, with Foundation's decoder: the two must agree.
enum ReferenceReader {
    /// What the payload says; nil for one that is to be refused.
    static func read(type: String, json: Data) -> LifecycleEvent? {
        switch type {
        // Why it was refused is not compared.
        case "workflow_job": (try? JSONDecoder().decode(JobPayload.self, from: json).record).map { .job($0) }
        case "workflow_run": (try? JSONDecoder().decode(RunPayload.self, from: json).record).map { .run($0) }
        default: nil
        }
    }

    struct Refusal: Error {}
}

// MARK: - Payloads, with their fields named as GitHub names them

// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Repository: Decodable {
    let full_name: String
    let html_url: String?

    /// The host of the repository's address: github.com, or that of a GitHub Enterprise Server.
    var source: String {
        // scheme, nothing, host, path
        let parts = (self.html_url ?? "").split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0].hasSuffix(":"), parts[1].isEmpty, !parts[2].isEmpty else {
            return "github.com"
        }
        return parts[2].lowercased()
    }
}

private struct Account: Decodable {
    let login: String?
}

// swift-format-ignore: AlwaysUseLowerCamelCase
private struct JobPayload: Decodable {
    struct Job: Decodable {
        let id: Int64
        let run_id: Int64
        let run_attempt: Int64?
        let name: String?
        let workflow_name: String?
        let head_branch: String?
        let head_sha: String?
        let status: String
        let conclusion: String?
        let created_at: String?
        let started_at: String?
        let completed_at: String?
        let labels: [String]?
        let runner_name: String?
        let runner_group_name: String?
        let steps: [JSONValue]?
    }

    let workflow_job: Job
    let repository: Repository
    let sender: Account?

    /// The first failed step. Nothing else is read of the steps, nor of those behind it.
    private var failedStep: String? {
        get throws {
            for step in self.workflow_job.steps ?? [] {
                guard case .object(let step) = step else { throw ReferenceReader.Refusal() }
                guard step["conclusion"] == .text("failure") else { continue }
                switch step["name"] {
                case .text(let name): return name
                case .null, nil: return nil
                default: throw ReferenceReader.Refusal()
                }
            }
            return nil
        }
    }

    var record: JobRecord<String> {
        get throws {
            let job = self.workflow_job
            let (status, conclusion) = try readStatus(job.status, job.conclusion)
            let stage = Stage(status: status, conclusion: conclusion)
            let createdAt = try readTime(job.created_at)
            let startedAt = try readTime(job.started_at)
            let completedAt = try readTime(job.completed_at)
            let labels = LabelSet((job.labels ?? []).filter { !$0.isEmpty })
            let failedStep = try self.failedStep
            let texts = [
                job.name, job.workflow_name, job.head_branch, job.head_sha, self.sender?.login, labels.canonicalText,
                job.runner_name, job.runner_group_name, failedStep, self.repository.full_name,
            ]
            var digest = Digest()
            for text in texts { digest.add(text) }
            for time in [createdAt, startedAt, completedAt] { digest.add(time?.milliseconds) }
            digest.add(job.run_id)
            var record = JobRecord(
                key: JobKey(source: self.repository.source, id: job.id),
                precedence: Precedence(
                    attempt: job.run_attempt ?? 1, status: status, conclusion: conclusion, completedAt: completedAt,
                    updatedAt: nil, digest: digest.value),
                runID: job.run_id, status: status, conclusion: conclusion, repository: self.repository.full_name)
            record.name = job.name.nonEmpty
            record.workflow = job.workflow_name.nonEmpty
            record.branch = job.head_branch.nonEmpty
            record.commit = job.head_sha.nonEmpty
            record.actor = self.sender?.login.nonEmpty
            record.labels = labels.canonicalText
            record.runner = job.runner_name.nonEmpty
            record.runnerGroup = job.runner_group_name.nonEmpty
            record.failedStep = failedStep.nonEmpty
            record.createdAt = createdAt
            // A queued job's started_at repeats created_at: it has not started.
            record.startedAt = stage >= .running ? startedAt : nil
            record.completedAt = stage == .ended ? completedAt : nil
            return record
        }
    }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
private struct RunPayload: Decodable {
    struct Commit: Decodable {
        let message: String?
    }

    struct Workflow: Decodable {
        let name: String?
    }

    struct Run: Decodable {
        let id: Int64
        let run_attempt: Int64?
        let name: String?
        let path: String?
        let display_title: String?
        let head_branch: String?
        let head_sha: String?
        let head_commit: Commit?
        let event: String?
        let status: String
        let conclusion: String?
        let actor: Account?
        let created_at: String?
        let run_started_at: String?
        let updated_at: String?
    }

    let workflow_run: Run
    let workflow: Workflow?
    let repository: Repository

    var record: RunRecord<String> {
        get throws {
            let run = self.workflow_run
            let (status, conclusion) = try readStatus(run.status, run.conclusion)
            let createdAt = try readTime(run.created_at)
            let startedAt = try readTime(run.run_started_at)
            let updatedAt = try readTime(run.updated_at)
            let attempt = run.run_attempt ?? 1
            let name = run.name.nonEmpty ?? self.workflow?.name.nonEmpty ?? run.path.nonEmpty
            let title =
                run.display_title.nonEmpty
                ?? run.head_commit?.message.nonEmpty.map { String($0.prefix { !$0.isNewline }) }
            var digest = Digest()
            for text in [
                name, title, run.head_branch, run.head_sha, run.event, run.actor?.login, self.repository.full_name,
            ] {
                digest.add(text)
            }
            for time in [createdAt, startedAt, updatedAt] { digest.add(time?.milliseconds) }
            var record = RunRecord(
                key: RunKey(source: self.repository.source, id: run.id, attempt: attempt),
                precedence: Precedence(
                    attempt: 0, status: status, conclusion: conclusion, completedAt: updatedAt, updatedAt: updatedAt,
                    digest: digest.value),
                status: status, conclusion: conclusion, repository: self.repository.full_name)
            record.name = name
            record.title = title
            record.branch = run.head_branch.nonEmpty
            record.commit = run.head_sha.nonEmpty
            record.event = run.event.nonEmpty
            record.actor = run.actor?.login.nonEmpty
            // An attempt is created when it starts: created_at stays that of the first attempt for ever.
            record.createdAt = attempt > 1 ? startedAt ?? createdAt : createdAt
            record.startedAt = startedAt
            record.updatedAt = updatedAt
            return record
        }
    }
}

// MARK: - Words and times

private func readStatus(_ status: String, _ conclusion: String?) throws -> (Status, Conclusion?) {
    guard let known = Status(name: status) else { throw ReferenceReader.Refusal() }
    guard known == .completed else { return (known, nil) }
    guard let conclusion = conclusion.flatMap(Conclusion.init(name:)) else { throw ReferenceReader.Refusal() }
    return (known, conclusion)
}

private func readTime(_ text: String?) throws -> Timestamp? {
    guard let text, !text.isEmpty else { return nil }
    guard let time = Timestamp(rfc3339: text) else { throw ReferenceReader.Refusal() }
    return time
}

extension String? {
    fileprivate var nonEmpty: String? { self.flatMap { $0.isEmpty ? nil : $0 } }
}
