//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import WeirModel

/// A delivery that was acknowledged and could not be applied, kept with its body until somebody decides.
public struct DeadLetter: Sendable, Equatable {
    /// The source's id of the delivery.
    public let delivery: String
    /// The source's name of the event.
    public let event: String
    /// When it came in.
    public let receivedAt: Timestamp
    /// When it was given up.
    public let diedAt: Timestamp
    /// Why.
    public let reason: String
    /// Bytes of the body.
    public let size: Int
    /// The JSON as it came; empty in a list.
    public let body: [UInt8]

    public init(
        delivery: String, event: String, receivedAt: Timestamp, diedAt: Timestamp, reason: String, body: [UInt8]
    ) {
        self.init(
            delivery: delivery, event: event, receivedAt: receivedAt, diedAt: diedAt, reason: reason, body: body,
            size: body.count)
    }

    init(
        delivery: String, event: String, receivedAt: Timestamp, diedAt: Timestamp, reason: String, body: [UInt8],
        size: Int
    ) {
        self.delivery = delivery
        self.event = event
        self.receivedAt = receivedAt
        self.diedAt = diedAt
        self.reason = reason
        self.body = body
        self.size = size
    }
}
