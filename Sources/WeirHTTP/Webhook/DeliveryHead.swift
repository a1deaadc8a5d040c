//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes

/// What a request's head says that matters to a delivery, read in one pass: each look for a field by its name goes
/// through all of them.
struct DeliveryHead: Sendable {
    private(set) var event: String?
    private(set) var delivery: String?
    private(set) var signature: String?
    private(set) var contentType: String?
    private(set) var contentLength: Int?
    private(set) var origin: String?
    private(set) var fetchSite: String?
    /// Whether the client wants the connection to end with the answer.
    private(set) var closesConnection = false
    let authority: String?

    init(_ head: HTTPRequest) {
        self.authority = head.authority
        for field in head.headerFields {
            switch field.name.canonicalName {
            case "x-github-event": Self.add(field.value, to: &self.event)
            case "x-github-delivery": Self.add(field.value, to: &self.delivery)
            case "x-hub-signature-256": Self.add(field.value, to: &self.signature)
            case "content-type": Self.add(field.value, to: &self.contentType)
            case "content-length": self.contentLength = Int(field.value)
            case "connection": self.closesConnection = field.value.lowercased() == "close"
            case "origin": Self.add(field.value, to: &self.origin)
            case "sec-fetch-site": Self.add(field.value, to: &self.fetchSite)
            default: break
            }
        }
    }

    /// A field that comes twice is one with both values (RFC 9110, 5.3).
    private static func add(_ value: String, to known: inout String?) {
        known = known.map { $0 + ", " + value } ?? value
    }
}
