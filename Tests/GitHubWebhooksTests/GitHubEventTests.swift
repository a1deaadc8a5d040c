//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import GitHubWebhooks
import TestSupport
import Testing
import WeirModel

@Suite struct GitHubEventTests {
    private static func job(_ text: String) throws -> JobRecord<String> {
        guard case .job(let record) = try GitHubEvent.read(type: "workflow_job", json: Data(text.utf8)) else {
            throw WebhookError.invalidBody("not a job")
        }
        return record
    }

    private static func run(_ text: String) throws -> RunRecord<String> {
        guard case .run(let record) = try GitHubEvent.read(type: "workflow_run", json: Data(text.utf8)) else {
            throw WebhookError.invalidBody("not a run")
        }
        return record
    }

    /// The error of a payload in which one field has another value; nil removes it.
    private static func error(_ payload: String, _ type: String, _ path: String, _ value: JSONValue?) -> WebhookError? {
        do {
            var json = try JSONValue(Data(payload.utf8))
            json[path] = value
            _ = try GitHubEvent.read(type: type, json: json.data)
            return nil
        } catch {
            return error as? WebhookError
        }
    }

    // MARK: - What is read

    @Test("A queued job is read whole; it has not started, whatever its started_at says")
    func queuedJob() throws {
        let job = try Self.job(Payload.queuedJob)
        #expect(job.key == JobKey(source: "github.com", id: 2_832_853_555))
        #expect(job.runKey == RunKey(source: "github.com", id: 940_463_255, attempt: 1))
        #expect(job.status == .queued)
        #expect(job.conclusion == nil)
        #expect(job.repository == "acme/api")
        #expect(job.name == "Test (größe)")
        #expect(job.workflow == "CI")
        #expect(job.branch == "main")
        #expect(job.commit == "e3103f8eb03e1ad7f2331c5446b23c070fc54055")
        #expect(job.actor == "octocat")
        #expect(job.labels == LabelSet(["linux", "self-hosted", "x64"]).canonicalText)
        #expect(job.createdAt == Timestamp(rfc3339: "2021-09-13T02:21:13Z"))
        #expect(job.startedAt == nil)
        #expect(job.completedAt == nil)
        #expect(job.runner == nil)
        #expect(job.runnerGroup == nil)
        #expect(job.failedStep == nil)
        #expect(job.receipts == Receipts())
        #expect(job.provenance.isEmpty)
        #expect(job.precedence.stage == .queued)
    }

    @Test("A failed job has its runner, its end, its first failed step and the host it comes from")
    func failedJob() throws {
        let job = try Self.job(Payload.failedJob)
        #expect(job.key == JobKey(source: "ghes.example.com", id: 9_007_199_254_740_993))
        #expect(job.attempt == 3)
        #expect(job.conclusion == .failure)
        #expect(job.branch == "feature/é\"x")
        #expect(job.runner == "runner 7")
        #expect(job.runnerGroup == "Default")
        #expect(job.failedStep == "Run tests")
        #expect(job.startedAt == Timestamp(rfc3339: "2021-09-13T02:21:20.5Z"))
        #expect(job.completedAt == Timestamp(rfc3339: "2021-09-13T02:25:00Z"))
        #expect(job.precedence.time == -(job.completedAt?.milliseconds ?? 0))
    }

    @Test("A job that says no more than it must is read as the first attempt, of github.com")
    func bareJob() throws {
        let job = try Self.job(Payload.bareJob)
        #expect(job.key == JobKey(source: "github.com", id: 1))
        #expect(job.attempt == 1)
        #expect(job.status == .inProgress)
        #expect(job.name == nil)
        #expect(job.labels == "")
        #expect(job.createdAt == nil)
    }

