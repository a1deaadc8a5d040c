//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import ConnectionPoolModule
import CutDisk
import FoundationEssentials
import SQLCore
import SQLiteDriver
import Synchronization
import TestSupport
import Testing
import WeirStore

@testable import WeirIngest

/// Power cuts of database and outbox together, from the sender's answer on.
@Suite("Power cuts, end to end", .serialized, .timeLimit(.minutes(30)))
struct IngestPowerCutTests {
    private static let cuts = ProcessInfo.processInfo.environment["WEIR_INGEST_CUTS"].flatMap(Int.init) ?? 400

    /// Jobs with the length of the log when their sender had its answer.
    private final class Acknowledgements: Sendable {
        private let list = Mutex<[(job: Int64, position: Int64)]>([])

        func add(_ job: Int64) {
            let position = weir_cut_count()
            self.list.withLock { $0.append((job, position)) }
        }

        var all: [(job: Int64, position: Int64)] { self.list.withLock { $0 } }
    }

    private struct Outcome {
        var cuts = 0
        var checked = 0
        var lost = 0
        var inOutbox = 0
        var firstProblem = ""
    }

    /// Deliveries by way of the database, and while it is held up by way of the outbox.
    private func work(durability: SQLiteConfiguration.Durability) async throws -> [(job: Int64, position: Int64)] {
        try #require(weir_cut_install() == 0)
        weir_cut_reset()
        weir_cut_lose_at_sync(0, 1)
        weir_cut_promise_safe_overwrite(1)
        let acknowledgements = Acknowledgements()
        try await IngestBench.with {
            $0.vfs = "weir-cut"
            $0.durability = durability
        } _: { bench async throws in
            @Sendable func send(_ jobs: Range<Int64>) async throws {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for sender in Int64(0)..<4 {
                        group.addTask {
                            for job in jobs where job % 4 == sender {
                                _ = try await bench.submit(job)
                                acknowledgements.add(job)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await send(0..<40)
            let begun = Gate()
            let released = Flag()
            async let blocked: Void = bench.block(until: released, begun: begun)
            await begun.wait()
            do {
                defer { released.set() }
                // All of them are answered from the outbox: the database takes nothing.
                try await send(100..<140)
            }
            try await blocked
            #expect(try await eventually { bench.ingest.load.outbox == 0 })
            try await send(200..<240)
        }
        return acknowledgements.all
    }

    private func cut(_ acknowledged: [(job: Int64, position: Int64)], seed: UInt64) async throws -> Outcome {
        var generator = SeededGenerator(seed: seed)
        var outcome = Outcome()
        let length = weir_cut_count()
        var disk = Disk()
        for position in 0..<length {
            disk.perform(weir_cut_at(position))
            let owed = acknowledged.filter { $0.position <= position + 1 }.map(\.job)
            let density = Double(Self.cuts) / Double(length)
            guard !owed.isEmpty, Double.random(in: 0..<1, using: &generator) < density else { continue }
            let directory = try TemporaryDirectory(inMemory: true)
            _ = try disk.cut(into: directory.path, using: &generator)
            outcome.cuts += 1
            outcome.checked += owed.count
            do {
                let found = try await self.found(directory)
                let lost = owed.filter { !found.database.contains($0) && !found.outbox.contains($0) }
                outcome.lost += lost.count
                outcome.inOutbox += owed.count { found.outbox.contains($0) && !found.database.contains($0) }
                if let first = lost.first, outcome.firstProblem.isEmpty {
                    outcome.firstProblem = "cut \(position): job \(first) is lost"
                }
            } catch {
                outcome.lost += owed.count
                if outcome.firstProblem.isEmpty { outcome.firstProblem = "cut \(position): \(error)" }
            }
        }
        return outcome
    }

    /// The jobs whose deliveries are in the database and in the outbox, as the next server would find them.
    private func found(_ directory: TemporaryDirectory) async throws -> (database: Set<Int64>, outbox: Set<Int64>) {
        let lease = Lease("found", timeout: .seconds(30))
        let database = try await SQLiteDatabase.open(IngestBench.configuration(directory.file("weir.db")))
        _ = try await WeirStore.open(database)
        let applied = try await database.read(lease) {
            try $0.rows("SELECT d.job_id FROM deliveries d JOIN jobs j ON j.id = d.job_id") { $0.integer(0) }
        }
        await database.close()
        let file = try await SQLiteDatabase.open(IngestBench.configuration(directory.file("outbox.db")))
        _ = try await Outbox.open(file)
        let kept = try await file.read(lease) {
            try $0.rows("SELECT delivery FROM outbox") { Int64($0.text(0).dropFirst("delivery-".count)) ?? -1 }
        }
        await file.close()
        return (Set(applied), Set(kept))
    }

    @Test("a cut at any instant, of database and outbox together, loses no acknowledged delivery")
    func cuts() async throws {
        let acknowledged = try await self.work(durability: .full)
        #expect(acknowledged.count == 120)
        let seed = UInt64.random(in: 1...UInt64.max)
        let outcome = try await self.cut(acknowledged, seed: seed)
        print(
            "seed \(seed): \(outcome.cuts) cuts, \(outcome.checked) deliveries checked, \(outcome.lost) lost, "
                + "\(outcome.inOutbox) found in the outbox alone")
        #expect(outcome.lost == 0, "seed \(seed): \(outcome.firstProblem)")
        // The outbox was needed.
        #expect(outcome.inOutbox > 0)
    }

    @Test("control: with less than full synchronisation the same cuts lose acknowledged deliveries")
    func control() async throws {
        let acknowledged = try await self.work(durability: .normal)
        let outcome = try await self.cut(acknowledged, seed: 1)
        #expect(outcome.lost > 0)
    }
}
