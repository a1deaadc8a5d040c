//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CWeirSQLite
import ConnectionPoolModule
import FoundationEssentials
import SQLCore
import Synchronization
import TestSupport
import Testing

@testable import SQLiteDriver

/// A number from the environment, for runs that are longer than those of every day.
func environment(_ name: String, default value: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? value
}

/// Rows that are written over and over, each version with its own text and sum.
private struct HammerRow {
    static let schema: SQL =
        "CREATE TABLE hammer (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, text TEXT NOT NULL, sum INTEGER NOT NULL)"

    static func text(_ id: Int64, _ version: Int64) -> String {
        String(repeating: "\(id).\(version) ", count: 10 + Int((id &* 31 &+ version) % 60))
    }

    /// FNV-1a. Source: datatracker.ietf.org/doc/html/draft-eastlake-fnv.
    static func sum(_ text: String) -> Int64 {
        Int64(bitPattern: text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 })
    }

    static func upsert(_ id: Int64, _ version: Int64) -> SQL {
        let text = Self.text(id, version)
        return """
            INSERT INTO hammer (id, version, text, sum) VALUES (\(id), \(version), \(text), \(Self.sum(text)))
            ON CONFLICT (id) DO UPDATE SET version = excluded.version, text = excluded.text, sum = excluded.sum
            """
    }

    /// Whether a row is whole: its text is that of its version, and its sum that of its text.
    static func isWhole(_ row: any SQLRow) -> Bool {
        let text = row.text(2)
        return text == Self.text(row.integer(0), row.integer(1)) && row.integer(3) == Self.sum(text)
    }
}

@Suite("Hammer", .serialized, .timeLimit(.minutes(120)))
struct HammerTests {
    private static let rowsPerTask: Int64 = 100

    /// What the tasks find, together.
    private final class Findings: Sendable {
        private let outcome = Mutex(Outcome())

        var all: Outcome { self.outcome.withLock { $0 } }

        func note(_ change: (inout Outcome) -> Void) { self.outcome.withLock { change(&$0) } }
    }

    private struct Outcome: Sendable {
        var writes = 0
        var reads = 0
        var complaints: [String] = []
        var figures = WriterStatistics.Figures()
        var databaseWriters: Int64 = 0
        var logBytesMax = 0
    }

