//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import HTTPTypes
import Hummingbird
import WeirModel
import WeirStore

/// `/api/dead-letters`: what could not be applied, to be looked at, tried again or deleted.
///
/// Changing anything needs the scope *operate*; the access policy refuses foreign origins.
struct DeadLetterRoutes: Sendable {
    let store: WeirStore
    /// Has one tried again; throws when it is not there.
    let retry: @Sendable (_ delivery: String) async throws -> Void
    let queryTimeout: Duration
    let acquireTimeout: Duration

    func add(to router: Router<WeirContext>) {
        let letters = router.group("api/dead-letters")
        letters.get(use: self.list)
        letters.get("{delivery}", use: self.show)
        letters.delete("{delivery}", use: self.delete)
        letters.post("{delivery}/retry", use: self.tryAgain)
    }

    @Sendable private func list(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["limit", "cursor", "timeout"])
        let limit = Int(try query.integer("limit", in: 1...200) ?? 50)
        let cursor = try query.integer("cursor", in: 1...Int64.max)
        let page = try await self.store.deadLetters(
            limit: limit, after: cursor, lease: try self.lease("dead-letters.list", query))
        return Response(json: .page("dead_letters", page.items.map { JSON($0) }, next: page.next.map(String.init)))
    }

    @Sendable private func show(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["timeout"])
        let id = try context.parameters.require("delivery")
        let letter = try await self.store.deadLetter(id, lease: try self.lease("dead-letters.show", query))
        guard let letter else { throw Self.notFound }
        return Response(json: JSON(letter, hasBody: true))
    }

    @Sendable private func tryAgain(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["timeout"])
        let id = try context.parameters.require("delivery")
        // Asked first, so that what is not there is told from what went wrong.
        guard try await self.store.deadLetter(id, lease: try self.lease("dead-letters.show", query)) != nil else {
            throw Self.notFound
        }
        try await self.retry(id)
        return Response(
            json: .object([("status", .string("queued")), ("delivery", .string(id))]), status: .accepted)
    }

    @Sendable private func delete(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["timeout"])
        let id = try context.parameters.require("delivery")
        guard try await self.store.removeDeadLetter(id, lease: try self.lease("dead-letters.delete", query)) else {
            throw Self.notFound
        }
        return Response(json: .object([("status", .string("deleted")), ("delivery", .string(id))]))
    }

    private static var notFound: Problem { Problem.notFound("no dead letter has this delivery's id") }

    private func lease(_ label: StaticString, _ query: QueryParameters) throws -> Lease {
        Lease(label, acquireTimeout: self.acquireTimeout, timeout: try query.timeout(atMost: self.queryTimeout))
    }
}

extension JSON {
    init(_ letter: DeadLetter, hasBody: Bool = false) {
        var members: [(String, JSON)] = [
            ("delivery", .string(letter.delivery)), ("event", .string(letter.event)),
            ("received_at", JSON(letter.receivedAt)), ("died_at", JSON(letter.diedAt)),
            ("reason", .string(letter.reason)), ("bytes", JSON(letter.size)),
        ]
        if hasBody { members.append(("body", .string(String(decoding: letter.body, as: UTF8.self)))) }
        self = .object(members)
    }
}
