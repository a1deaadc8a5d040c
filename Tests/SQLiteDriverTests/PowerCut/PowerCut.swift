//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CWeirSQLite
import ConnectionPoolModule
import CutDisk
import FoundationEssentials
import SQLCore
import Synchronization
import TestSupport
import Testing

@testable import SQLiteDriver

/// A workload through the layer that logs what a disk is asked to do, and cuts of the power all along it.
struct PowerCut: Sendable {
    struct Outcome {
        var cuts = 0
        var lost = 0
        var damaged = 0
        var rowsChecked = 0
        var harms: [Disk.Harm: Int] = [:]
        var firstProblem: String?
        var firstProblemAt: Int64?

        var summary: String {
            let harms = Disk.Harm.allCases.map { "\($0.rawValue) \(self.harms[$0] ?? 0)" }.joined(separator: ", ")
            return "\(self.cuts) cuts, \(self.rowsChecked) rows checked, \(self.lost) lost, \(self.damaged) damaged; "
                + "in so many cuts: \(harms)"
        }
    }

    private struct Acknowledged: Sendable {
        let id: Int64
        /// How long the log was when the caller had its answer.
        let position: Int64
    }

    private final class Acknowledgements: Sendable {
        private let list = Mutex<[Acknowledged]>([])

        func add(_ id: Int64) {
            let entry = Acknowledged(id: id, position: weir_cut_count())
            self.list.withLock { $0.append(entry) }
        }

        var all: [Acknowledged] { self.list.withLock { $0 } }
    }

    let directory: TemporaryDirectory
    let configuration: SQLiteConfiguration
    let seed: UInt64
    private let acknowledgements = Acknowledgements()

    init(
        durability: SQLiteConfiguration.Durability = .full, isOverwriteSafe: Bool = true, walGoalBytes: Int = 48 << 10
    ) throws {
        try #require(weir_cut_install() == 0)
        weir_cut_reset()
        weir_cut_lose_at_sync(0, 1)
        weir_cut_promise_safe_overwrite(isOverwriteSafe ? 1 : 0)
        self.directory = try TemporaryDirectory()
        var configuration = SQLiteConfiguration(path: self.directory.file("weir.db"), applicationID: 7)
        configuration.vfs = "weir-cut"
        configuration.durability = durability
        configuration.walGoalBytes = walGoalBytes
        self.configuration = configuration
        self.seed = UInt64.random(in: 1...UInt64.max)
    }

    var acknowledgedCount: Int { self.acknowledgements.all.count }

