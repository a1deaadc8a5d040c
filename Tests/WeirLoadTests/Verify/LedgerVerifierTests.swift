//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Foundation
import GitHubWebhooks
import SQLCore
import SQLiteDriver
import TestSupport
import Testing
import WeirModel
import WeirStore

@testable import WeirLoad

@Suite("Verifying ledgers", .timeLimit(.minutes(5)))
struct LedgerVerifierTests {
    private static let lease = Lease("test", acquireTimeout: .seconds(20), timeout: .seconds(60))

    private static func configuration(_ directory: TemporaryDirectory) -> SQLiteConfiguration {
        SQLiteConfiguration(path: directory.file("a.db"), applicationID: 0x5745_4952)
    }

    /// A database that a load was applied to.
    private struct Scene {
        let directory: TemporaryDirectory
        let database: SQLiteDatabase
        let store: WeirStore
        let parameters: LoadParameters

        /// - Parameter isApplied: Which sends reached the database.
        init(
            _ parameters: LoadParameters = LoadFixture.parameters(rate: 100, seconds: 20),
            isApplied: (Int) -> Bool = { _ in true }
        ) async throws {
            self.directory = try TemporaryDirectory(inMemory: true)
            self.parameters = parameters
            self.database = try await SQLiteDatabase.open(LedgerVerifierTests.configuration(self.directory))
            self.store = try await WeirStore.open(self.database)
            var source = try DeliverySource(parameters)
            var batch: [Delivery] = []
            for (send, number) in LoadFixture.sent(parameters).enumerated() where isApplied(send) {
                let message = source.message(number)
                let receivedAt = Timestamp(milliseconds: parameters.startedAtMilliseconds + Int64(send))
                batch.append(
                    Delivery(
                        id: source.id(number), eventType: message.event,
                        event: try GitHubEvent.read(type: message.event, json: message.json), receivedAt: receivedAt))
                if batch.count == 97 {
                    _ = try await self.store.apply(batch)
                    batch = []
                }
            }
            _ = try await self.store.apply(batch)
        }

        func verify(
            _ ledgers: [LoadLedger]? = nil, waiting: [String] = [], status: (Int) -> UInt16? = { _ in 202 }
        ) async throws -> VerifyReport {
            let ledgers = try ledgers ?? [LoadFixture.ledger(self.parameters, status: status)]
            return try await LedgerVerifier(ledgers).verify(
                self.store, waiting: waiting, lease: LedgerVerifierTests.lease)
        }

        func change(_ sql: SQL) async throws {
            let changed = try await self.database.write(LedgerVerifierTests.lease) { try $0.execute(sql) }.value
            #expect(changed > 0)
        }
    }

    @Test("A load that was applied agrees, with duplicates and in another order", arguments: [UInt64(1), 2, 3])
    func agrees(seed: UInt64) async throws {
        var parameters = LoadFixture.parameters(seed: seed, rate: 100, seconds: 20)
        parameters.duplicates = 0.2
        parameters.reordered = 0.6
        let scene = try await Scene(parameters)
        let report = try await scene.verify()
        #expect(report.differences == [])
        #expect(report.applied == 1_600 && report.absent == 0 && report.open == 0)
        #expect(report.jobs > 300 && report.runs > 60)
        await scene.database.close()
    }

    @Test("What got no answer may be there or not; what was refused is not there")
    func unknown() async throws {
        // Of five sends one is not applied and unanswered, one applied and unanswered, one refused.
        let scene = try await Scene { ![0, 2].contains($0 % 5) }
        let report = try await scene.verify { [0, 0, 413, 202, 202][$0 % 5] }
        #expect(report.differences == [])
        #expect(report.openFound > 300 && report.open > report.openFound + 300 && report.absent > 300)
        await scene.database.close()
    }

    @Test("Sends that a killed generator did not write down may be there or not")
    func killedGenerator() async throws {
        let scene = try await Scene { $0 < 1_500 }
        let report = try await scene.verify { $0 < 1_400 ? 202 : nil }
        #expect(report.differences == [])
        #expect(report.openFound > 80)
        await scene.database.close()
    }

