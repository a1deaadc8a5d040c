//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

@testable import WeirLoad

@Suite("Replay")
struct ReplayFileTests {
    private func file(_ text: String, in directory: TemporaryDirectory) throws -> ReplayFile {
        try Data(text.utf8).write(to: URL(filePath: directory.file("deliveries.jsonl")))
        return try ReplayFile(path: directory.file("deliveries.jsonl"))
    }

    @Test("A body that is an object keeps its bytes, blanks and the order of its members included")
    func objects() throws {
        let directory = try TemporaryDirectory()
        let file = try self.file(
            """
            {"event":"workflow_job","delivery":"d-1","body": {"b" : 1.50, "a":["}",{"\\u00e9":"\\""}] } }

            {"body":"{\\"x\\": 1}","delivery":"d-2","event":"ping","more":[1,2]}
            """, in: directory)
        #expect(file.source.count == 2)
        #expect(String(decoding: file.line(0).body, as: UTF8.self) == #"{"b" : 1.50, "a":["}",{"\u00e9":"\""}] }"#)
        #expect(file.line(0).event == "workflow_job" && file.line(0).delivery == "d-1")
        #expect(String(decoding: file.line(1).body, as: UTF8.self) == #"{"x": 1}"#)
    }

    @Test(
        "A line that is none is named with what it lacks",
        arguments: [
            "[]", "{", #"{"event":"a","delivery":"b"}"#, #"{"event":"a","delivery":"b","body":}"#,
            #"{"event":"","delivery":"b","body":{}}"#, #"{"event":"a\r\nX: y","delivery":"b","body":{}}"#,
            #"{"event":"a","delivery":7,"body":{}}"#, #"{"event":"a","delivery":"b","body":{}} x"#,
        ])
    func broken(line: String) throws {
        let directory = try TemporaryDirectory()
        let text = #"{"event":"a","delivery":"b","body":{}}"# + "\n" + line
        let error = #expect(throws: LoadError.self) { try self.file(text, in: directory) }
        #expect(error?.description.contains("line 2") == true)
    }

    @Test("A file that was changed since is no source of what was sent")
    func changed() throws {
        let directory = try TemporaryDirectory()
        var parameters = LoadFixture.parameters()
        parameters.replay = try self.file(#"{"event":"a","delivery":"b","body":{}}"#, in: directory).source
        _ = try DeliverySource(parameters)
        _ = try self.file(#"{"event":"a","delivery":"c","body":{}}"#, in: directory)
        #expect(throws: LoadError.self) { try DeliverySource(parameters) }
    }
}