    /// Writes from several tasks, with small groups, large ones and many checkpoints.
    ///
    /// - Parameter hasFailure: Whether writes may fail, since a sync will.
    func work(writes: Int64, hasFailure: Bool = false) async throws {
        let database = try await SQLiteDatabase.open(self.configuration)
        _ = try await database.write(Lease("create")) { try $0.execute(Ledger.schema) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in Int64(0)..<4 {
                group.addTask {
                    for round in 0..<(writes / 4) {
                        let id = task + 4 * round
                        do {
                            _ = try await database.write(Lease("insert", timeout: .seconds(60))) {
                                try Ledger.write(id, $0)
                            }
                            self.acknowledgements.add(id)
                        } catch let error as DatabaseError where hasFailure && error.outcome != nil {
                            continue
                        }
                        if round % 5 == 0 {
                            _ = try await database.read(Lease("read", timeout: .seconds(60))) {
                                try $0.row("SELECT count(*) FROM ledger") { $0.integer(0) }
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        await database.close()
    }

    /// Writes whose checkpoints are first kept incomplete by a reader, and then fail to synchronise the database file:
    /// with its writes, what the incomplete ones copied is lost.
    func workWithIncompleteCheckpoint() async throws {
        let database = try await SQLiteDatabase.open(self.configuration)
        @Sendable func write(_ ids: Range<Int64>) async throws {
            for id in ids {
                _ = try await database.write(Lease("insert", timeout: .seconds(60))) { try Ledger.write(id, $0) }
                self.acknowledgements.add(id)
            }
        }
        _ = try await database.write(Lease("create")) { try $0.execute(Ledger.schema) }
        // Less than the goal: the reader's snapshot is in the middle of the log.
        try await write(0..<8)
        let hasBegun = Flag()
        let mayEnd = Flag()
        async let held = database.read(Lease("held", timeout: .seconds(60))) {
            _ = try $0.row("SELECT count(*) FROM ledger") { $0.integer(0) }
            hasBegun.set()
            mayEnd.spin()
        }
        _ = try await eventually { hasBegun.isSet }
        try await write(8..<60)
        let before = database.writerStatistics.current
        #expect(before.framesWaiting > 0)
        weir_cut_lose_at_sync(1, 0)
        mayEnd.set()
        try await held
        // The log is looked at again though nobody writes.
        _ = try await eventually { database.writerStatistics.current.checkpointFailures > before.checkpointFailures }
        try await write(60..<100)
        await database.close()
    }

    /// What must not be done after a failed sync: the same file is opened again and written on, as it is recovered.
    func workCarelessly(writes: Int64) throws {
        var connection = try SQLiteConnection(self.configuration, role: .writer)
        _ = try connection.execute(Ledger.schema)
        for id in 0..<writes {
            do {
                try connection.control("BEGIN IMMEDIATE")
                try Ledger.write(id, connection)
                try connection.control("COMMIT")
                self.acknowledgements.add(id)
            } catch {
                connection.close()
                connection = try SQLiteConnection(self.configuration, role: .writer)
            }
        }
        connection.close()
    }

    /// The same mistake with an incomplete checkpoint: after one whose sync failed it is simply tried again.
    func workCarelesslyWithIncompleteCheckpoint() throws {
        let writer = try SQLiteConnection(self.configuration, role: .writer)
        defer { writer.close() }
        func write(_ ids: Range<Int64>) throws {
            for id in ids {
                try writer.control("BEGIN IMMEDIATE")
                try Ledger.write(id, writer)
                try writer.control("COMMIT")
                self.acknowledgements.add(id)
            }
        }
        func checkpoint() { sqlite3_wal_checkpoint_v2(writer.db, "main", SQLITE_CHECKPOINT_PASSIVE, nil, nil) }
        _ = try writer.execute(Ledger.schema)
        try write(0..<20)
        let reader = try SQLiteConnection(self.configuration, role: .reader)
        try reader.control("BEGIN")
        _ = try reader.scalar("SELECT count(*) FROM ledger")
        try write(20..<40)
        checkpoint()
        reader.close()
        weir_cut_lose_at_sync(1, 0)
        checkpoint()
        checkpoint()
        // The log begins anew.
        try write(40..<60)
    }

    /// Cuts the power after operations all along the log: so many times in all, give or take a few.
    func cut(_ cuts: Int) throws -> Outcome {
        var generator = SeededGenerator(seed: self.seed)
        var outcome = Outcome()
        let length = weir_cut_count()
        let perPosition = Double(cuts) / Double(length)
        let acknowledged = self.acknowledgements.all
        var disk = Disk()
        for position in 0..<length {
            disk.perform(weir_cut_at(position))
            let owed = acknowledged.filter { $0.position <= position + 1 }.map(\.id)
            // The opening is short, and does what is done once: names, the header of the file, the first log.
            let density = owed.isEmpty ? 4 * perPosition : perPosition
            for _ in 0..<Int(density + Double.random(in: 0..<1, using: &generator)) {
                let directory = try TemporaryDirectory(inMemory: true)
                for harm in try disk.cut(into: directory.path, using: &generator) {
                    outcome.harms[harm, default: 0] += 1
                }
                var survivor = self.configuration
                survivor.path = directory.file("weir.db")
                survivor.vfs = nil
                outcome.cuts += 1
                self.check(survivor, owed: owed, at: position, &outcome)
            }
        }
        return outcome
    }

    /// The operations other than plain writes, for whoever looks into a failure.
    func story(around position: Int64) -> String {
        let kinds = ["", "write", "truncate", "sync", "delete", "create", "sync directory", "LOSE"]
        return (0..<weir_cut_count()).compactMap { index -> String? in
            let operation = weir_cut_at(index)
            let name = String(cString: operation.path).split(separator: "/").last ?? ""
            if operation.kind == WEIR_CUT_WRITE, abs(index - position) > 40 { return nil }
            return "\(index) \(kinds[Int(operation.kind.rawValue)]) \(name) @\(operation.offset)+\(operation.length)"
        }.joined(separator: "\n")
    }

    private func check(
        _ configuration: SQLiteConfiguration, owed: [Int64], at position: Int64, _ outcome: inout Outcome
    ) {
        func problem(_ text: String) {
            outcome.firstProblem = outcome.firstProblem ?? "cut \(position): \(text)"
            outcome.firstProblemAt = outcome.firstProblemAt ?? position
        }
        do {
            let connection = try SQLiteConnection(configuration, role: .writer)
            defer { connection.close() }
            let health = try connection.scalar("PRAGMA integrity_check") ?? "no answer"
            if health != "ok" {
                outcome.damaged += 1
                return problem(health)
            }
            var rows: [(Int64, String)] = []
            if try connection.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'ledger'") == "1" {
                rows = try connection.rows("SELECT id, text FROM ledger") { ($0.integer(0), $0.text(1)) }
            }
            for (id, text) in rows where text != Ledger.text(id) {
                outcome.damaged += 1
                problem("row \(id) is not what was written")
            }
            outcome.rowsChecked += owed.count
            let lost = Set(owed).subtracting(rows.map(\.0))
            outcome.lost += lost.count
            if !lost.isEmpty { problem("\(lost.count) acknowledged rows are gone") }
        } catch {
            outcome.damaged += 1
            problem("\(error)")
        }
    }
}
