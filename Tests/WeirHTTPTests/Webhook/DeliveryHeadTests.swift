//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import Testing

@testable import WeirHTTP

@Suite("DeliveryHead")
struct DeliveryHeadTests {
    private func head(_ fields: [(String, String)]) throws -> DeliveryHead {
        var request = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: "/webhook")
        for (name, value) in fields {
            request.headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        return DeliveryHead(request)
    }

    @Test("fields are found whatever their case, and others are left alone")
    func fields() throws {
        let head = try self.head([
            ("X-GitHub-Event", "workflow_job"), ("x-github-delivery", "1"), ("X-HUB-SIGNATURE-256", "sha256=00"),
            ("Content-Type", "application/json"), ("Content-Length", "12"), ("Connection", "Close"),
            ("Origin", "https://a.example"), ("Sec-Fetch-Site", "cross-site"), ("Accept", "*/*"),
        ])
        #expect(head.event == "workflow_job" && head.delivery == "1" && head.signature == "sha256=00")
        #expect(head.contentType == "application/json" && head.contentLength == 12 && head.closesConnection)
        #expect(head.origin == "https://a.example" && head.fetchSite == "cross-site" && head.authority == "localhost")
    }

    @Test("a field that comes twice is one with both values, so that a second signature makes neither valid")
    func twice() throws {
        let head = try self.head([("X-Hub-Signature-256", "sha256=00"), ("X-Hub-Signature-256", "sha256=11")])
        #expect(head.signature == "sha256=00, sha256=11")
        #expect(head.event == nil && head.contentLength == nil && !head.closesConnection)
    }
}
