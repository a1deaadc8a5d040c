//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import ConnectionPoolModule
import FoundationEssentials
import SQLCore
import Synchronization
import Testing
import TestSupport

@testable import SQLiteDriver

/// What a disk holds whose power fails, rebuilt from the log of writes and syncs.
///
/// What was synced is there. Of what was not, any part may be, in any order, and a write may be torn at any sector.
private struct Disk {
    private struct File {
        var durable: [UInt8] = []
        var pending: [weir_cut_operation] = []
        var wasSynced = false
    }

    private var files: [String: File] = [:]

    mutating func perform(_ operation: weir_cut_operation) {
        let path = String(cString: operation.path)
        switch operation.kind {
        case WEIR_CUT_SYNC:
            guard var file = self.files.removeValue(forKey: path) else { return }
            for pending in file.pending { Self.apply(pending, bytes: pending.length, to: &file.durable) }
            file.pending.removeAll()
            file.wasSynced = true
            self.files[path] = file
        case WEIR_CUT_DELETE: self.files[path] = nil
        default: self.files[path, default: File()].pending.append(operation)
        }
    }

    private static func apply(_ operation: weir_cut_operation, bytes: Int64, to content: inout [UInt8]) {
        let offset = Int(operation.offset)
        guard operation.kind == WEIR_CUT_WRITE else {
            if content.count > offset { content.removeSubrange(offset...) }
            return
        }
        guard bytes > 0, let source = operation.bytes else { return }
        let end = offset + Int(bytes)
        if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
        content.withUnsafeMutableBytes { target in
            target.baseAddress?.advanced(by: offset).copyMemory(from: source, byteCount: Int(bytes))
        }
    }

    /// Writes the files that a cut leaves behind.
    func cut(into directory: String, using generator: inout SeededGenerator) throws {
        for (path, file) in self.files.sorted(by: { $0.key < $1.key }) {
            // A file that was never synced may not even have a name.
            if !file.wasSynced, Bool.random(using: &generator) { continue }
            var content = file.durable
            let fate = Int.random(in: 0..<4, using: &generator)
            var pending = file.pending
            if fate == 3 { pending.shuffle(using: &generator) }
            for operation in pending {
                switch fate {
                case 0: break
                case 1: Self.apply(operation, bytes: operation.length, to: &content)
                default:
                    guard Bool.random(using: &generator) else { continue }
                    let sectors = operation.length / 512
                    let isTorn = operation.length >= 1_024 && Int.random(in: 0..<3, using: &generator) == 0
                    let bytes = isTorn ? 512 * Int64.random(in: 0..<sectors, using: &generator) : operation.length
                    Self.apply(operation, bytes: bytes, to: &content)
                }
            }
            let name = path.split(separator: "/").last.map(String.init) ?? path
            try Data(content).write(to: URL(filePath: "\(directory)/\(name)"))
        }
    }
}

@Suite("Power cut", .serialized, .timeLimit(.minutes(5)))
struct PowerCutTests {
    private struct Acknowledged: Sendable {
        let id: Int64
        /// How long the log was when the caller had its answer.
        let position: Int64
    }

    private struct Outcome {
        var cuts = 0
        var lost = 0
        var damaged = 0
        var rowsChecked = 0
        var firstProblem: String?
    }

    private static func text(_ id: Int64) -> String {
        String(repeating: "row \(id) ", count: 1 + Int(id * 7_919 % 300))
    }