    /// Commits from many tasks, while others read, and while `beside` does what it likes.
    private func hammer(
        seconds: Int, tasks: Int64 = 16, beside: @escaping @Sendable (SQLiteConfiguration, Flag) throws -> Void
    ) async throws -> Outcome {
        let plan = try FaultPlan(TemporaryDirectory())
        var configuration = plan.configuration
        configuration.walGoalBytes = 256 << 10
        configuration.memoryBytes = 1 << 20
        let database = try await SQLiteDatabase.open(configuration)
        _ = try await database.write(Lease("create")) { try $0.execute(HammerRow.schema) }
        weir_fault_reset_database_writers(plan.number)
        let isOver = Flag()
        let findings = Findings()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask { try await self.write(task, database, isOver, findings) }
            }
            for reader in 0..<4 {
                group.addTask { try await self.read(reader, tasks, database, isOver, findings) }
            }
            group.addTask { [configuration] in try await onThread { try beside(configuration, isOver) } }
            try await Task.sleep(for: .seconds(seconds))
            isOver.set()
            try await group.waitForAll()
        }
        await database.close()
        var outcome = findings.all
        outcome.figures = database.writerStatistics.current
        outcome.databaseWriters = weir_fault_database_writers(plan.number)
        outcome.complaints += try await onThread { [configuration] in try Self.check(configuration, tasks) }
        return outcome
    }

    private func write(
        _ task: Int64, _ database: SQLiteDatabase, _ isOver: Flag, _ findings: Findings
    ) async throws {
        var version: Int64 = 0
        repeat {
            version += 1
            for id in (task * Self.rowsPerTask)..<((task + 1) * Self.rowsPerTask) {
                let row = (id, version)
                _ = try await database.write(Lease("hammer", acquireTimeout: .seconds(60), timeout: .seconds(60))) {
                    try $0.execute(HammerRow.upsert(row.0, row.1))
                }
                // What was acknowledged is seen at once, in this version and no older one.
                if id % 16 == 0 {
                    let seen = try await database.read(Lease("own", timeout: .seconds(60))) {
                        try $0.row("SELECT id, version, text, sum FROM hammer WHERE id = \(row.0)") {
                            HammerRow.isWhole($0) ? $0.integer(1) : -1
                        }
                    }
                    if seen != version {
                        findings.note {
                            $0.complaints.append("row \(id): version \(version) written, \(seen ?? 0) read")
                        }
                    }
                }
            }
            let log = Int(weir_file_size(database.configuration.path + "-wal"))
            findings.note {
                $0.writes += Int(Self.rowsPerTask)
                $0.logBytesMax = max($0.logBytesMax, log)
            }
        } while !isOver.isSet
        // The last version of every row is the same, so that the check knows it.
        for id in (task * Self.rowsPerTask)..<((task + 1) * Self.rowsPerTask) {
            _ = try await database.write(Lease("last", acquireTimeout: .seconds(60), timeout: .seconds(60))) {
                try $0.execute(HammerRow.upsert(id, -1))
            }
        }
    }

    /// Reads ranges of rows, each in one snapshot.
    private func read(
        _ reader: Int, _ tasks: Int64, _ database: SQLiteDatabase, _ isOver: Flag, _ findings: Findings
    ) async throws {
        var generator = SeededGenerator(seed: UInt64(reader))
        while !isOver.isSet {
            let from = Int64.random(in: 0..<(tasks * Self.rowsPerTask), using: &generator)
            let torn = try await database.read(Lease("range", timeout: .seconds(60))) {
                try $0.rows("SELECT id, version, text, sum FROM hammer WHERE id >= \(from) LIMIT 200") {
                    HammerRow.isWhole($0) ? nil : $0.integer(0)
                }.compactMap { $0 }
            }
            findings.note {
                $0.reads += 1
                if !torn.isEmpty { $0.complaints.append("rows \(torn) are not whole") }
            }
        }
    }

    private static func check(_ configuration: SQLiteConfiguration, _ tasks: Int64) throws -> [String] {
        let connection = try SQLiteConnection(configuration, role: .writer)
        defer { connection.close() }
        var complaints: [String] = []
        let health = try connection.scalar("PRAGMA integrity_check") ?? "no answer"
        if health != "ok" { complaints.append(health) }
        let rows = try connection.rows("SELECT id, version, text, sum FROM hammer ORDER BY id") {
            ($0.integer(0), HammerRow.isWhole($0) && $0.integer(1) == -1)
        }
        if rows.map(\.0) != Array(0..<(tasks * Self.rowsPerTask)) { complaints.append("\(rows.count) rows are there") }
        for (id, isGood) in rows where !isGood { complaints.append("row \(id) is not as it was written last") }
        return complaints
    }

    @Test("commits, reads and checkpoints for WEIR_HAMMER_SECONDS (5): every row whole, one connection checkpoints")
    func product() async throws {
        let outcome = try await self.hammer(seconds: environment("WEIR_HAMMER_SECONDS", default: 5)) { _, _ in }
        print(
            "\(outcome.writes) writes in \(outcome.figures.commits) commits, \(outcome.reads) range reads, "
                + "\(outcome.figures.checkpoints) checkpoints, log \(outcome.logBytesMax >> 10) KiB at most")
        #expect(outcome.complaints.isEmpty, "\(outcome.complaints.prefix(5))")
        #expect(outcome.figures.checkpoints > 5)
        #expect(outcome.figures.checkpointers.count == 1)
        #expect(outcome.databaseWriters == 1)
        #expect(outcome.writes > 1_000 && outcome.reads > 100)
    }

    @Test("control: a second connection that checkpoints is noticed")
    func secondCheckpointer() async throws {
        let outcome = try await self.hammer(seconds: 1) { configuration, isOver in
            let other = try SQLiteConnection(configuration, role: .writer)
            defer { other.close() }
            while !isOver.isSet {
                sqlite3_wal_checkpoint_v2(other.db, "main", SQLITE_CHECKPOINT_PASSIVE, nil, nil)
            }
        }
        // The statistics are the driver's own word; the layer below SQLite sees who writes the file.
        #expect(outcome.figures.checkpointers.count == 1)
        #expect(outcome.databaseWriters == 2)
    }
}
