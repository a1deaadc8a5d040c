//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import WeirLoad

@Suite("Answers")
struct ResponseParserTests {
    private func take(_ parser: inout ResponseParser, _ text: String) throws -> ResponseParser.Response? {
        try Array(text.utf8).withUnsafeBytes { try parser.take($0) }
    }

    private let accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nabcde"

    @Test("An answer is complete with its last byte, however it is cut")
    func cuts() throws {
        let bytes = Array(self.accepted.utf8)
        for cut in 1..<bytes.count {
            var parser = ResponseParser()
            for _ in 0..<3 {
                let first = try self.take(&parser, String(decoding: bytes[..<cut], as: UTF8.self))
                #expect(first == nil)
                let second = try self.take(&parser, String(decoding: bytes[cut...], as: UTF8.self))
                #expect(second == ResponseParser.Response(status: 202, staysOpen: true, hasRetryAfter: false))
            }
        }
    }

    @Test("An answer that comes byte by byte is read")
    func bytes() throws {
        var parser = ResponseParser()
        var answers: [ResponseParser.Response] = []
        for byte in self.accepted {
            if let answer = try self.take(&parser, String(byte)) { answers.append(answer) }
        }
        #expect(answers.map(\.status) == [202])
    }

    @Test("The end of the connection, and Retry-After, are seen in any spelling")
    func fields() throws {
        var parser = ResponseParser()
        let text =
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nRETRY-AFTER: 2\r\nConnection:  Close \r\n\r\n"
        #expect(
            try self.take(&parser, text) == ResponseParser.Response(status: 503, staysOpen: false, hasRetryAfter: true))
    }

    @Test("An answer without a length ends the connection")
    func withoutLength() throws {
        var parser = ResponseParser()
        #expect(try self.take(&parser, "HTTP/1.1 200 OK\r\n\r\n")?.staysOpen == false)
        var old = ResponseParser()
        #expect(try self.take(&old, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")?.staysOpen == false)
    }

    @Test("What is no HTTP is refused", arguments: ["SSH-2.0-OpenSSH\r\n", "HTTP/1.1 2x2 OK\r\n", "\r\n"])
    func foreign(text: String) {
        var parser = ResponseParser()
        #expect(throws: ResponseParser.Failure.self) { try self.take(&parser, text) }
    }

    @Test("A head without an end is refused before it fills the memory")
    func endless() {
        var parser = ResponseParser()
        #expect(throws: ResponseParser.Failure.self) {
            _ = try self.take(&parser, "HTTP/1.1 200 OK\r\n")
            for _ in 0..<1_000 { _ = try self.take(&parser, "X: " + String(repeating: "a", count: 100) + "\r\n") }
        }
    }
}
