//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Hummingbird

/// Runs queries for the read API: each has a deadline, and ends when its client leaves.
struct QueryRunner: Sendable {
    let registry: ConnectionRegistry
    let queryTimeout: Duration
    let acquireTimeout: Duration

    /// Runs a query under a lease and answers with its JSON.
    func answer(
        _ context: WeirContext, _ query: QueryParameters, _ label: StaticString,
        _ body: @escaping @Sendable (Lease) async throws -> JSON
    ) async throws -> Response {
        let lease = Lease(
            label, lane: .interactive, acquireTimeout: self.acquireTimeout,
            timeout: try query.timeout(atMost: self.queryTimeout))
        let json = try await self.registry.whileConnected(context.channel) { try await body(lease) }
        return Response(json: json)
    }
}