    private static let changes: [(SQL, String)] = [
        ("UPDATE jobs SET status = 5 WHERE id = (SELECT max(id) FROM jobs WHERE status = 6)", "status"),
        ("UPDATE jobs SET started_at = 1 WHERE id = (SELECT min(id) FROM jobs WHERE started_at > 0)", "startedAt"),
        ("UPDATE jobs SET branch_id = NULL WHERE id = (SELECT min(id) FROM jobs)", "branch"),
        ("UPDATE jobs SET digest = digest + 1 WHERE id = (SELECT min(id) FROM jobs)", "precedence"),
        ("UPDATE jobs SET pool_id = pool_id % 5 + 1 WHERE id = (SELECT min(id) FROM jobs)", "its pool is"),
        ("UPDATE jobs SET queued_last = queued_last + 9 WHERE queued_last > 0", "the receipts of queued"),
        ("UPDATE jobs SET ended_first = ended_first - 60000 WHERE ended_first > 0", "the receipts of ended"),
        ("UPDATE runs SET title = 'x' WHERE id = (SELECT min(id) FROM runs)", "title is x"),
        ("UPDATE runs SET attempt = 3 WHERE id = (SELECT min(id) FROM runs) AND attempt = 1", "is missing"),
        ("DELETE FROM runs WHERE id = (SELECT min(id) FROM runs)", "is missing"),
        ("DELETE FROM jobs WHERE id = (SELECT min(id) FROM jobs)", "is missing"),
        ("UPDATE deliveries SET run_id = run_id + 1 WHERE id = (SELECT min(id) FROM deliveries)", "is kept as"),
        ("UPDATE names SET value = 'y' WHERE id = (SELECT min(id) FROM names WHERE kind = 2)", "workflow is y"),
        ("UPDATE demand_seconds SET queued = queued + 1", "kept beside the rows"),
    ]

    @Test("A row that was changed is found, with the field", arguments: changes)
    func changed(statement: SQL, words: String) async throws {
        let scene = try await Scene(LoadFixture.parameters(rate: 100, seconds: 10))
        try await scene.change(statement)
        let report = try await scene.verify()
        #expect(report.differenceCount > 0)
        #expect(report.differences.contains { $0.contains(words) }, "\(report.differences)")
        await scene.database.close()
    }

    @Test("A 202 whose delivery is missing is found")
    func missing() async throws {
        var parameters = LoadFixture.parameters(rate: 100, seconds: 10)
        parameters.duplicates = 0
        let scene = try await Scene(parameters) { $0 != 500 }
        let report = try await scene.verify()
        #expect(report.differences.contains { $0.contains("answered 202 and is not there") })
        await scene.database.close()
    }

