//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

@testable import WeirDemo

@Suite struct PayloadTests {
    /// Names real `workflow_job` objects have.
    private static let jobKeys: Set<String> = [
        "id", "run_id", "run_url", "run_attempt", "node_id", "head_sha", "head_branch", "url", "html_url", "status",
        "conclusion", "started_at", "completed_at", "created_at", "name", "steps", "check_run_url", "labels",
        "runner_id", "runner_name", "runner_group_id", "runner_group_name", "workflow_name",
    ]
    /// Names real `workflow_run` objects have.
    private static let runKeys: Set<String> = [
        "id", "name", "head_branch", "head_sha", "path", "display_title", "run_number", "event", "status",
        "conclusion", "workflow_id", "url", "html_url", "pull_requests", "created_at", "updated_at", "actor",
        "run_attempt", "run_started_at", "triggering_actor", "jobs_url", "previous_attempt_url", "head_commit",
        "repository",
    ]

    @Test("Jobs and runs have only members that GitHub's have, and always the same ones")
    func members() throws {
        let records = try DemoHistory.clean.get()
        let jobs = Set(records.filter(\.isJob).map(\.keys))
        let runs = Set(records.filter { !$0.isJob }.map(\.keys))
        #expect(jobs == [Self.jobKeys.subtracting(["node_id"])])
        #expect(runs == [Self.runKeys])
    }

    @Test("Where real payloads are at hand, they have these members too")
    func realMembers() throws {
        guard let folder = ServerProcess.payloads else { return }
        let files = [
            ("workflow_job.queued.payload.json", "workflow_job", Self.jobKeys),
            ("workflow_run.completed.payload.json", "workflow_run", Self.runKeys),
        ]
        for (file, member, keys) in files {
            // Elsewhere the lists above stand for them.
            guard let data = try? Data(contentsOf: folder.appending(path: file)) else { continue }
            let body = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            let object = try #require(body[member] as? [String: Any])
            #expect(keys.isSubset(of: object.keys), "\(keys.subtracting(object.keys))")
        }
    }

    @Test(
        "Any string survives writing and reading",
        arguments: ["", "plain", "q\"b\\s/", "\n\r\t\u{0}\u{1F}\u{7F}", "é😀\u{2028}</script>", "\r\n"])
    func strings(text: String) throws {
        var writer = JSONWriter()
        writer.object { json in
            json.member("text", text)
            json.array("list") { json in
                json.string(text)
                json.string("end")
            }
        }
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: Any])
        #expect(object["text"] as? String == text)
        #expect(object["list"] as? [String] == [text, "end"])
    }

    @Test("Numbers, nulls, nesting and commas are written exactly")
    func exact() {
        var writer = JSONWriter()
        writer.object { json in
            json.member("a", -1 as Int64?)
            json.member("b", nil as String?)
            json.member("c", true)
            json.object("d") { _ in }
            json.array("e") { json in
                json.object { $0.member("f", "\u{1}") }
                json.object { $0.time("g", nil) }
            }
            json.raw("h", Array("[1]".utf8))
            json.time("i", 0)
        }
        let expected =
            #"{"a":-1,"b":null,"c":true,"d":{},"e":[{"f":"\u0001"},{"g":null}],"h":[1],"i":"1970-01-01T00:00:00Z"}"#
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
    }
}
