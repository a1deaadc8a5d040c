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
    let runner: QueryRunner

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
        return try await self.runner.answer(context, query, "dead-letters.list") { lease in
            let page = try await self.store.deadLetters(limit: limit, after: cursor, lease: lease)
            return .page("dead_letters", page.items.map { JSON($0) }, next: page.next.map(String.init))
        }
    }

    @Sendable private func show(_ request: Request, _ context: WeirContext) async throws -> Response {
        let (query, id) = try self.target(request, context)
        return try await self.runner.answer(context, query, "dead-letters.show") { lease in
            JSON(try await self.find(id, lease), hasBody: true)
        }
    }

    @Sendable private func tryAgain(_ request: Request, _ context: WeirContext) async throws -> Response {
        let (query, id) = try self.target(request, context)
        return try await self.runner.answer(context, query, "dead-letters.retry") { lease in
            // Asked first, so that what is not there is told from what went wrong.
            _ = try await self.find(id, lease)
            try await self.retry(id)
            return .object([("status", .string("queued")), ("delivery", .string(id))])
        }
    }

    @Sendable private func delete(_ request: Request, _ context: WeirContext) async throws -> Response {
        let (query, id) = try self.target(request, context)
        return try await self.runner.answer(context, query, "dead-letters.delete") { lease in
            guard try await self.store.removeDeadLetter(id, lease: lease) else { throw Self.notFound }
            return .object([("status", .string("deleted")), ("delivery", .string(id))])
        }
    }

    private func target(_ request: Request, _ context: WeirContext) throws -> (QueryParameters, String) {
        (try QueryParameters(request, allowed: ["timeout"]), try context.parameters.require("delivery"))
    }

    private func find(_ id: String, _ lease: Lease) async throws -> DeadLetter {
        guard let letter = try await self.store.deadLetter(id, lease: lease) else { throw Self.notFound }
        return letter
    }

    private static var notFound: Problem { Problem.notFound("no dead letter has this delivery's id") }
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
