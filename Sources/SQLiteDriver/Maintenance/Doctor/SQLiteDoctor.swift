//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import SQLCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Looks at a database file and at what it stands on: the file system, the disk, and who else has it open.
///
/// It changes nothing, beside a running server or without one; to time the disk it writes a file of its own beside the
/// database, which has no name by then.
public struct SQLiteDoctor: Sendable {
    private let configuration: SQLiteConfiguration
    private let schemaVersion: Int64?

    /// - Parameters:
    ///   - configuration: The database; the same that it is opened with.
    ///   - schemaVersion: The newest `user_version` the application knows; nil when it does not use it.
    public init(_ configuration: SQLiteConfiguration, schemaVersion: Int64? = nil) {
        self.configuration = configuration
        self.schemaVersion = schemaVersion
    }

    /// Runs all checks.
    ///
    /// - Parameter timeout: How long they may take together. Default: 30 s.
    /// - Returns: One finding per check at least, in a fixed order.
    /// - Throws: ``DatabaseError`` when there is no such file; `CancellationError`.
    public func examine(timeout: Duration = .seconds(30)) async throws -> [SQLiteFinding] {
        try await ToolThread.run("doctor", timeout: timeout) { thread in
            guard let file = FileFacts(self.configuration.path), !file.isDirectory else {
                throw DatabaseError(
                    code: .sqliteCannotOpen, operation: "open \(self.configuration.path)",
                    message: "there is no such file; name the database with --database sqlite:PATH")
            }
            return self.facts(file, thread).findings
        }
    }

    private func facts(_ file: FileFacts, _ thread: ToolThread) -> DoctorFacts {
        let path = self.configuration.path
        let directory = FileFacts.directory(of: path)
        var facts = DoctorFacts(path: path, applicationID: self.configuration.applicationID)
        facts.schemaVersionMax = self.schemaVersion
        facts.fileSystem = FileSystem.of(directory)
        facts.freeBytes = FileFacts.freeBytes(in: directory)
        facts.directoryMode = FileFacts(directory)?.permissions
        facts.modes = ["", "-wal", "-shm", ".lock"].compactMap { suffix in
            FileFacts(path + suffix).map { (path + suffix, $0.permissions) }
        }
        facts.fileBytes = file.bytes
        facts.logBytes = FileFacts(path + "-wal")?.bytes ?? 0
        facts.lockHolder = ProcessLock.holder(of: path + ".lock")
        facts.holders = FileHolders.find([path, path + "-wal", path + "-shm"])
        facts.ownName = SystemFile.text("/proc/self/comm").map { String($0.prefix { $0 != "\n" }) }
        facts.libraries = DoctorFacts.libraries(SystemFile.text("/proc/self/maps") ?? "")
        if let process = facts.lockProcess, let maps = SystemFile.text("/proc/\(process)/maps") {
            facts.serverLibraries = DoctorFacts.libraries(maps)
        }
        facts.versionNumber = Int(sqlite3_libversion_number())
        facts.version = String(cString: sqlite3_libversion())
        facts.syncs = Result { try SyncTimer.measure(in: directory, thread) }
        facts.header = Result { try self.header(thread) }
        facts.pragmas = Result { try self.pragmas() }
        return facts
    }

    /// What the file says of itself.
    private func header(_ thread: ToolThread) throws -> DoctorFacts.Header {
        let connection = try ToolConnection(
            self.configuration.path, .live, signal: thread.signal, vfs: self.configuration.vfs)
        defer { connection.close() }
        return DoctorFacts.Header(
            applicationID: try connection.integer("PRAGMA application_id"),
            userVersion: Int64(try connection.integer("PRAGMA user_version")),
            journalMode: try connection.scalar("PRAGMA journal_mode") ?? "unknown",
            autoVacuum: try connection.integer("PRAGMA auto_vacuum"),
            pageSize: try connection.integer("PRAGMA page_size"), pages: try connection.integer("PRAGMA page_count"),
            freePages: try connection.integer("PRAGMA freelist_count"))
    }

    /// The settings of a connection as the product opens it, which fails when SQLite does not take one.
    private func pragmas() throws -> [(name: String, value: String)] {
        let connection = try SQLiteConnection(self.configuration, role: .reader)
        defer { connection.close() }
        let names = [
            "synchronous", "wal_autocheckpoint", "foreign_keys", "temp_store", "mmap_size", "secure_delete",
            "query_only", "cache_size",
        ]
        return try names.map { ($0, try connection.scalar("PRAGMA \($0)") ?? "none") }
    }
}
