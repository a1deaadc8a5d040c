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

@Suite("Damaged and forbidden files", .serialized, .timeLimit(.minutes(2)))
struct DamageTests {
    // MARK: - A damaged page

    /// Flips the head of the first leaf page of the ledger, all connections closed.
    private func damage(_ path: String) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        // A leaf of a table begins with 13; the first page belongs to the schema. Source: sqlite.org/fileformat2.html.
        let leaves = stride(from: 4_096, to: bytes.count, by: 4_096).filter { bytes[$0] == 13 }
        let leaf = try #require(leaves.dropFirst(leaves.count / 2).first)
        for offset in leaf..<(leaf + 8) { bytes[offset] ^= 0xff }
        try bytes.write(to: URL(filePath: path))
    }

    private func query(_ database: SQLiteDatabase, _ sql: SQL) async -> DatabaseError? {
        do {
            _ = try await database.read(Lease("query")) { try $0.rows(sql) { $0.integer(0) } }
            return nil
        } catch {
            return error as? DatabaseError
        }
    }

    /// Writes to another table, twenty at once; the seventh reads the ledger too.
    private func writeOthers(_ database: SQLiteDatabase) async -> [Int64: DatabaseError?] {
        await withTaskGroup(of: (Int64, DatabaseError?)?.self) { group in
            for id in Int64(0)..<20 {
                group.addTask {
                    do {
                        _ = try await database.write(Lease("write")) {
                            if id == 7 { try $0.execute("UPDATE ledger SET text = text || 'x'") }
                            try $0.execute("INSERT INTO other (id) VALUES (\(id))")
                        }
                        return nil
                    } catch {
                        return (id, error as? DatabaseError)
                    }
                }
            }
            return await group.reduce(into: [:]) { if let failed = $1 { $0[failed.0] = failed.1 } }
        }
    }

    @Test(
        "a damaged page is an error with a remedy for who reads it, others read and write on", arguments: [true, false])
    func page(isDamaged: Bool) async throws {
        let directory = try TemporaryDirectory()
        let configuration = TestDatabase.configuration(directory)
        var database = try await SQLiteDatabase.open(configuration)
        _ = try await database.write(Lease("create")) {
            try $0.execute(Ledger.schema)
            for id in Int64(0)..<300 { try Ledger.write(id, $0) }
            try $0.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)")
        }
        await database.close()
        if isDamaged { try self.damage(configuration.path) }
        database = try await SQLiteDatabase.open(configuration)
        let error = await self.query(database, "SELECT length(text) FROM ledger")
        #expect((error?.code.primary == .sqliteCorrupt) == isDamaged)
        #expect((error?.message.contains("restore the last backup") ?? false) == isDamaged)
        // A write that meets the page takes none of its group with it.
        let failed = await self.writeOthers(database)
        #expect(failed.keys.sorted() == (isDamaged ? [7] : []), "\(failed)")
        if isDamaged, let error = try #require(failed[7]) {
            #expect(error.code.primary == .sqliteCorrupt && error.outcome == .notCommitted)
        }
        #expect(await self.query(database, "SELECT id FROM other") == nil)
        await database.close()
    }

    // MARK: - A log cut short

    /// A database whose rows are all in the log, one transaction each.
    ///
    /// - Returns: Where in the log each row's transaction ends.
    private func makeLog(_ configuration: SQLiteConfiguration, rows: Int64) throws -> [Int] {
        let connection = try SQLiteConnection(configuration, role: .writer)
        defer { connection.close() }
        _ = try connection.execute(Ledger.schema)
        return try (0..<rows).map { id in
            try connection.control("BEGIN IMMEDIATE")
            try Ledger.write(id, connection)
            try connection.control("COMMIT")
            return Int(weir_sqlite3_log_bytes(connection.db))
        }
    }

    /// Rows that a database shows, in a copy of it whose log ends early.
    private func rows(_ configuration: SQLiteConfiguration, log: Data, cutAt length: Int) throws -> [Int64] {
        let directory = try TemporaryDirectory(inMemory: true)
        let copy = TestDatabase.configuration(directory)
        try Data(contentsOf: URL(filePath: configuration.path)).write(to: URL(filePath: copy.path))
        try log.prefix(length).write(to: URL(filePath: copy.path + "-wal"))
        let connection = try SQLiteConnection(copy, role: .writer)
        defer { connection.close() }
        #expect(try connection.scalar("PRAGMA integrity_check") == "ok")
        guard try connection.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'ledger'") == "1" else {
            return []
        }
        return try connection.rows("SELECT id, text FROM ledger ORDER BY id") {
            #expect($0.text(1) == Ledger.text($0.integer(0)))
            return $0.integer(0)
        }
    }

    @Test("of a log that is cut short anywhere, the transactions before the cut are there, and no other")
    func truncatedLog() async throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        print("seed \(seed)")
        try await onThread {
            let directory = try TemporaryDirectory()
            let configuration = TestDatabase.configuration(directory)
            let ends = try self.makeLog(configuration, rows: 40)
            let log = try Data(contentsOf: URL(filePath: configuration.path + "-wal"))
            #expect(log.count == ends.last)
            var generator = SeededGenerator(seed: seed)
            let anywhere = (0..<120).map { _ in Int.random(in: 0...log.count, using: &generator) }
            var mistaken = 0
            for cut in ends + ends.map({ $0 - 1 }) + anywhere {
                let expected = Int64(ends.count { $0 <= cut })
                let found = try self.rows(configuration, log: log, cutAt: cut)
                #expect(found == Array(0..<expected), "seed \(seed), cut at \(cut)")
                // The control: were a transaction counted that ends one byte behind the cut, it would be noticed.
                if found != Array(0..<Int64(ends.count { $0 <= cut + 1 })) { mistaken += 1 }
            }
            #expect(mistaken >= 40)
        }
    }

    // MARK: - A directory that may not be written

    /// Runs `body` as a user who owns nothing, on this thread.
    private func asNobody(_ body: () throws -> Void) throws {
        try #require(weir_become_nobody() == 0, "the test can neither be nor become a user without rights")
        defer { weir_become_somebody() }
        try body()
    }

    private func errorText(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return error is DatabaseError ? "\(error)" : "untyped: \(error)"
        }
    }

    @Test("a directory that may not be written is told with the remedy, with and without a database in it")
    func readOnlyDirectory() async throws {
        try await onThread {
            let directory = try TemporaryDirectory()
            let configuration = TestDatabase.configuration(directory)
            let existing = directory.file("existing.db")
            var other = configuration
            other.path = existing
            try SQLiteConnection(other, role: .writer).close()
            try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: directory.path)
            try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: existing)
            defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path) }
            try self.asNobody {
                let texts = [
                    self.errorText { _ = try ProcessLock(path: configuration.path + ".lock", holder: "test") },
                    self.errorText { try SQLiteConnection(configuration, role: .writer).close() },
                    self.errorText { try SQLiteConnection(other, role: .writer).close() },
                ]
                for text in texts {
                    #expect(text.contains("this user may write"), "\(text)")
                }
            }
            // The control: the owner may do all of it, once the directory is writable.
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
            #expect(self.errorText { try SQLiteConnection(configuration, role: .writer).close() } == "no error")
        }
    }
}
