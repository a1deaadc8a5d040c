//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

/// Payloads as GitHub sends them, and the fields Weir reads of them.
struct Payload: Sendable, CustomStringConvertible {
    let name: String
    let type: String
    let data: Data

    var description: String { self.name }

    /// The tests' own: every field that is read, and some that are not.
    static let own: [Payload] = [
        Payload(name: "queued job", type: "workflow_job", data: Data(Self.queuedJob.utf8)),
        Payload(name: "failed job", type: "workflow_job", data: Data(Self.failedJob.utf8)),
        Payload(name: "bare job", type: "workflow_job", data: Data(Self.bareJob.utf8)),
        Payload(name: "requested run", type: "workflow_run", data: Data(Self.requestedRun.utf8)),
        Payload(name: "failed run", type: "workflow_run", data: Data(Self.failedRun.utf8)),
        Payload(name: "bare run", type: "workflow_run", data: Data(Self.bareRun.utf8)),
    ]

    /// GitHub's examples, where they lie beside the repository; none where they do not.
    static func samples(testFile: String = #filePath) throws -> [Payload] {
        let parts = testFile.split(separator: "/")
        guard let tests = parts.lastIndex(of: "Tests") else { return [] }
        let directory = "/" + parts[..<tests].dropLast().joined(separator: "/") + "/shared/payloads"
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            .filter { $0.hasPrefix("workflow_") && $0.hasSuffix(".json") }
            .map { name in
                let data = try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))
                return Payload(name: name, type: name.split(separator: ".").first.map(String.init) ?? "", data: data)
            }
    }

    /// What is read of each type.
    static let fields: [String: [String]] = [
        "workflow_job": [
            "workflow_job", "workflow_job.id", "workflow_job.run_id", "workflow_job.run_attempt", "workflow_job.name",
            "workflow_job.workflow_name", "workflow_job.head_branch", "workflow_job.head_sha", "workflow_job.status",
            "workflow_job.conclusion", "workflow_job.created_at", "workflow_job.started_at",
            "workflow_job.completed_at", "workflow_job.labels", "workflow_job.labels.0", "workflow_job.runner_name",
            "workflow_job.runner_group_name", "workflow_job.steps", "workflow_job.steps.0", "workflow_job.steps.1",
            "workflow_job.steps.1.name", "workflow_job.steps.1.conclusion", "repository", "repository.full_name",
            "repository.html_url", "sender", "sender.login",
        ],
        "workflow_run": [
            "workflow_run", "workflow_run.id", "workflow_run.run_attempt", "workflow_run.name", "workflow_run.path",
            "workflow_run.display_title", "workflow_run.head_branch", "workflow_run.head_sha",
            "workflow_run.head_commit", "workflow_run.head_commit.message", "workflow_run.event",
            "workflow_run.status", "workflow_run.conclusion", "workflow_run.created_at",
            "workflow_run.run_started_at", "workflow_run.updated_at", "workflow_run.actor",
            "workflow_run.actor.login", "workflow", "workflow.name", "repository", "repository.full_name",
            "repository.html_url",
        ],
    ]

    static let queuedJob = """
        {"action":"queued","workflow_job":{"id":2832853555,"run_id":940463255,"run_attempt":1,"run_url":"https://x",
        "head_sha":"e3103f8eb03e1ad7f2331c5446b23c070fc54055","head_branch":"main","workflow_name":"CI",
        "status":"queued","conclusion":null,"created_at":"2021-09-13T02:21:13Z","started_at":"2021-09-13T02:21:13Z",
        "completed_at":null,"name":"Test (größe)","steps":[],"labels":["self-hosted","linux","x64","linux"],
        "runner_id":null,"runner_name":null,"runner_group_id":null,"runner_group_name":null},
        "repository":{"id":1,"full_name":"acme/api","private":false,"html_url":"https://github.com/acme/api"},
        "sender":{"login":"octocat","id":5,"site_admin":false}}
        """

    static let failedJob = """
        {"action":"completed","workflow_job":{"id":9007199254740993,"run_id":940463256,"run_attempt":3,
        "head_sha":"e3103f8eb03e1ad7f2331c5446b23c070fc54055","head_branch":"feature/\\u00e9\\"x","workflow_name":"CI",
        "status":"completed","conclusion":"failure","created_at":"2021-09-13T02:21:13Z",
        "started_at":"2021-09-13T04:21:20.5+02:00","completed_at":"2021-09-13T02:25:00Z","name":"Test",
        "steps":[{"name":"Set up","status":"completed","conclusion":"success","number":1},
        {"name":"Run tests","status":"completed","conclusion":"failure","number":2},
        {"name":"Upload","status":"completed","conclusion":"failure","number":3}],
        "labels":["ubuntu-22.04"],"runner_id":7,"runner_name":"runner 7","runner_group_name":"Default"},
        "repository":{"id":1,"full_name":"acme/api","html_url":"https://GHES.example.com/acme/api"},
        "sender":{"login":"octocat"}}
        """

    static let bareJob = """
        {"workflow_job":{"id":1,"run_id":2,"status":"in_progress"},"repository":{"full_name":"a/b"}}
        """

    static let requestedRun = """
        {"action":"requested","workflow_run":{"id":940463255,"name":"CI","path":".github/workflows/ci.yml@main",
        "display_title":"Add a thing","run_number":5,"run_attempt":1,"head_branch":"main",
        "head_sha":"e3103f8eb03e1ad7f2331c5446b23c070fc54055","event":"push","status":"queued","conclusion":null,
        "created_at":"2021-09-13T02:21:13Z","run_started_at":"2021-09-13T02:21:13Z",
        "updated_at":"2021-09-13T02:21:14Z","actor":{"login":"octocat","id":5},
        "head_commit":{"id":"e3103f8e","message":"Add a thing\\n\\nAt length.","author":{"name":"O"}}},
        "workflow":{"id":3,"name":"CI of the workflow"},
        "repository":{"id":1,"full_name":"acme/api","html_url":"https://github.com/acme/api"},
        "sender":{"login":"someone"}}
        """

    static let failedRun = """
        {"action":"completed","workflow_run":{"id":940463255,"name":"","path":".github/workflows/ci.yml",
        "display_title":"","run_attempt":2,"head_branch":"main","head_sha":"e3103f8e","event":"schedule",
        "status":"completed","conclusion":"startup_failure","created_at":"2021-09-13T02:21:13Z",
        "run_started_at":"2021-09-14T02:21:13Z","updated_at":"2021-09-14T02:29:14Z","actor":null,
        "head_commit":{"message":"Fix it\\n\\nAt length."}},"workflow":{"name":"Nightly"},
        "repository":{"full_name":"acme/api","html_url":"https://ghes.example.com:8443/acme/api"}}
        """

    static let bareRun = """
        {"workflow_run":{"id":7,"status":"pending"},"repository":{"full_name":"a/b","html_url":"nowhere"}}
        """
}
