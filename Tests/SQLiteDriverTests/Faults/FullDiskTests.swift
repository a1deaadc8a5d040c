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
import TestSupport
import Testing

@testable import SQLiteDriver

/// A disk of sixteen megabytes, some of which can be given back: a file system in memory where the tests may mount
/// one, otherwise a limit in the layer below SQLite.
private final class SmallDisk: Sendable {
    private static let bytes = 16 << 20
    private static let ballastBytes = 6 << 20

    let plan: FaultPlan
    let isReal: Bool

    init() throws {
        let directory = try TemporaryDirectory()
        let code = weir_mount_memory(directory.path, Int64(Self.bytes))
        self.isReal = code == 0
        self.plan = try FaultPlan(directory)
        if self.isReal {
            try Data(repeating: 1, count: Self.ballastBytes).write(to: URL(filePath: directory.file("ballast")))
        } else {
            print("NOT a real file system: mounting one failed with errno \(code); SQLite's layer limits the files")
            weir_fault_limit_growth(self.plan.number, Int64(Self.bytes - Self.ballastBytes))
        }
    }

    /// Takes all space but so many bytes.
    func leave(_ bytes: Int) throws {
        guard self.isReal else { return weir_fault_limit_growth(self.plan.number, Int64(bytes)) }
        let free = Int(weir_free_bytes(self.plan.directory.path))
        let filler = Data(repeating: 2, count: max(0, free - bytes))
        try filler.write(to: URL(filePath: self.plan.directory.file("filler")))
    }

    func giveSpaceBack() throws {
        if self.isReal {
            try FileManager.default.removeItem(atPath: self.plan.directory.file("ballast"))
        } else {
            weir_fault_limit_growth(self.plan.number, Int64(Self.ballastBytes))
        }
    }

    deinit { if self.isReal { weir_unmount(self.plan.directory.path) } }
}

@Suite("A full disk", .serialized, .timeLimit(.minutes(2)))
struct FullDiskTests {
    /// Writes rows until the disk is full.
    ///
    /// - Returns: The error, and the next row's number.
    private func fill(
        _ database: SQLiteDatabase, _ ledger: Ledger, from start: Int64
    ) async throws -> (error: (any Error)?, next: Int64) {
        for id in start..<(start + 20_000) {
            do {
                _ = try await database.write(Lease("fill")) { try Ledger.write(id, $0) }
                ledger.note(id, .committed)
            } catch {
                ledger.note(id, error)
                return (error, id + 1)
            }
        }
        return (nil, start + 20_000)
    }

    @Test("writes fail with a type and a remedy, reads go on, and space given back is enough to go on")
    func full() async throws {
        let disk = try SmallDisk()
        let configuration = disk.plan.configuration
        let ledger = Ledger()
        let database = try await SQLiteDatabase.open(configuration)
        _ = try await database.write(Lease("create")) { try $0.execute(Ledger.schema) }
        var (error, next) = try await self.fill(database, ledger, from: 0)
        let failure = try #require(error as? DatabaseError)
        #expect(failure.code.primary == .sqliteFull && failure.outcome == .notCommitted)
        #expect(failure.description.contains("free some space"))
        // It stays so for others, one by one and in groups.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in next..<(next + 20) {
                group.addTask {
                    do {
                        _ = try await database.write(Lease("more")) { try Ledger.write(id, $0) }
                        ledger.note(id, .committed)
                    } catch {
                        ledger.note(id, error)
                    }
                }
            }
            try await group.waitForAll()
        }
        next += 20
        let count = try await database.read(Lease("count")) {
            try $0.row("SELECT count(*) FROM ledger") { Int($0.integer(0)) }
        }
        #expect(count == ledger.count(.committed))
        try disk.giveSpaceBack()
        let connections = database.writerStatistics.current.connections
        (error, next) = try await self.fill(database, ledger, from: next)
        #expect(ledger.count(.committed) > (count ?? 0) + 500, "it went on: \(String(describing: error))")
        #expect((error as? DatabaseError)?.code.primary == .sqliteFull)
        #expect(database.writerStatistics.current.connections == connections)
        await database.close()
        let verdict = try await onThread { try ledger.verdict(configuration) }
        #expect(verdict.isGood, "\(verdict)")
        print("\(ledger.count(.committed)) rows on a \(disk.isReal ? "real" : "simulated") disk of 16 MB")
    }

    @Test("a log that does not fit into the file any more is no reason not to open, and its rows are read")
    func opening() async throws {
        let disk = try SmallDisk()
        let configuration = disk.plan.configuration
        let ledger = Ledger()
        // What a killed process leaves: four megabytes of rows, all of them in the log.
        try await onThread {
            let connection = try SQLiteConnection(configuration, role: .writer)
            defer { connection.close() }
            _ = try connection.execute(Ledger.schema)
            try connection.control("BEGIN IMMEDIATE")
            for id in Int64(0)..<1_000 { try Ledger.write(id, connection) }
            try connection.control("COMMIT")
            for id in Int64(0)..<1_000 { ledger.note(id, .committed) }
        }
        // Room for the log's index, not for the rows.
        try disk.leave(256 << 10)
        let database = try await SQLiteDatabase.open(configuration)
        let count = try await database.read(Lease("count")) {
            try $0.row("SELECT count(*) FROM ledger") { $0.integer(0) }
        }
        #expect(count == 1_000)
        #expect(database.recovery == nil)
        #expect(database.writerStatistics.current.checkpointFailures > 0)
        try disk.giveSpaceBack()
        _ = try await database.write(Lease("more")) { try Ledger.write(1_000, $0) }
        ledger.note(1_000, .committed)
        await database.close()
        let verdict = try await onThread { try ledger.verdict(configuration) }
        #expect(verdict.isGood, "\(verdict)")
    }
}
