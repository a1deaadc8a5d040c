//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import FoundationEssentials
import GitHubWebhooks

/// Webhooks as a sender makes them.
public struct TestWebhook: Sendable {
    public static let secret = "a secret of the tests"

    public var event: String
    public var delivery: String
    public var body: Data

    public init(event: String, delivery: String = UUID().uuidString.lowercased(), body: Data) {
        self.event = event
        self.delivery = delivery
        self.body = body
    }

    /// The headers, with a signature under ``secret``.
    public var headers: [(String, String)] {
        [
            ("Content-Type", "application/json"), ("X-GitHub-Event", self.event), ("X-GitHub-Delivery", self.delivery),
            ("X-Hub-Signature-256", Self.signature(self.body)),
        ]
    }

    public static func signature(_ body: Data, secret: String = Self.secret) -> String {
        WebhookSignature(secrets: [secret]).header(for: body) ?? ""
    }

    public func post(_ client: HTTPClient) throws -> HTTPAnswer {
        try client.request("POST", "/webhook", headers: self.headers, body: self.body)
    }

    // MARK: - Payloads of the tests' own

    /// A time in RFC 3339 with seconds.
    public static func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }

    /// A `workflow_job` payload.
    public static func job(
        id: Int64, run: Int64, attempt: Int64 = 1, status: String, conclusion: String? = nil, created: Int64,
        started: Int64? = nil, completed: Int64? = nil, labels: [String] = ["ubuntu-latest"],
        repository: String = "acme/api", name: String = "build", runner: String? = nil
    ) -> Data {
        func text(_ value: String?) -> String { value.map { "\"\($0)\"" } ?? "null" }
        let labels = labels.map { "\"\($0)\"" }.joined(separator: ",")
        return Data(
            """
            {"action":"\(status)","workflow_job":{"id":\(id),"run_id":\(run),"run_attempt":\(attempt),\
            "workflow_name":"CI","head_branch":"main","head_sha":"0123456789abcdef0123456789abcdef01234567",\
            "status":"\(status)","conclusion":\(text(conclusion)),"created_at":"\(Self.time(created))",\
            "started_at":"\(Self.time(started ?? created))","completed_at":\(text(completed.map(Self.time))),\
            "name":"\(name)","labels":[\(labels)],"runner_name":\(text(runner)),"runner_group_name":null,"steps":[]},\
            "repository":{"id":1,"full_name":"\(repository)","html_url":"https://github.com/\(repository)"},\
            "sender":{"login":"octocat"}}
            """.utf8)
    }

    /// A `workflow_run` payload.
    public static func run(
        id: Int64, attempt: Int64 = 1, status: String, conclusion: String? = nil, created: Int64,
        updated: Int64? = nil, repository: String = "acme/api", title: String = "A change"
    ) -> Data {
        let conclusion = conclusion.map { "\"\($0)\"" } ?? "null"
        return Data(
            """
            {"action":"requested","workflow_run":{"id":\(id),"run_attempt":\(attempt),"name":"CI",\
            "display_title":"\(title)","head_branch":"main","head_sha":"0123456789abcdef0123456789abcdef01234567",\
            "event":"push","status":"\(status)","conclusion":\(conclusion),"actor":{"login":"octocat"},\
            "created_at":"\(Self.time(created))","run_started_at":"\(Self.time(created))",\
            "updated_at":"\(Self.time(updated ?? created))"},\
            "repository":{"id":1,"full_name":"\(repository)","html_url":"https://github.com/\(repository)"}}
            """.utf8)
    }
}
