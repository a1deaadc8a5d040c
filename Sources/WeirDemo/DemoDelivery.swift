//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// One webhook request as GitHub would send it.
public struct DemoDelivery: Sendable, Equatable {
    /// The event's name, for `X-GitHub-Event`: `workflow_job` or `workflow_run`.
    public let event: String
    /// The delivery's id in the form of a UUID, for `X-GitHub-Delivery`; a repeated delivery has the same one.
    public let id: String
    /// When GitHub would send it, in milliseconds since the epoch.
    public let atMilliseconds: Int64
    /// The JSON, in UTF-8.
    public let body: [UInt8]

    /// Makes a delivery.
    ///
    /// - Parameters:
    ///   - event: `workflow_job` or `workflow_run`.
    ///   - id: The delivery's id.
    ///   - atMilliseconds: When it is sent, in milliseconds since the epoch.
    ///   - body: The JSON.
    public init(event: String, id: String, atMilliseconds: Int64, body: [UInt8]) {
        self.event = event
        self.id = id
        self.atMilliseconds = atMilliseconds
        self.body = body
    }
}