    @Test("A requested run is read whole")
    func requestedRun() throws {
        let run = try Self.run(Payload.requestedRun)
        #expect(run.key == RunKey(source: "github.com", id: 940_463_255, attempt: 1))
        #expect(run.status == .queued)
        #expect(run.conclusion == nil)
        #expect(run.name == "CI")
        #expect(run.title == "Add a thing")
        #expect(run.branch == "main")
        #expect(run.commit == "e3103f8eb03e1ad7f2331c5446b23c070fc54055")
        #expect(run.event == "push")
        #expect(run.actor == "octocat")
        #expect(run.createdAt == Timestamp(rfc3339: "2021-09-13T02:21:13Z"))
        #expect(run.startedAt == run.createdAt)
        #expect(run.updatedAt == Timestamp(rfc3339: "2021-09-13T02:21:14Z"))
        #expect(run.precedence.attempt == 0)
        #expect(!run.isDerived)
    }

    @Test("A later attempt was created when it started; what is empty comes from where else it stands")
    func failedRun() throws {
        let run = try Self.run(Payload.failedRun)
        #expect(run.key == RunKey(source: "ghes.example.com:8443", id: 940_463_255, attempt: 2))
        #expect(run.conclusion == .startupFailure)
        #expect(run.name == "Nightly")
        #expect(run.title == "Fix it")
        #expect(run.actor == nil)
        #expect(run.createdAt == Timestamp(rfc3339: "2021-09-14T02:21:13Z"))
    }

    @Test("A run without any name is known by the path of its workflow")
    func path() throws {
        var json = try JSONValue(Data(Payload.failedRun.utf8))
        json["workflow.name"] = .text("")
        #expect(try Self.run(json.json).name == ".github/workflows/ci.yml")
        json["workflow_run.path"] = .null
        #expect(try Self.run(json.json).name == nil)
    }

    @Test("The object's own status decides, not the name of the action")
    func statusDecides() throws {
        var job = try JSONValue(Data(Payload.queuedJob.utf8))
        job["workflow_job.status"] = .text("waiting")
        #expect(try Self.job(job.json).precedence.stage == .blocked)
        var run = try JSONValue(Data(Payload.requestedRun.utf8))
        run["workflow_run.status"] = .text("completed")
        run["workflow_run.conclusion"] = .text("action_required")
        #expect(try Self.run(run.json).precedence.stage == .blocked)
    }

    @Test("Times that a stage cannot have yet are left out, and so is a conclusion before the end")
    func timesOfStages() throws {
        var json = try JSONValue(Data(Payload.failedJob.utf8))
        json["workflow_job.status"] = .text("in_progress")
        let running = try Self.job(json.json)
        #expect(running.startedAt != nil)
        #expect(running.completedAt == nil)
        #expect(running.conclusion == nil)
        json["workflow_job.status"] = .text("queued")
        #expect(try Self.job(json.json).startedAt == nil)
    }

    @Test("What differs in a field that is kept has another place, what does not has the same")
    func digest() throws {
        let place = try Self.job(Payload.failedJob).precedence
        var json = try JSONValue(Data(Payload.failedJob.utf8))
        #expect(try Self.job(json.json).precedence == place)
        json["action"] = .text("something else")
        json["workflow_job.run_url"] = .text("https://elsewhere")
        #expect(try Self.job(json.json).precedence == place)
        for path in ["name", "workflow_name", "head_branch", "head_sha", "runner_name", "runner_group_name"] {
            var changed = json
            changed["workflow_job.\(path)"] = .text("another")
            #expect(try Self.job(changed.json).precedence != place, "\(path)")
        }
    }

    // MARK: - What is refused

    private static let required: [(type: String, payload: String, path: String)] = [
        ("workflow_job", Payload.failedJob, "workflow_job"), ("workflow_job", Payload.failedJob, "workflow_job.id"),
        ("workflow_job", Payload.failedJob, "workflow_job.run_id"),
        ("workflow_job", Payload.failedJob, "workflow_job.status"), ("workflow_job", Payload.failedJob, "repository"),
        ("workflow_job", Payload.failedJob, "repository.full_name"),
        ("workflow_run", Payload.failedRun, "workflow_run"), ("workflow_run", Payload.failedRun, "workflow_run.id"),
        ("workflow_run", Payload.failedRun, "workflow_run.status"), ("workflow_run", Payload.failedRun, "repository"),
        ("workflow_run", Payload.failedRun, "repository.full_name"),
    ]

