//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import Hummingbird
import NIOCore

/// An answer that says what went wrong, as RFC 9457 has it.
struct Problem: Error {
    let status: HTTPResponse.Status
    /// A short constant name, the last part of the problem's type.
    let name: String
    let title: String
    let detail: String
    /// Seconds after which another try makes sense.
    var retryAfter: Int?
    /// Whether the connection ends with this answer: the rest of the request is not wanted.
    var closesConnection = false
    /// Several reasons, where there can be several.
    var reasons: [String] = []

    init(
        _ status: HTTPResponse.Status, _ name: String, _ title: String, _ detail: String, retryAfter: Int? = nil,
        closesConnection: Bool = false, reasons: [String] = []
    ) {
        self.status = status
        self.name = name
        self.title = title
        self.detail = detail
        self.retryAfter = retryAfter
        self.closesConnection = closesConnection
        self.reasons = reasons
    }

    static func badRequest(_ detail: String) -> Problem {
        Problem(.badRequest, "bad-request", "The request cannot be read", detail)
    }

    static func notFound(_ detail: String) -> Problem {
        Problem(.notFound, "not-found", "There is no such thing", detail)
    }

    /// This program's own fault, of which the log says more.
    static var `internal`: Problem {
        Problem(.internalServerError, "internal", "Something is wrong with the server", "see the server's log")
    }

    var body: [UInt8] {
        var members: [(String, JSON)] = [
            ("type", .string("urn:weir:problem:\(self.name)")), ("title", .string(self.title)),
            ("status", .integer(Int64(self.status.code))), ("detail", .string(self.detail)),
        ]
        if !self.reasons.isEmpty { members.append(("reasons", .array(self.reasons.map { .string($0) }))) }
        return JSON.object(members).bytes
    }

    var headers: HTTPFields {
        var headers: HTTPFields = [.contentType: "application/problem+json", .cacheControl: "no-store"]
        if let retryAfter = self.retryAfter { headers[.retryAfter] = String(retryAfter) }
        if self.closesConnection { headers[.connection] = "close" }
        return headers
    }

    var response: Response {
        Response(status: self.status, headers: self.headers, body: .init(byteBuffer: ByteBuffer(bytes: self.body)))
    }
}