    @Test("A 202 that died or waits in the outbox is counted; a refused one in either place is found")
    func elsewhere() async throws {
        var parameters = LoadFixture.parameters(rate: 100, seconds: 10)
        parameters.duplicates = 0
        // The last deliveries of jobs whose others are there.
        let scene = try await Scene(parameters) { $0 != 500 && $0 != 501 }
        let sent = LoadFixture.sent(parameters)
        let source = try DeliverySource(parameters)
        let (dead, waiting) = (source.id(sent[500]), source.id(sent[501]))
        let letter = DeadLetter(
            delivery: dead, event: "workflow_job", receivedAt: Timestamp(milliseconds: 1),
            diedAt: Timestamp(milliseconds: 2), reason: "of the test", body: Array("{}".utf8))
        try await scene.store.bury(letter, timeout: .seconds(5))
        let report = try await scene.verify(waiting: [waiting, "somebody else's"])
        #expect(report.deadLetters == 1 && report.waiting == 1 && report.differences == [])
        #expect(!report.agrees)
        let refused = try await scene.verify(waiting: [waiting]) { $0 == 500 || $0 == 501 ? 400 : 202 }
        #expect(
            Set(refused.differences) == [
                "delivery \(dead) was refused and is a dead letter",
                "delivery \(waiting) was refused and is in the outbox",
            ])
        // Control: elsewhere it is missing.
        #expect(try await scene.verify().differences == ["delivery \(waiting) was answered 202 and is not there"])
        await scene.database.close()
    }

    @Test("A refused delivery that is there is found")
    func refused() async throws {
        var parameters = LoadFixture.parameters(rate: 100, seconds: 10)
        parameters.duplicates = 0
        let scene = try await Scene(parameters)
        let report = try await scene.verify { $0 == 500 ? 400 : 202 }
        #expect(report.differenceCount == 1)
        #expect(report.differences.first?.contains("refused and is there") == true)
        await scene.database.close()
    }

    @Test("A delivery that is there twice is found, whatever its second spelling")
    func doubled() async throws {
        let scene = try await Scene(LoadFixture.parameters(rate: 100, seconds: 5))
        let id = try DeliverySource(scene.parameters).id(50)
        let bytes = [UInt8(ascii: "t")] + Array(id.utf8)
        try await scene.change(
            """
            INSERT INTO deliveries SELECT \(bytes), source_id, event_id, received_at, outcome, run_id, job_id
            FROM deliveries LIMIT 1
            """)
        let report = try await scene.verify()
        #expect(report.differences.contains("delivery \(id) is there more than once"))
        await scene.database.close()
    }

    @Test("A job none of whose deliveries was applied must not be there")
    func invented() async throws {
        let parameters = LoadFixture.parameters(rate: 100, seconds: 5)
        let scene = try await Scene(parameters) { _ in false }
        let plan = LoadPlan(parameters)
        let job = try #require((0..<500).map { plan.delivery($0) }.first { $0.event == .job })
        let other = try await Scene(parameters)
        let report = try await other.verify { _ in 400 }
        #expect(report.differences.contains { $0.contains("refused and is there") })
        #expect(try await scene.verify { _ in 400 }.differences == [])
        try await scene.change(
            """
            INSERT INTO sources (id, host) VALUES (1, 'github.com')
            """)
        try await scene.change("INSERT INTO pools (id, name) VALUES (1, 'p')")
        try await scene.change(
            """
            INSERT INTO jobs (source_id, id, run_id, attempt, stage, order_time, order_word, digest, status,
                repository_id, pool_id) VALUES (1, \(job.jobID), \(job.runID), 1, 2, 0, 4, 0, 4, 1, 1)
            """)
        let invented = try await scene.verify { _ in 400 }
        #expect(invented.differences.contains("job \(job.jobID) is there, and none of its deliveries is"))
        await scene.database.close()
        await other.database.close()
    }

    @Test("Several loads on one database are told apart, and the deliveries of others left alone")
    func several() async throws {
        let scene = try await Scene(LoadFixture.parameters(rate: 100, seconds: 5))
        let other = LoadFixture.parameters(seed: 9, rate: 100, seconds: 5)
        var source = try DeliverySource(other)
        let batch = try (0..<400).map { number in
            let message = source.message(number)
            return Delivery(
                id: source.id(number), eventType: message.event,
                event: try GitHubEvent.read(type: message.event, json: message.json),
                receivedAt: Timestamp(milliseconds: other.startedAtMilliseconds))
        }
        _ = try await scene.store.apply(batch)
        let mine = try LoadFixture.ledger(scene.parameters) { _ in 202 }
        let alone = try await scene.verify([mine])
        #expect(alone.differences == [] && alone.foreign == 400)
        // Of the other load nothing but what was applied is known to its ledger.
        let theirs = try LoadFixture.ledger(other) { _ in nil }
        let both = try await scene.verify([mine, theirs])
        #expect(both.differences == [] && both.foreign == 0 && both.openFound == 400)
        await scene.database.close()
    }

    @Test("A closed database is verified through a connection that only reads, and nothing is left beside it")
    func readOnly() async throws {
        let scene = try await Scene(LoadFixture.parameters(rate: 100, seconds: 5))
        let ledger = try LoadFixture.ledger(scene.parameters) { _ in 202 }
        let verifier = try LedgerVerifier([ledger])
        var files: [String] = []
        for isOpen in [true, false] {
            if !isOpen { await scene.database.close() }
            files = try Self.files(scene.directory)
            let reading = SQLiteReadOnlyDatabase(Self.configuration(scene.directory))
            let store = try await WeirStore.reading(reading, lease: Self.lease)
            #expect(try await verifier.verify(store, lease: Self.lease).differences == [])
            await #expect(throws: DatabaseError.self) { _ = try await reading.write(Self.lease) { _ in 1 } }
        }
        #expect(try Self.files(scene.directory) == files)
    }

    /// Names, sizes and times of change.
    private static func files(_ directory: TemporaryDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map { name in
            let facts = try FileManager.default.attributesOfItem(atPath: directory.file(name))
            return "\(name) \(facts[.size] ?? 0) \(facts[.modificationDate] ?? "")"
        }
    }
}
