//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import GitHubWebhooks
import Testing

@Suite struct WebhookBodyTests {
    @Test(
        "Both content types are read, whatever their case, space and parameters",
        arguments: [
            ("application/json", WebhookBody.json), ("application/json; charset=utf-8", .json),
            ("application/json;charset=utf-8", .json), ("Application/JSON", .json), (" application/json ", .json),
            ("\tapplication/json\t; a=b; c=d", .json), ("application/x-www-form-urlencoded", .form),
            ("application/x-www-form-urlencoded; charset=UTF-8", .form),
            ("APPLICATION/X-WWW-FORM-URLENCODED", .form),
        ])
    func contentTypes(text: String, body: WebhookBody) {
        #expect(WebhookBody(contentType: text) == body)
    }

    @Test(
        "Other content types are not",
        arguments: [
            "", ";", "text/plain", "application/jsonp", "application/json, text/plain", "application / json",
            "application/problem+json", "multipart/form-data; boundary=application/json", "json",
        ])
    func otherContentTypes(text: String) {
        #expect(WebhookBody(contentType: text) == nil)
    }

    private static func form(_ text: String) throws -> String {
        String(decoding: try WebhookBody.form.json(Data(text.utf8)), as: UTF8.self)
    }

    @Test(
        "The field payload is found and decoded",
        arguments: [
            ("payload={}", "{}"), ("payload=%7B%22a%22%3A1%7D", #"{"a":1}"#), ("payload=a+b%2Bc", "a b+c"),
            ("payload=%7b%7D", "{}"), ("payload=", ""), ("a=b&payload=1", "1"), ("payload=1&a=b", "1"),
            ("&&payload=1&", "1"), ("payload=1&payload=2", "1"), ("payloads=1&payload=2", "2"),
            ("a=payload=1&payload=2", "2"), ("payload=a=b", "a=b"), ("payload=%C3%BC", "ü"), ("payload=ü", "ü"),
            ("payload=%00%25", "\u{0}%"), ("payload=%2525", "%25"),
        ])
    func fields(form: String, json: String) throws {
        #expect(try Self.form(form) == json)
    }

    @Test(
        "A broken escape is an error that says so",
        arguments: [
            "payload=%", "payload=%2", "payload=a%zz", "payload=%2g", "payload=%%41", "payload=%-1", "payload=%+1",
        ])
    func brokenEscapes(form: String) {
        #expect(throws: WebhookError.invalidBody("the form field payload has a broken percent escape")) {
            try Self.form(form)
        }
    }

    @Test(
        "A form without the field is an error that says so", arguments: ["", "&", "payload", "a=payload", "Payload=1"])
    func missingField(form: String) {
        #expect(throws: WebhookError.invalidBody("the form has no field named payload")) { try Self.form(form) }
    }

    @Test("JSON is taken as it is, also when it looks like a form")
    func json() throws {
        let body = Data("payload=%7B%7D".utf8)
        #expect(try WebhookBody.json.json(body) == body)
        #expect(try WebhookBody.form.json(body) != body)
    }

    @Test("Every byte comes back from its escape")
    func everyByte() throws {
        let digits = Array("0123456789abcdef".utf8)
        var form = Data("payload=".utf8)
        for byte in UInt8.min...UInt8.max {
            form.append(UInt8(ascii: "%"))
            form.append(digits[Int(byte >> 4)])
            form.append(digits[Int(byte & 15)])
        }
        #expect(try WebhookBody.form.json(form) == Data(UInt8.min...UInt8.max))
    }

    @Test("An event in a form is the event in JSON")
    func event() throws {
        let json = Payload.queuedJob
        let escaped = json.utf8.map { byte in
            byte == UInt8(ascii: " ") ? "+" : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        let body = try WebhookBody.form.json(Data("payload=\(escaped.joined())".utf8))
        #expect(body == Data(json.utf8))
        let event = try GitHubEvent.read(type: "workflow_job", json: body)
        #expect(try event == GitHubEvent.read(type: "workflow_job", json: Data(json.utf8)))
    }
}
