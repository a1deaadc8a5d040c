//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import WeirModel

/// A delivery that waits in the outbox.
public struct KeptDelivery: Sendable, Equatable {
    /// The source's id of the delivery.
    public let id: String
    /// The source's name of the event.
    public let event: String
    /// When it came in.
    public let receivedAt: Timestamp
}

extension Ingest {
    /// A page of what waits in the outbox, the latest first.
    ///
    /// - Parameter after: The number that the page before ended with; nil for the first page.
    /// - Returns: The deliveries, and where the next page begins; nil on the last.
    public func kept(limit: Int, after: Int64?) async throws -> (deliveries: [KeptDelivery], next: Int64?) {
        let rows = try await self.outbox.page(before: after, limit: limit + 1)
        let page = rows.prefix(limit)
        return (page.map(\.delivery), rows.count > limit ? page.last?.sequence : nil)
    }

    /// A delivery that waits in the outbox; nil when it does not.
    public func kept(_ id: String) async throws -> KeptDelivery? {
        guard self.load.outbox > 0 else { return nil }
        return try await self.outbox.find(delivery: id)
    }
}