    @Test("A field that must be there, and is missing or null, is named", arguments: Self.required)
    func missing(type: String, payload: String, path: String) {
        for value in [nil, JSONValue.null] {
            #expect(Self.error(payload, type, path, value) == .invalidBody("\(path) is missing"))
        }
    }

    @Test("A field of another type than documented is named", arguments: ["workflow_job", "workflow_run"])
    func wrongType(type: String) throws {
        let payload = type == "workflow_job" ? Payload.failedJob : Payload.requestedRun
        let numbers: Set = ["id", "run_id", "run_attempt"]
        for path in try #require(Payload.fields[type]) {
            let key = path.split(separator: ".").last.map(String.init) ?? ""
            // A conclusion of a step is only looked at; elements of arrays are named by their array.
            if path == "workflow_job.steps.1.conclusion" { continue }
            let name = path.split(separator: ".").filter { Int($0) == nil }.joined(separator: ".")
            for value in [JSONValue.bool(true), numbers.contains(key) ? .text("1") : .integer(1), .number(1.5)] {
                let error = Self.error(payload, type, path, value)
                #expect(error == .invalidBody("\(name) is not of the documented type"), "\(path): \(value)")
            }
        }
    }

    @Test("A field that may be missing, may", arguments: ["workflow_job", "workflow_run"])
    func optional(type: String) throws {
        let required = Set(Self.required.map(\.path))
        let payload = type == "workflow_job" ? Payload.failedJob : Payload.requestedRun
        let conclusions: Set = ["workflow_job.conclusion", "workflow_run.conclusion"]
        let elements: Set = ["workflow_job.labels.0", "workflow_job.steps.0", "workflow_job.steps.1"]
        for path in try #require(Payload.fields[type]) where !required.contains(path) && !conclusions.contains(path) {
            #expect(Self.error(payload, type, path, nil) == nil, "\(path)")
            if !elements.contains(path) { #expect(Self.error(payload, type, path, .null) == nil, "\(path)") }
        }
    }

    @Test(
        "A status that is not documented is told from a broken body", arguments: ["", "Queued", "in-progress", "done"])
    func unknownStatus(word: String) {
        let expected = WebhookError.unknownStatus("the status \"\(word)\" is not one GitHub documents")
        #expect(Self.error(Payload.queuedJob, "workflow_job", "workflow_job.status", .text(word)) == expected)
        #expect(Self.error(Payload.requestedRun, "workflow_run", "workflow_run.status", .text(word)) == expected)
    }

    @Test("An unknown word is cut off in the message")
    func longWord() {
        let word = String(repeating: "x", count: 1_000)
        let error = Self.error(Payload.queuedJob, "workflow_job", "workflow_job.status", .text(word))
        #expect((error?.description.count ?? 1_000) < 120)
    }

    @Test("A conclusion that is not documented is refused, and so is a completed object without one")
    func conclusions() {
        for (payload, type) in [(Payload.failedJob, "workflow_job"), (Payload.failedRun, "workflow_run")] {
            let path = "\(type).conclusion"
            #expect(
                Self.error(payload, type, path, .text("canceled"))
                    == .unknownStatus("the conclusion \"canceled\" is not one GitHub documents"))
            for value in [nil, JSONValue.null] {
                #expect(
                    Self.error(payload, type, path, value)
                        == .unknownStatus("the status is completed and the conclusion missing"))
            }
            for conclusion in Conclusion.allCases {
                #expect(Self.error(payload, type, path, .text(conclusion.name)) == nil)
            }
        }
        // Before the end it is not looked at.
        #expect(Self.error(Payload.queuedJob, "workflow_job", "workflow_job.conclusion", .text("nonsense")) == nil)
    }

    @Test(
        "A time that cannot be read is named",
        arguments: [
            ("workflow_job", "workflow_job.created_at"), ("workflow_job", "workflow_job.started_at"),
            ("workflow_job", "workflow_job.completed_at"), ("workflow_run", "workflow_run.created_at"),
            ("workflow_run", "workflow_run.run_started_at"), ("workflow_run", "workflow_run.updated_at"),
        ])
    func badTime(type: String, path: String) {
        let payload = type == "workflow_job" ? Payload.failedJob : Payload.failedRun
        for text in ["yesterday", "2021-02-29T00:00:00Z", "2021-09-13"] {
            #expect(Self.error(payload, type, path, .text(text)) == .invalidBody("\(path) is not an RFC 3339 time"))
        }
        #expect(Self.error(payload, type, path, .text("")) == nil)
    }

    @Test("Other events are not read", arguments: ["ping", "push", "", "Workflow_job"])
    func otherTypes(type: String) {
        #expect(throws: WebhookError.invalidBody("events of type \(type) are not handled")) {
            try GitHubEvent.read(type: type, json: Data(Payload.queuedJob.utf8))
        }
        #expect(!GitHubEvent.handledTypes.contains(type))
    }

    @Test(
        "What is not a JSON object is refused",
        arguments: ["", " ", "null", "[]", "1", "\"x\"", "{", "{}}", "{\"a\":}", "{'a':1}", "nonsense", "{\"a\":1,}"])
    func notAnObject(text: String) {
        for type in GitHubEvent.handledTypes {
            #expect(throws: WebhookError.invalidBody("the body is not a JSON object")) {
                try GitHubEvent.read(type: type, json: Data(text.utf8))
            }
        }
    }

    @Test("Text that is not UTF-8 is refused")
    func notUTF8() {
        var data = Data(Payload.queuedJob.utf8)
        if let index = data.firstIndex(of: UInt8(ascii: "T")) { data[index] = 0xff }
        #expect(throws: WebhookError.self) { try GitHubEvent.read(type: "workflow_job", json: data) }
    }

    // MARK: - Any bytes

    @Test("Every beginning of a payload is refused and none is read beyond its end", arguments: Payload.own)
    func truncated(payload: Payload) throws {
        let end = try #require(payload.data.lastIndex(of: UInt8(ascii: "}")))
        for length in 0..<end {
            #expect(throws: WebhookError.self) {
                try GitHubEvent.read(type: payload.type, json: payload.data.prefix(length))
            }
        }
        #expect(throws: Never.self) { try GitHubEvent.read(type: payload.type, json: payload.data) }
    }

    @Test(
        "Random bytes, and payloads with random bytes in them, are read or refused, and never crash", arguments: 1...4)
    func randomBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var refused = 0
        for _ in 0..<1_500 {
            let type = Bool.random(using: &random) ? "workflow_job" : "workflow_run"
            let length = Int.random(in: 0...300, using: &random)
            let noise = Data((0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
            var spoiled = (Payload.own.randomElement(using: &random) ?? Payload.own[0]).data
            for _ in 0...Int.random(in: 0...5, using: &random) {
                let index = Int.random(in: 0..<spoiled.count, using: &random)
                spoiled[index] = UInt8.random(in: 0...255, using: &random)
            }
            for data in [noise, spoiled] {
                do { _ = try GitHubEvent.read(type: type, json: data) } catch { refused += 1 }
            }
        }
        #expect(refused >= 1_500, "seed \(seed)")
    }

    @Test("Deep nesting is refused or passed over, and never crashes", arguments: [10, 1_000, 2_000, 100_000])
    func deepNesting(depth: Int) {
        let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let body = Payload.bareJob.dropLast() + ",\"extra\":\(nested)}"
        let isRead = (try? GitHubEvent.read(type: "workflow_job", json: Data(body.utf8))) != nil
        #expect(isRead == (depth <= 1_000))
    }

    @Test("A payload of some megabytes is read, and so is a small one after it")
    func large() throws {
        let filler = String(repeating: "x", count: 5_000_000)
        let large = Payload.bareJob.dropLast() + ",\"extra\":\"\(filler)\"}"
        let small = try Self.job(Payload.bareJob)
        #expect(try Self.job(String(large)) == small)
        #expect(try Self.job(Payload.bareJob) == small)
    }
}
