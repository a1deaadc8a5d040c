//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import NIOCore
import Synchronization
import WeirModel

/// What the sender of a delivery is told.
struct WebhookAnswer: Sendable {
    let status: HTTPResponse.Status
    let fields: HTTPFields
    let body: ByteBuffer
    let closesConnection: Bool

    private static let json: HTTPFields = [.contentType: "application/json; charset=utf-8"]

    init(_ status: HTTPResponse.Status, _ json: JSON) {
        self.status = status
        self.fields = Self.json
        self.body = ByteBuffer(bytes: json.bytes)
        self.closesConnection = false
    }

    init(_ problem: Problem) {
        self.status = problem.status
        self.fields = problem.headers
        self.body = ByteBuffer(bytes: problem.body)
        self.closesConnection = problem.closesConnection
    }

    func head(date: String, closesConnection: Bool) -> HTTPResponse {
        var fields = self.fields
        fields.append(HTTPField(name: .contentLength, value: String(self.body.readableBytes)))
        fields.append(HTTPField(name: .date, value: date))
        if closesConnection { fields[.connection] = "close" }
        return HTTPResponse(status: self.status, headerFields: fields)
    }
}

/// The time of an answer, written once a second.
final class AnswerDate: Sendable {
    private let now: @Sendable () -> Timestamp
    private let written = Mutex((second: Int64.min, text: ""))

    init(now: @escaping @Sendable () -> Timestamp) { self.now = now }

    var text: String {
        let now = self.now()
        return self.written.withLock { written in
            if written.second != now.second { written = (now.second, now.httpDate) }
            return written.text
        }
    }
}