    /// Writes from several tasks, with small groups, large ones and many checkpoints, through the logging layer.
    private func workload(_ configuration: SQLiteConfiguration, writes: Int64) async throws -> [Acknowledged] {
        let database = try await SQLiteDatabase.open(configuration)
        _ = try await database.write(Lease("create")) {
            try $0.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        }
        let acknowledged = Acknowledgements()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in Int64(0)..<4 {
                group.addTask {
                    for round in 0..<(writes / 4) {
                        let id = task + 4 * round
                        _ = try await database.write(Lease("insert", timeout: .seconds(60))) {
                            try $0.execute("INSERT INTO t (id, text) VALUES (\(id), \(Self.text(id)))")
                        }
                        acknowledged.add(Acknowledged(id: id, position: weir_cut_count()))
                        if round % 5 == 0 {
                            _ = try await database.read(Lease("read", timeout: .seconds(60))) {
                                try $0.row("SELECT count(*) FROM t") { $0.integer(0) }
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        await database.close()
        return acknowledged.all
    }

    private final class Acknowledgements: Sendable {
        private let list = Mutex<[Acknowledged]>([])

        func add(_ entry: Acknowledged) { self.list.withLock { $0.append(entry) } }

        var all: [Acknowledged] { self.list.withLock { $0 } }
    }

    /// Cuts the power at every sync, before and after, and between, until there are enough cuts.
    private func cut(
        _ acknowledged: [Acknowledged], configuration: SQLiteConfiguration, cuts: Int, seed: UInt64
    ) throws -> Outcome {
        var generator = SeededGenerator(seed: seed)
        var outcome = Outcome()
        let length = weir_cut_count()
        let perPosition = max(1, cuts / Int(length) + 1)
        var disk = Disk()
        for position in 0..<length {
            disk.perform(weir_cut_at(position))
            for _ in 0..<perPosition {
                let directory = try TemporaryDirectory()
                try disk.cut(into: directory.path, using: &generator)
                var survivor = configuration
                survivor.path = directory.file("weir.db")
                survivor.vfs = nil
                outcome.cuts += 1
                let owed = acknowledged.filter { $0.position <= position + 1 }.map(\.id)
                try self.check(survivor, owed: owed, at: position, &outcome)
            }
        }
        return outcome
    }

    private func check(
        _ configuration: SQLiteConfiguration, owed: [Int64], at position: Int64, _ outcome: inout Outcome
    ) throws {
        func problem(_ text: String) { outcome.firstProblem = outcome.firstProblem ?? "cut \(position): \(text)" }
        let connection: SQLiteConnection
        do {
            connection = try SQLiteConnection(configuration, role: .writer)
        } catch {
            outcome.damaged += 1
            return problem("\(error)")
        }
        defer { connection.close() }
        let health = try connection.scalar("PRAGMA integrity_check")
        if health != "ok" {
            outcome.damaged += 1
            problem(health ?? "no answer")
        }
        guard try connection.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "1" else {
            outcome.lost += owed.count
            if !owed.isEmpty { problem("the table is gone") }
            return
        }
        let rows = try connection.rows("SELECT id, text FROM t") { ($0.integer(0), $0.text(1)) }
        for (id, text) in rows where text != Self.text(id) {
            outcome.damaged += 1
            problem("row \(id) is not what was written")
        }
        outcome.rowsChecked += owed.count
        let lost = Set(owed).subtracting(rows.map(\.0))
        outcome.lost += lost.count
        if !lost.isEmpty { problem("\(lost.count) acknowledged rows are gone") }
    }

    private func run(_ durability: SQLiteConfiguration.Durability, writes: Int64, cuts: Int) async throws -> Outcome {
        try #require(weir_cut_install() == 0)
        weir_cut_reset()
        let directory = try TemporaryDirectory()
        var configuration = SQLiteConfiguration(path: directory.file("weir.db"), applicationID: 7)
        configuration.vfs = "weir-cut"
        configuration.durability = durability
        configuration.walGoalBytes = 48 << 10
        let acknowledged = try await self.workload(configuration, writes: writes)
        #expect(acknowledged.count == writes)
        let seed = UInt64.random(in: 1...UInt64.max)
        let outcome = try await onThread { [configuration] in
            try self.cut(acknowledged, configuration: configuration, cuts: cuts, seed: seed)
        }
        if let problem = outcome.firstProblem, durability == .full { Issue.record("seed \(seed): \(problem)") }
        return outcome
    }

    @Test("2,000 power cuts, with unsynced writes lost, torn and reordered, lose no acknowledged row")
    func full() async throws {
        let outcome = try await self.run(.full, writes: 240, cuts: 2_000)
        #expect(outcome.cuts >= 2_000)
        #expect(outcome.lost == 0 && outcome.damaged == 0)
        #expect(outcome.rowsChecked > 100_000)
    }

    @Test("control: without full synchronisation the same cuts lose acknowledged rows")
    func normal() async throws {
        let outcome = try await self.run(.normal, writes: 120, cuts: 500)
        #expect(outcome.lost > 0)
        #expect(outcome.damaged == 0)
    }
}
