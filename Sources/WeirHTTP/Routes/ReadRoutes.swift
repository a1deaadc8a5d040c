//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import HTTPTypes
import Hummingbird
import NIOCore
import WeirModel
import WeirStore

/// The read API: runs, jobs, repositories, demand and the summary.
struct ReadRoutes: Sendable {
    let store: WeirStore
    let runner: QueryRunner
    let now: @Sendable () -> Timestamp

    func add(to router: Router<WeirContext>) {
        let api = router.group("api")
        api.get("summary", use: self.summary)
        api.get("demand", use: self.demand)
        api.get("runs", use: self.runs)
        api.get("runs/{id}", use: self.run)
        api.get("runs/{id}/jobs", use: self.jobsOfRun)
        api.get("jobs/{id}", use: self.job)
        api.get("repositories", use: self.repositories)
    }

    // MARK: - Figures

    @Sendable private func summary(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["period", "source", "timeout"])
        let seconds = try query.period(default: "day")
        let now = self.now()
        let source = query.text("source")
        return try await self.runner.answer(context, query, "summary") { lease in
            JSON(try await self.store.summary(seconds: seconds, now: now, source: source, lease: lease), at: now)
        }
    }

    @Sendable private func demand(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(
            request, allowed: ["period", "from", "to", "repository", "pool", "source", "timeout"])
        let now = self.now()
        let range = try query.range(now: now) ?? now.adding(seconds: -3_600)..<now
        let pool = query.text("pool")
        let repository = query.text("repository")
        let source = query.text("source")
        return try await self.runner.answer(context, query, "demand") { lease in
            JSON(
                try await self.store.demand(
                    from: range.lowerBound, to: range.upperBound, pool: pool, repository: repository, source: source,
                    lease: lease))
        }
    }

    // MARK: - Runs and jobs

    @Sendable private func runs(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(
            request, allowed: ["repository", "status", "conclusion", "source", "limit", "cursor", "timeout"])
        var filter = RunFilter()
        filter.repository = query.text("repository")
        filter.source = query.text("source")
        filter.status = try query.status()
        filter.conclusion = try query.conclusion()
        let limit = Int(try query.integer("limit", in: 1...200) ?? 50)
        let cursor = try query.text("cursor").map(RunCursor.init(parsing:))
        return try await self.runner.answer(context, query, "runs") { [filter] lease in
            let page = try await self.store.runs(filter, limit: limit, after: cursor, lease: lease)
            return .page("runs", page.items.map { JSON($0) }, next: page.next?.text)
        }
    }

    @Sendable private func run(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["attempt", "source", "timeout"])
        let id = try Self.number(context, "id")
        let attempt = try query.integer("attempt", in: 1...Int64(Int32.max))
        let source = query.text("source")
        return try await self.runner.answer(context, query, "run") { lease in
            let run = try await self.store.run(id: id, source: source, attempt: attempt, lease: lease)
            guard let run else { throw Problem.notFound("no run has the number \(id)\(Self.suffix(attempt, source))") }
            return JSON(run)
        }
    }

    @Sendable private func jobsOfRun(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["attempt", "source", "limit", "cursor", "timeout"])
        let id = try Self.number(context, "id")
        let attempt = try query.integer("attempt", in: 1...Int64(Int32.max))
        let source = query.text("source")
        let limit = Int(try query.integer("limit", in: 1...200) ?? 200)
        let cursor = try query.integer("cursor", in: Int64.min...Int64.max)
        return try await self.runner.answer(context, query, "run.jobs") { lease in
            let page = try await self.store.jobs(
                ofRun: id, source: source, attempt: attempt, limit: limit, after: cursor, lease: lease)
            guard let page else { throw Problem.notFound("no run has the number \(id)\(Self.suffix(attempt, source))") }
            return .page("jobs", page.items.map { JSON($0) }, next: page.next.map(String.init))
        }
    }

    @Sendable private func job(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(request, allowed: ["attempt", "source", "timeout"])
        let id = try Self.number(context, "id")
        let attempt = try query.integer("attempt", in: 1...Int64(Int32.max))
        let source = query.text("source")
        return try await self.runner.answer(context, query, "job") { lease in
            let job = try await self.store.job(id: id, source: source, lease: lease)
            guard let job, attempt == nil || attempt == job.attempt else {
                throw Problem.notFound("no job has the number \(id)\(Self.suffix(attempt, source))")
            }
            return JSON(job)
        }
    }

    // MARK: - Repositories

    @Sendable private func repositories(_ request: Request, _ context: WeirContext) async throws -> Response {
        let query = try QueryParameters(
            request,
            allowed: ["period", "from", "to", "repository", "pool", "source", "limit", "cursor", "timeout"])
        let limit = Int(try query.integer("limit", in: 1...200) ?? 200)
        let range = try query.range(now: self.now())
        let name = query.text("repository")
        let pool = query.text("pool")
        let source = query.text("source")
        let after = try query.text("cursor").map(RepositoryView.init(parsing:))
        return try await self.runner.answer(context, query, "repositories") { lease in
            let page = try await self.store.repositories(
                name: name, source: source, active: range, pool: pool, limit: limit, after: after, lease: lease)
            return .page("repositories", page.items.map { JSON($0) }, next: page.next?.text)
        }
    }

    // MARK: - Shared

    private static func number(_ context: WeirContext, _ name: String) throws -> Int64 {
        guard let number = Int64(try context.parameters.require(name)) else {
            throw Problem.badRequest("\(name) must be a whole number")
        }
        return number
    }

    private static func suffix(_ attempt: Int64?, _ source: String?) -> String {
        (attempt.map { ", attempt \($0)" } ?? "") + (source.map { ", at \($0.prefix(100))" } ?? "")
    }
}

extension Response {
    init(json: JSON, status: HTTPResponse.Status = .ok) {
        self.init(
            status: status, headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }
}

// MARK: - Cursors

extension RunCursor {
    var text: String { "\(self.createdAt).\(self.source).\(self.id).\(self.attempt)" }

    init(parsing text: String) throws {
        let numbers = text.split(separator: ".").map { Int64($0) }
        guard numbers.count == 4, let createdAt = numbers[0], let source = numbers[1], let id = numbers[2],
            let attempt = numbers[3]
        else { throw Problem.badRequest("cursor must be a next_cursor of this list") }
        self.init(createdAt: createdAt, source: source, id: id, attempt: attempt)
    }
}

extension RepositoryView {
    var text: String { "\(self.source)/\(self.name)" }

    init(parsing text: String) throws {
        let parts = text.split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { throw Problem.badRequest("cursor must be a next_cursor of this list") }
        self.init(source: String(parts[0]), name: String(parts[1]))
    }
}
