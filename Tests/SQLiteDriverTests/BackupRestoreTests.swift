//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import Foundation
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// Backups put back.
@Suite("Restore", .serialized, .timeLimit(.minutes(5)))
struct BackupRestoreTests {
    /// A closed database `test.db` with rows 0 ..< 200, of which a backup `copy.db` has 0 ..< 100.
    private func closed(_ body: (SQLiteConfiguration, String) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let configuration = TestDatabase.configuration(directory)
        let copy = directory.file("copy.db")
        let database = try await SQLiteDatabase.open(configuration)
        for half in Int64(0)..<2 {
            _ = try await database.write(.patient("fill")) { db in
                try db.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, value INTEGER, text TEXT)")
                let text = String(repeating: "x", count: 900)
                for value in half * 100..<half * 100 + 100 {
                    try db.execute("INSERT INTO t (value, text) VALUES (\(value), \(text))")
                }
            }
            if half == 0 { _ = try await database.backup(to: copy) }
        }
        await database.close()
        try await body(configuration, copy)
    }

    private func values(_ configuration: SQLiteConfiguration) async throws -> [Int64] {
        let database = try await SQLiteDatabase.open(configuration)
        let values = try await database.read(.patient("values")) {
            try $0.rows("SELECT value FROM t ORDER BY value") { $0.integer(0) }
        }
        #expect(try await SQLiteCheck(configuration, depth: .full).run().isEmpty)
        await database.close()
        return values
    }

    private func names(_ configuration: SQLiteConfiguration) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: FileFacts.directory(of: configuration.path)).sorted()
    }

    private func expectRefusal(
        _ words: [String], sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async {
        await #expect(sourceLocation: sourceLocation) {
            try await body()
        } throws: { error in
            let text = (error as? DatabaseError)?.description ?? "\(error)"
            return words.allSatisfy { text.contains($0) }
        }
    }

    @Test("a restored database is the backup, and what it replaced is kept whole or, if so told, not at all")
    func restores() async throws {
        try await self.closed { configuration, copy async throws in
            let summary = try await SQLiteBackup(configuration).restore(from: copy)
            #expect(try await self.values(configuration) == Array(0..<100))
            let previous = try #require(summary.previous)
            #expect(previous.hasPrefix(configuration.path + ".before-restore-2"))
            #expect(try BackupTests.values(previous) == Array(0..<200))
            #expect(FileFacts(configuration.path)?.permissions == 0o600)
            // Onto nothing, as on a new machine; and without keeping.
            let before = try self.names(configuration)
            _ = try await SQLiteBackup(configuration).restore(from: copy, keepsPrevious: false)
            #expect(try self.names(configuration) == before.filter { $0 != "test.db-wal" && $0 != "test.db-shm" })
            try FileManager.default.removeItem(atPath: configuration.path)
            #expect(try await SQLiteBackup(configuration).restore(from: copy).previous == nil)
            #expect(try await self.values(configuration) == Array(0..<100))
            #expect(FileFacts(copy + "-wal") == nil && FileFacts(copy + "-shm") == nil)
        }
    }

    @Test("the old log never meets the new file: it is kept with its own database; by hand the two make a wrong one")
    func oldLog() async throws {
        try await self.closed { configuration, copy async throws in
            // A server that was killed: its last commits are in the log only.
            func crash() throws {
                let connection = try SQLiteConnection(configuration, role: .writer)
                try connection.control("UPDATE t SET text = 'changed'")
                try connection.control("INSERT INTO t (value) VALUES (1000)")
                connection.close()
                #expect(FileFacts(configuration.path + "-wal")?.bytes ?? 0 > 10_000)
            }
            func changed(_ path: String) throws -> Int {
                let signal = LeaseSignal(deadline: .now.advanced(by: .seconds(60)))
                let connection = try ToolConnection(path, .live, signal: signal)
                defer { connection.close() }
                return try connection.integer("SELECT count(*) FROM t WHERE text = 'changed'")
            }
            try crash()
            let summary = try await SQLiteBackup(configuration).restore(from: copy)
            #expect(try await self.values(configuration) == Array(0..<100))
            #expect(try changed(configuration.path) == 0)
            let previous = try #require(summary.previous)
            #expect(try BackupTests.values(previous) == Array(0..<200) + [1_000])
            // Control: the file alone put in place, the log left where it is.
            for (from, to) in [(copy, configuration.path), (previous + "-wal", configuration.path + "-wal")] {
                try FileManager.default.removeItem(atPath: to)
                try FileManager.default.copyItem(atPath: from, toPath: to)
            }
            #expect(try changed(configuration.path) > 0)
        }
    }

    @Test("a database in use is refused, and its user named: a server by its lock, any other program by its open file")
    func live() async throws {
        try await self.closed { configuration, copy async throws in
            let database = try await SQLiteDatabase.open(configuration)
            await self.expectRefusal(["in use by process \(getpid())", "stop that process"]) {
                _ = try await SQLiteBackup(configuration).restore(from: copy)
            }
            await database.close()
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", "exec 3<'\(configuration.path)'; echo ready; exec sleep 60"]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            defer { kill(process.processIdentifier, SIGKILL) }
            _ = try await onThread { pipe.fileHandleForReading.availableData }
            #expect(try await eventually { SystemFile.text("/proc/\(process.processIdentifier)/comm") == "sleep\n" })
            await self.expectRefusal(["sleep (process \(process.processIdentifier))"]) {
                _ = try await SQLiteBackup(configuration).restore(from: copy)
            }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(try await self.values(configuration) == Array(0..<200))
        }
    }

    @Test("a backup that is damaged, another application's, missing or the database itself changes nothing")
    func refusals() async throws {
        try await self.closed { configuration, copy async throws in
            let before = try self.names(configuration)
            let content = try Data(contentsOf: URL(filePath: configuration.path))
            let backup = SQLiteBackup(configuration)
            await self.expectRefusal(["no such file"]) { _ = try await backup.restore(from: copy + ".none") }
            await self.expectRefusal(["the database itself"]) {
                _ = try await backup.restore(from: configuration.path)
            }
            var foreign = configuration
            foreign.applicationID = 99
            await self.expectRefusal(["another application"]) {
                _ = try await SQLiteBackup(foreign).restore(from: copy)
            }
            let sound = try Data(contentsOf: URL(filePath: copy))
            for (name, damaged) in [
                ("short", sound.prefix(sound.count / 2)), ("letter", Data(repeating: UInt8(ascii: "a"), count: 5_000)),
                ("hole", sound.prefix(3 * 4_096) + Data(repeating: 0xaa, count: 4_096) + sound.dropFirst(4 * 4_096)),
            ] {
                try damaged.write(to: URL(filePath: copy))
                await #expect(throws: DatabaseError.self, "\(name)") { _ = try await backup.restore(from: copy) }
            }
            #expect(try self.names(configuration) == before)
            #expect(try Data(contentsOf: URL(filePath: configuration.path)) == content)
            #expect(try await self.values(configuration) == Array(0..<200))
        }
    }

    @Test("a restore that was interrupted in its last steps keeps the database from opening, until it is done again")
    func interrupted() async throws {
        try await self.closed { configuration, copy async throws in
            // Killed after the old database was set aside, before the copy was put in place.
            let complete = configuration.path + SQLiteBackup.completeSuffix
            try FileManager.default.copyItem(atPath: copy, toPath: complete)
            try FileManager.default.moveItem(atPath: configuration.path, toPath: configuration.path + ".aside")
            await self.expectRefusal(["interrupted", "restore the backup again"]) {
                _ = try await SQLiteDatabase.open(configuration)
            }
            // Nothing was made in its place.
            #expect(FileFacts(configuration.path) == nil)
            _ = try await SQLiteBackup(configuration).restore(from: copy)
            #expect(FileFacts(complete) == nil)
            #expect(try await self.values(configuration) == Array(0..<100))
        }
    }

    @Test("a backup with a log beside it is read with it")
    func backupWithLog() async throws {
        try await self.closed { configuration, copy async throws in
            var other = configuration
            other.path = copy
            let connection = try SQLiteConnection(other, role: .writer)
            try connection.control("INSERT INTO t (value) VALUES (1000)")
            connection.close()
            _ = try await SQLiteBackup(configuration).restore(from: copy)
            #expect(try await self.values(configuration) == Array(0..<100) + [1_000])
        }
    }

    @Test("device numbers are read as the system writes them, and waiting or foreign locks are told apart")
    func locks() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("x")
        try Data("x".utf8).write(to: URL(filePath: path))
        let identity = try #require(FileFacts(path)?.identity)
        let major = UInt32(identity.device >> 8 & 0xfff)
        let minor = UInt32(identity.device & 0xff | identity.device >> 12 & 0xffffff00)
        #expect(FileHolders.device(major, minor) == identity.device)
        let file = "\(String(major, radix: 16)):\(String(minor, radix: 16)):\(identity.inode)"
        let text = """
            1: POSIX  ADVISORY  READ 4000001 \(file) 1073741826 1073742335
            2: POSIX  ADVISORY  WRITE 4000002 \(file)0 0 EOF
            2: -> POSIX  ADVISORY  WRITE 4000003 \(file) 0 EOF
            3: OFDLCK ADVISORY  WRITE -1 \(file) 0 EOF
            4: FLOCK  ADVISORY
            """
        #expect(FileHolders.lockers(text, of: [identity]) == [4_000_001, 4_000_003])
    }
}
