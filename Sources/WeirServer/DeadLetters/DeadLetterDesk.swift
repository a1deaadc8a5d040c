//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import FoundationEssentials
import Logging
import SQLiteDriver
import WeirIngest
import WeirModel
import WeirStore

/// A dead letter as tools are shown it.
public struct DeadLetterReport: Codable, Sendable, Equatable {
    public var delivery: String
    public var event: String
    public var receivedAt: String
    public var diedAt: String
    public var reason: String
    public var bytes: Int
    /// The JSON as it came; nil in a list.
    public var body: String?

    private enum CodingKeys: String, CodingKey {
        case delivery, event, reason, bytes, body
        case receivedAt = "received_at"
        case diedAt = "died_at"
    }

    init(_ letter: DeadLetter, hasBody: Bool) {
        self.delivery = letter.delivery
        self.event = letter.event
        self.receivedAt = letter.receivedAt.rfc3339
        self.diedAt = letter.diedAt.rfc3339
        self.reason = letter.reason
        self.bytes = letter.size
        self.body = hasBody ? String(decoding: letter.body, as: UTF8.self) : nil
    }
}

/// What was asked of dead letters that are not there.
struct NoSuchDeadLetter: Error, CustomStringConvertible {
    let delivery: String

    var description: String {
        "there is no dead letter \(self.delivery.prefix(200)); weir dead-letters list shows those there are"
    }
}

/// What can be done with dead letters, the same beside a running server and without one.
struct DeadLetterDesk: Sendable {
    let store: WeirStore
    /// Gives one back to the outbox, from which it is tried again.
    let requeue: @Sendable (DeadLetter) async throws -> Void

    /// Bodies beyond this are not shown: the line of an answer has a bound.
    private static let shownBytesMax = 256 << 10

    func list(limit: Int) async throws -> [DeadLetterReport] {
        let page = try await self.store.deadLetters(limit: limit, after: nil, lease: Self.lease("dead-letters.list"))
        return page.items.map { DeadLetterReport($0, hasBody: false) }
    }

    func show(_ delivery: String) async throws -> DeadLetterReport {
        let letter = try await self.find(delivery)
        return DeadLetterReport(letter, hasBody: letter.size <= Self.shownBytesMax)
    }

    /// Has one tried again.
    func retry(_ delivery: String) async throws {
        try await self.requeue(try await self.find(delivery))
        // In this order: a crash between leaves it in both places, and applying it twice does no harm.
        try await self.store.removeDeadLetter(delivery, lease: Self.lease("dead-letters.retry"))
    }

    /// Has all tried again.
    ///
    /// - Returns: How many.
    func retryAll() async throws -> Int {
        var count = 0
        var after: Int64?
        repeat {
            let page = try await self.store.deadLetters(
                limit: 100, after: after, lease: Self.lease("dead-letters.list"))
            for letter in page.items { try await self.retry(letter.delivery) }
            count += page.items.count
            after = page.next
        } while after != nil
        return count
    }

    func delete(_ delivery: String) async throws {
        guard try await self.store.removeDeadLetter(delivery, lease: Self.lease("dead-letters.delete")) else {
            throw NoSuchDeadLetter(delivery: delivery)
        }
    }

    private func find(_ delivery: String) async throws -> DeadLetter {
        guard let letter = try await self.store.deadLetter(delivery, lease: Self.lease("dead-letters.show")) else {
            throw NoSuchDeadLetter(delivery: delivery)
        }
        return letter
    }

    private static func lease(_ label: StaticString) -> Lease {
        Lease(label, acquireTimeout: .seconds(5), timeout: .seconds(30))
    }
}

extension ControlDispatcher {
    /// How many letters something was done with.
    struct Letters: Codable, Sendable {
        var count: Int
    }

    /// The commands about dead letters.
    mutating func registerDeadLetters(_ desk: DeadLetterDesk) {
        self.register("dead-letters.list") { arguments, _ in
            try await desk.list(limit: min(arguments["limit"].flatMap(Int.init) ?? 100, 500))
        }
        self.register("dead-letters.show") { arguments, _ in try await desk.show(arguments["delivery"] ?? "") }
        self.register("dead-letters.retry") { arguments, _ in
            guard let delivery = arguments["delivery"] else { return Letters(count: try await desk.retryAll()) }
            try await desk.retry(delivery)
            return Letters(count: 1)
        }
        self.register("dead-letters.delete") { arguments, _ in
            try await desk.delete(arguments["delivery"] ?? "")
            return Letters(count: 1)
        }
    }
}

/// Dead letters for the command line: asks the server that runs on the database, or opens the database itself.
public struct DeadLetterTool: Sendable {
    private let settings: ToolSettings

    public init(_ settings: ToolSettings) { self.settings = settings }

    /// The newest first.
    public func list(limit: Int) async throws -> [DeadLetterReport] {
        try await self.ask("dead-letters.list", ["limit": String(limit)]) {
            try await $0.list(limit: limit)
        }
    }

    public func show(_ delivery: String) async throws -> DeadLetterReport {
        try await self.ask("dead-letters.show", ["delivery": delivery]) { try await $0.show(delivery) }
    }

    /// - Parameter delivery: Nil for all.
    /// - Returns: How many are tried again.
    public func retry(_ delivery: String?) async throws -> Int {
        try await self.ask("dead-letters.retry", delivery.map { ["delivery": $0] } ?? [:]) { desk in
            guard let delivery else { return ControlDispatcher.Letters(count: try await desk.retryAll()) }
            try await desk.retry(delivery)
            return ControlDispatcher.Letters(count: 1)
        }.count
    }

    public func delete(_ delivery: String) async throws {
        _ = try await self.ask("dead-letters.delete", ["delivery": delivery]) { desk in
            try await desk.delete(delivery)
            return ControlDispatcher.Letters(count: 1)
        }
    }

    private func ask<Result: Decodable & Sendable>(
        _ command: String, _ arguments: [String: String],
        alone: @Sendable (DeadLetterDesk) async throws -> Result
    ) async throws -> Result {
        do {
            return try await ControlClient(database: self.settings.databasePath)
                .request(command, arguments: arguments, timeout: .seconds(60))
        } catch ControlClient.Failure.noServer {
            return try await self.withDesk(alone)
        } catch let failure as ControlClient.Failure {
            throw StartError("\(failure)")
        } catch let error as NoSuchDeadLetter {
            throw StartError("\(error)")
        }
    }

    /// Opens the database as the server would; one that has it open is named.
    private func withDesk<Result>(_ body: (DeadLetterDesk) async throws -> Result) async throws -> Result {
        let path = self.settings.databasePath
        guard FileManager.default.fileExists(atPath: path) else {
            throw StartError("there is no database \(path); name it with --database")
        }
        let database = try await SQLiteDatabase.open(
            SQLiteConfiguration(path: path, applicationID: WeirServer.applicationID))
        let file = OutboxFile(
            path: self.settings.outboxPath,
            logger: Logger(label: "weir", factory: StreamLogHandler.standardError(label:)))
        do {
            let outboxDatabase = try await file.open()
            do {
                let outbox = try await Outbox.open(outboxDatabase)
                let desk = DeadLetterDesk(store: try await WeirStore.open(database)) { try await outbox.keep($0) }
                let result = try await body(desk)
                await outboxDatabase.close()
                await database.close()
                return result
            } catch {
                await outboxDatabase.close()
                throw error
            }
        } catch {
            await database.close()
            throw (error as? NoSuchDeadLetter).map { StartError("\($0)") } ?? error
        }
    }
}
