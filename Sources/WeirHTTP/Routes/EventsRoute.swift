//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import Hummingbird
import NIOCore
import WeirLive
import WeirModel

/// `GET /events`: the hub's frames as server-sent events.
///
/// A client that has left is noticed by the next write, at the latest the next heartbeat; one that takes no bytes is
/// cut by ``ConnectionGuard``.
struct EventsRoute: Sendable {
    let hub: Hub

    func add(to router: Router<WeirContext>) { router.get("events", use: self.stream) }

    @Sendable private func stream(_ request: Request, _ context: WeirContext) async throws -> Response {
        _ = try QueryParameters(request, allowed: [])
        guard self.hub.acceptsSubscribers else {
            throw Problem(
                .serviceUnavailable, "subscribers", "No more streams can be opened",
                "too many pages are open, or the server is stopping", retryAfter: 5)
        }
        let hub = self.hub
        let lastEventID = request.headers[.lastEventID]
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache, no-transform",
                .accelBuffering: "no",
            ],
            body: ResponseBody { writer in
                try await hub.withSubscription(lastEventID: lastEventID) { subscription in
                    while let next = await subscription.next() {
                        let text = next.frames.map { Self.text($0, id: next.id) }.joined()
                        try await writer.write(ByteBuffer(string: text))
                    }
                }
                try await writer.finish(nil)
            })
    }

    private static func text(_ frame: LiveFrame, id: String) -> String {
        let (name, data) = Self.encode(frame)
        return "id: \(id)\nevent: \(name)\ndata: \(data.text)\n\n"
    }

    private static func encode(_ frame: LiveFrame) -> (String, JSON) {
        switch frame {
        case .counts(let counts, let at):
            (
                "counts",
                .object([
                    ("running", .integer(counts.running)), ("queued", .integer(counts.queued)),
                    ("blocked", .integer(counts.blocked)), ("at", JSON(at)),
                ])
            )
        case .runs(let runs, let more):
            (
                "runs",
                .object([
                    (
                        "runs",
                        .array(
                            runs.map {
                                .object([
                                    ("source", .string($0.source)), ("id", .integer($0.id)),
                                    ("attempt", .integer($0.attempt)),
                                ])
                            })
                    ), ("more", .bool(more)),
                ])
            )
        case .ingest(let lastDeliveryAt, let deliveries, let at):
            (
                "ingest",
                .object([
                    ("last_delivery_at", JSON(lastDeliveryAt)), ("deliveries", .integer(Int64(deliveries))),
                    ("at", JSON(at)),
                ])
            )
        case .heartbeat(let at): ("heartbeat", .object([("at", JSON(at))]))
        }
    }
}
