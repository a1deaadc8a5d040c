//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import Hummingbird
import WeirIngest
import WeirModel
import WeirStore

/// `/api/deliveries`: whether a delivery reached this server, and what became of it.
struct DeliveryRoutes: Sendable {
    let store: WeirStore
    let ingest: Ingest
    let runner: QueryRunner

    /// What the parameter `outcome` accepts: what the database tells of a delivery, and where else it can be.
    private enum Outcome: Sendable {
        case stored(DeliveryOutcome)
        /// In the outbox.
        case kept
        /// A dead letter.
        case dead

        static let all: [(name: String, outcome: Outcome)] =
            DeliveryOutcome.allCases.map { ($0.name, .stored($0)) } + [("kept", .kept), ("dead", .dead)]
    }

    func add(to router: Router<WeirContext>) {
        let deliveries = router.group("api/deliveries")
        deliveries.get(use: self.list)
        deliveries.get("{delivery}", use: self.show)
    }

    @Sendable private func list(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["outcome", "source", "limit", "cursor", "timeout"])
        let outcome = try query.text("outcome").map { text in
            guard let known = Outcome.all.first(where: { $0.name == text }) else {
                throw Problem.badRequest("outcome must be one of \(Outcome.all.map(\.name).joined(separator: ", "))")
            }
            return known.outcome
        }
        let source = query.text("source")
        let limit = Int(try query.integer("limit", in: 1...200) ?? 50)
        switch outcome {
        case .kept:
            let cursor = try query.integer("cursor", in: 1...Int64.max)
            return try await self.runner.answer(context, query, "deliveries.kept") { _ in
                let page = try await self.ingest.kept(limit: limit, after: cursor)
                return .page("deliveries", page.deliveries.map { JSON($0) }, next: page.next.map(String.init))
            }
        case .dead:
            let cursor = try query.integer("cursor", in: 1...Int64.max)
            return try await self.runner.answer(context, query, "deliveries.dead") { lease in
                let page = try await self.store.deadLetters(limit: limit, after: cursor, lease: lease)
                return .page("deliveries", page.items.map { JSON(dead: $0) }, next: page.next.map(String.init))
            }
        case .stored(let stored): return try await self.stored(stored, source, limit, query, context)
        case nil: return try await self.stored(nil, source, limit, query, context)
        }
    }

    private func stored(
        _ outcome: DeliveryOutcome?, _ source: String?, _ limit: Int, _ query: QueryParameters, _ context: WeirContext
    ) async throws -> Response {
        let cursor = try query.text("cursor").map(DeliveryCursor.init(parsing:))
        return try await self.runner.answer(context, query, "deliveries") { lease in
            let page = try await self.store.deliveries(
                outcome: outcome, source: source, limit: limit, after: cursor, lease: lease)
            return .page("deliveries", page.items.map { JSON($0) }, next: page.next?.text)
        }
    }

    @Sendable private func show(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["source", "timeout"])
        let id = try context.parameters.require("delivery")
        let source = query.text("source")
        return try await self.runner.answer(context, query, "delivery") { lease in
            if let delivery = try await self.store.delivery(id: id, lease: lease) {
                if source ?? delivery.source == delivery.source { return JSON(delivery) }
            } else if source == nil {
                if let kept = try await self.ingest.kept(id) { return JSON(kept) }
                if let letter = try await self.store.deadLetter(id, lease: lease) { return JSON(dead: letter) }
            }
            throw Problem.notFound("no delivery with this id was taken")
        }
    }
}

extension DeliveryCursor {
    var text: String { "\(self.receivedAt.milliseconds).\(self.id)" }

    init(parsing text: String) throws {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let time = Int64(parts[0]) else {
            throw Problem.badRequest("cursor must be a next_cursor of this list")
        }
        self.init(receivedAt: Timestamp(milliseconds: time), id: String(parts[1]))
    }
}

extension JSON {
    fileprivate init(_ kept: KeptDelivery) {
        self.init(untold: kept.id, event: kept.event, receivedAt: kept.receivedAt, outcome: "kept")
    }

    fileprivate init(dead letter: DeadLetter) {
        self.init(untold: letter.delivery, event: letter.event, receivedAt: letter.receivedAt, outcome: "dead")
    }

    /// A delivery of which the database tells nothing yet.
    private init(untold id: String, event: String, receivedAt: Timestamp, outcome: String) {
        self = .object([
            ("delivery", .string(id)), ("source", .null), ("event", .string(event)),
            ("received_at", JSON(receivedAt)), ("outcome", .string(outcome)), ("run_id", .null), ("job_id", .null),
        ])
    }
}
