//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import GitHubWebhooks
import NIOCore
import Testing

@testable import WeirLoad

@Suite("Requests")
struct RequestWriterTests {
    @Test("A request is what GitHub sends: its fields, a length that is right, a signature that is valid")
    func whole() throws {
        var parameters = LoadFixture.parameters()
        parameters.form = 0.5
        let source = try DeliverySource(parameters)
        let plan = LoadPlan(parameters)
        var writer = RequestWriter(source, target: try LoadTarget("http://127.0.0.1:81/hook"), secret: "s")
        var buffer = ByteBuffer()
        for number in 0..<200 {
            buffer.clear()
            writer.write(number, into: &buffer)
            let bytes = Data(buffer.readableBytesView)
            let end = try #require(bytes.firstRange(of: Data("\r\n\r\n".utf8)))
            let body = Data(bytes[end.upperBound...])
            let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
            #expect(lines[0] == "POST /hook HTTP/1.1")
            let fields = Dictionary(
                uniqueKeysWithValues: lines.dropFirst().map { line in
                    let parts = line.split(separator: ":", maxSplits: 1)
                    return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
                })
            let delivery = plan.delivery(number)
            #expect(fields["Host"] == "127.0.0.1:81")
            #expect(fields["Content-Length"] == String(body.count))
            #expect(fields["X-GitHub-Delivery"] == delivery.id.text)
            #expect(fields["X-GitHub-Event"] == delivery.event.name)
            let kind = try #require(WebhookBody(contentType: fields["Content-Type"] ?? ""))
            #expect(kind == (delivery.isForm ? .form : .json))
            #expect(WebhookSignature(secrets: ["s"]).isValid(fields["X-Hub-Signature-256"] ?? "", for: body))
            var again = source
            #expect(try kind.json(body) == again.message(number).json)
        }
    }

    @Test(
        "An address is read with its port and path",
        arguments: [
            ("http://127.0.0.1:8080", "127.0.0.1", 8_080, "/webhook"), ("http://ci/", "ci", 80, "/webhook"),
            ("http://[::1]:9/x?y=1", "::1", 9, "/x?y=1"),
        ])
    func addresses(url: String, host: String, port: Int, path: String) throws {
        let target = try LoadTarget(url)
        #expect(target.host == host && target.port == port && target.path == path)
    }

    @Test(
        "An address that cannot be loaded is refused",
        arguments: ["https://ci", "ci:8080", "http://", "http://ci:0", "http://ci:x", "http://c i", "http://[::1]9"])
    func refused(url: String) { #expect(throws: LoadError.self) { try LoadTarget(url) } }
}
