//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Dispatch
import Foundation
import SQLCore
import SQLiteDriver
import TestSupport
import Testing

/// A database that a tool only reads.
@Suite("Read-only database", .timeLimit(.minutes(1)))
struct ReadOnlyTests {
    private static let count: SQL = "SELECT count(*) FROM notes"

    private func database(_ directory: TemporaryDirectory) async throws -> SQLiteDatabase {
        let database = try await SQLiteDatabase.open(self.configuration(directory))
        try await database.write(Lease("make")) { db in
            try db.execute("CREATE TABLE notes (text TEXT)")
            try db.execute("INSERT INTO notes VALUES ('a')")
        }
        return database
    }

    private func configuration(_ directory: TemporaryDirectory) -> SQLiteConfiguration {
        SQLiteConfiguration(path: directory.file("notes.db"), applicationID: 7)
    }

    private func notes(_ database: SQLiteReadOnlyDatabase) async throws -> Int64? {
        try await database.read(Lease("count")) { try $0.row(Self.count) { $0.integer(0) } }
    }

    @Test("it sees what is committed, beside the writer and after it has left")
    func sees() async throws {
        let directory = try TemporaryDirectory()
        let database = try await self.database(directory)
        let reading = SQLiteReadOnlyDatabase(self.configuration(directory))
        #expect(try await self.notes(reading) == 1)
        try await database.write(Lease("add")) { try $0.execute("INSERT INTO notes VALUES ('b')") }
        #expect(try await self.notes(reading) == 2)
        await database.close()
        #expect(try await self.notes(reading) == 2)
    }

    @Test("a read is one snapshot, while others write")
    func snapshot() async throws {
        let directory = try TemporaryDirectory()
        let database = try await self.database(directory)
        let reading = SQLiteReadOnlyDatabase(self.configuration(directory))
        let (first, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let counts = reading.read(Lease("twice", timeout: .seconds(30))) { db in
            let before = try db.row(Self.count) { $0.integer(0) }
            first.signal()
            goOn.wait()
            return [before, try db.row(Self.count) { $0.integer(0) }]
        }
        try await onThread { first.wait() }
        try await database.write(Lease("add")) { try $0.execute("INSERT INTO notes VALUES ('b')") }
        goOn.signal()
        #expect(try await counts == [1, 1])
        await database.close()
    }

    @Test("it writes nothing, by its own methods or by a statement")
    func writes() async throws {
        let directory = try TemporaryDirectory()
        let database = try await self.database(directory)
        for isOpen in [true, false] {
            if !isOpen { await database.close() }
            let reading = SQLiteReadOnlyDatabase(self.configuration(directory))
            await #expect(throws: DatabaseError.self) {
                try await reading.write(Lease("add")) { try $0.execute("INSERT INTO notes VALUES ('b')") }
            }
            await #expect(throws: DatabaseError.self) {
                try await reading.read(Lease("add")) { db in
                    try db.forEachRow("INSERT INTO notes VALUES ('b')") { _ in true }
                }
            }
            #expect(try await self.notes(reading) == 1)
        }
    }

    @Test("a file that is missing, or another application's, is refused and not made")
    func refuses() async throws {
        let directory = try TemporaryDirectory()
        let missing = SQLiteReadOnlyDatabase(self.configuration(directory))
        await #expect(throws: DatabaseError.self) { try await self.notes(missing) }
        #expect(!FileManager.default.fileExists(atPath: directory.file("notes.db")))
        await (try self.database(directory)).close()
        let foreign = SQLiteReadOnlyDatabase(SQLiteConfiguration(path: directory.file("notes.db"), applicationID: 8))
        await #expect(throws: DatabaseError.self) { try await self.notes(foreign) }
    }

    @Test("a read ends at its deadline")
    func deadline() async throws {
        let directory = try TemporaryDirectory()
        let database = try await self.database(directory)
        let reading = SQLiteReadOnlyDatabase(self.configuration(directory))
        await #expect(throws: DatabaseError.self) {
            try await reading.read(Lease("endless", timeout: .milliseconds(200))) { db in
                try db.forEachRow(
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
                ) { _ in true }
            }
        }
        await database.close()
    }
}
