//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import FoundationEssentials
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

@Suite("Opening a database", .timeLimit(.minutes(1)))
struct OpeningTests {
    private static let wanted: [(pragma: String, writer: String, reader: String)] = [
        ("synchronous", "2", "2"), ("journal_mode", "wal", "wal"), ("wal_autocheckpoint", "0", "0"),
        ("foreign_keys", "1", "1"), ("temp_store", "1", "1"), ("mmap_size", "0", "0"), ("secure_delete", "2", "2"),
        ("query_only", "0", "1"), ("auto_vacuum", "2", "2"), ("cache_size", "-16384", "-5461"),
        ("application_id", "1952805748", "1952805748"),
    ]

    private func connections(
        _ change: (inout SQLiteConfiguration) -> Void = { _ in },
        _ body: (SQLiteConnection, SQLiteConnection) throws -> Void
    ) throws {
        let directory = try TemporaryDirectory()
        var configuration = TestDatabase.configuration(directory)
        change(&configuration)
        let writer = try SQLiteConnection(configuration, role: .writer)
        try writer.control("CREATE TABLE t (id INTEGER)")
        let reader = try SQLiteConnection(configuration, role: .reader)
        try body(writer, reader)
        reader.close()
        writer.close()
    }

    @Test("every connection has every pragma, and none checkpoints by itself or when it closes")
    func pragmas() throws {
        try self.connections { writer, reader throws in
            for wanted in Self.wanted {
                #expect(try writer.scalar("PRAGMA \(wanted.pragma)") == wanted.writer, "\(wanted.pragma), writer")
                #expect(try reader.scalar("PRAGMA \(wanted.pragma)") == wanted.reader, "\(wanted.pragma), reader")
            }
            for connection in [writer, reader] {
                var isOn: Int32 = -1
                #expect(weir_sqlite3_set_flag(connection.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1, &isOn) == SQLITE_OK)
                #expect(isOn == 1)
            }
        }
    }

    @Test("full synchronisation is the default; normal only where it is asked for")
    func durability() throws {
        try self.connections({ $0.durability = .normal }) { writer, _ throws in
            #expect(try writer.scalar("PRAGMA synchronous") == "1")
        }
        #expect(SQLiteConfiguration(path: "x", applicationID: 1).durability == .full)
    }

    @Test("a value SQLite does not take is an error that names the pragma")
    func mismatch() throws {
        // A cache of less than the smallest is raised, which is a value of our own; a foreign journal mode is not.
        let directory = try TemporaryDirectory()
        let configuration = TestDatabase.configuration(directory)
        let writer = try SQLiteConnection(configuration, role: .writer)
        try writer.control("PRAGMA journal_mode=DELETE")
        defer { writer.close() }
        #expect {
            try SQLiteConnection(configuration, role: .reader).close()
        } throws: { ($0 as? DatabaseError)?.message.contains("journal_mode") ?? false }
    }

    @Test("a file that is no database is refused with the remedy, and stays as it is")
    func notADatabase() async throws {
        let directory = try TemporaryDirectory()
        let configuration = TestDatabase.configuration(directory)
        let content = Data("this is a letter, not a database, and long enough to be looked at\n".utf8)
        try content.write(to: URL(filePath: configuration.path))
        await #expect {
            _ = try await SQLiteDatabase.open(configuration)
        } throws: { error in
            let error = error as? DatabaseError
            return error?.code.primary == .sqliteNotADatabase && error?.message.contains("another path") ?? false
        }
        #expect(try Data(contentsOf: URL(filePath: configuration.path)) == content)
    }

    @Test("a database of another application is refused, and stays as it is")
    func foreign() async throws {
        let directory = try TemporaryDirectory()
        var configuration = TestDatabase.configuration(directory)
        configuration.applicationID = 99
        let database = try await SQLiteDatabase.open(configuration)
        await database.close()
        configuration.applicationID = TestDatabase.applicationID
        await #expect {
            _ = try await SQLiteDatabase.open(configuration)
        } throws: { ($0 as? DatabaseError)?.message.contains("another application") ?? false }
    }

    @Test("a second opening is refused and names the process that has the file")
    func secondProcess() async throws {
        try await TestDatabase.with { test async throws in
            await #expect {
                _ = try await SQLiteDatabase.open(TestDatabase.configuration(test.directory))
            } throws: {
                ($0 as? DatabaseError)?.message.contains(
                    "in use by process \(ProcessInfo.processInfo.processIdentifier)") ?? false
            }
        }
    }

    @Test("a directory that is not there is named with the remedy")
    func missingDirectory() async throws {
        let configuration = SQLiteConfiguration(path: "/nonexistent/place/x.db", applicationID: 1)
        await #expect {
            _ = try await SQLiteDatabase.open(configuration)
        } throws: { error in
            let text = (error as? DatabaseError)?.description ?? ""
            return text.contains("/nonexistent/place/x.db") && text.contains("directory exists")
        }
    }

    @Test("closing empties the log; what was written is there when it is opened again")
    func reopen() async throws {
        let directory = try TemporaryDirectory()
        let configuration = TestDatabase.configuration(directory)
        for round in Int64(1)...3 {
            let database = try await SQLiteDatabase.open(configuration)
            let count = try await database.write(Lease("write")) { db in
                try db.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY)")
                try db.execute("INSERT INTO t (id) VALUES (\(round))")
                return try db.row("SELECT count(*) FROM t") { $0.integer(0) }
            }.value
            #expect(count == round)
            await database.close()
            let log = FileManager.default.contents(atPath: configuration.path + "-wal")
            #expect(log?.isEmpty ?? true)
        }
    }

    @Test("only the writer checkpoints: the log is emptied under load, and by its thread")
    func checkpoints() async throws {
        try await TestDatabase.with({ $0.walGoalBytes = 64 << 10 }) { test async throws in
            for round in Int64(0)..<200 {
                _ = try await test.database.write(Lease("fill")) {
                    for id in Int64(0)..<20 {
                        try $0.execute(
                            "INSERT INTO t (id, value, text) VALUES (\(round * 20 + id), \(round * 20 + id), \(String(repeating: "x", count: 500)))"
                        )
                    }
                }
                _ = try await test.count()
            }
            let figures = test.database.writerStatistics.current
            #expect(figures.checkpoints > 3)
            #expect(figures.checkpointers.count == 1)
            let size = FileManager.default.contents(atPath: test.path + "-wal")?.count ?? 0
            #expect(size < 8 << 20)
        }
    }
}
