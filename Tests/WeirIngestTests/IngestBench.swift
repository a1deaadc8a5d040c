//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import FoundationEssentials
import GitHubWebhooks
import Logging
import Metrics
import SQLCore
import SQLiteDriver
import TestSupport
import Testing
import WeirModel
import WeirStore

@testable import WeirIngest

/// Ingest over a database and an outbox of a test's own.
struct IngestBench: Sendable {
    let directory: TemporaryDirectory
    let database: SQLiteDatabase
    let outboxDatabase: SQLiteDatabase
    let ingest: Ingest

    static func with(
        _ change: (inout SQLiteConfiguration) -> Void = { _ in }, _ body: (IngestBench) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        var configuration = Self.configuration(directory.file("weir.db"))
        change(&configuration)
        let database = try await SQLiteDatabase.open(configuration)
        configuration.path = directory.file("outbox.db")
        let outboxDatabase = try await SQLiteDatabase.open(configuration)
        let ingest = try await Ingest(
            store: try await WeirStore.open(database), outbox: try await Outbox.open(outboxDatabase),
            .init(bytesMax: 64 << 20) { eventType, json in
                try GitHubEvent.read(type: eventType, json: json)
            } now: {
                Timestamp(milliseconds: 1_800_000_000_000)
            } observer: { _, _ in
            }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: NOOPMetricsHandler.instance)
        let bench = IngestBench(
            directory: directory, database: database, outboxDatabase: outboxDatabase, ingest: ingest)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await ingest.run() }
            do { try await body(bench) } catch {
                ingest.shutDown()
                throw error
            }
            ingest.shutDown()
            try await group.waitForAll()
        }
        await database.close()
        await outboxDatabase.close()
    }

    static func configuration(_ path: String) -> SQLiteConfiguration {
        var configuration = SQLiteConfiguration(path: path, applicationID: 7)
        configuration.readersMax = 1
        configuration.walGoalBytes = 64 << 10
        return configuration
    }

    static func id(_ job: Int64) -> String { "delivery-\(job)" }

    /// Submits a job of its own for each number.
    func submit(_ job: Int64) async throws -> Ingest.Receipt {
        let body = Data(
            """
            {"action":"queued","workflow_job":{"id":\(job),"run_id":\(job / 4),"run_attempt":1,\
            "workflow_name":"CI","head_branch":"main","head_sha":"0123456789abcdef0123456789abcdef01234567",\
            "status":"queued","conclusion":null,"created_at":"2027-01-15T08:00:00Z",\
            "started_at":"2027-01-15T08:00:00Z","completed_at":null,"name":"build","labels":["ubuntu-latest"],\
            "runner_name":null,"runner_group_name":null,"steps":[]},\
            "repository":{"id":1,"full_name":"acme/api","html_url":"https://github.com/acme/api"}}
            """.utf8)
        let event = try GitHubEvent.read(type: "workflow_job", json: body)
        let delivery = Delivery(
            id: Self.id(job), eventType: "workflow_job", event: event,
            receivedAt: Timestamp(milliseconds: 1_800_000_000_000))
        let reserved = try #require(self.ingest.reserve(body.count, isNew: true))
        return try await self.ingest.submit(
            delivery, body: body, bytes: reserved, deadline: .now.advanced(by: .seconds(9)))
    }

    /// Takes the writer, as a slow disk or a foreign lock would.
    ///
    /// - Parameters:
    ///   - released: Gives it back.
    ///   - begun: Opened when the writer is taken.
    func block(until released: Flag, begun: Gate) async throws {
        _ = try await self.database.write(Lease("block", timeout: .seconds(60))) { _ in
            Task { await begun.open() }
            released.spin()
        }
    }
}
