//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import SQLCore

extension SQLiteConnection {
    /// Settles the connection: every value is written, read back and compared, since SQLite ignores what it does not
    /// know and a pragma belongs to its connection alone.
    func configure(_ configuration: SQLiteConfiguration) throws {
        sqlite3_busy_timeout(self.db, Int32(clamping: configuration.busyTimeout.inMilliseconds))
        // The last connection to close would checkpoint: only the writer may, and does so by name.
        try self.setFlag(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, "no checkpoint on close", true)
        try self.setFlag(SQLITE_DBCONFIG_DEFENSIVE, "defensive", true)
        try self.setFlag(SQLITE_DBCONFIG_TRUSTED_SCHEMA, "trusted schema", false)
        if self.role == .writer { try self.prepareFile(configuration) }
        let budget = configuration.memoryBudget
        let share = self.role == .writer ? budget.writerCacheBytes : budget.readerCacheBytes
        let cacheBytes = configuration.cacheBytes ?? share
        // It also sets how much of a sort is held in memory.
        try self.pragma("cache_size", String(-(cacheBytes >> 10)))
        // A sort larger than the cache goes to disk: in memory it would stay with the process (file, not memory).
        try self.pragma("temp_store", "1")
        try self.pragma("mmap_size", "0")
        try self.pragma("foreign_keys", "1")
        try self.pragma("wal_autocheckpoint", "0")
        try self.pragma("synchronous", configuration.durability == .full ? "2" : "1")
        // FAST: deleted content is overwritten where that costs no extra write. The distribution's default, ON, would.
        try self.pragma("secure_delete", "2", set: "FAST")
        guard self.role == .reader else { return }
        try self.pragma("query_only", "1")
        guard try self.scalar("PRAGMA journal_mode") == "wal" else {
            throw Self.mismatch("journal_mode", wanted: "wal", got: try self.scalar("PRAGMA journal_mode"))
        }
    }

    /// Creates a new file with what cannot be set later, or refuses a file that is not this application's.
    private func prepareFile(_ configuration: SQLiteConfiguration) throws {
        let id = try self.scalar("PRAGMA application_id")
        let isNew = try self.scalar("SELECT count(*) FROM sqlite_schema") == "0"
        if id != String(configuration.applicationID) {
            guard id == "0", isNew else {
                throw DatabaseError(
                    code: .sqliteNotADatabase, operation: "open \(configuration.path)",
                    message: "the file is a SQLite database of another application (application id \(id ?? "none")); "
                        + "name another path, or move the file away")
            }
            try self.control("PRAGMA auto_vacuum=INCREMENTAL")
            try self.control("PRAGMA application_id=\(configuration.applicationID)")
        }
        try self.pragma("journal_mode", "wal", set: "WAL")
        guard try self.scalar("PRAGMA auto_vacuum") == "2" else {
            throw Self.mismatch("auto_vacuum", wanted: "2", got: try self.scalar("PRAGMA auto_vacuum"))
        }
    }

    private func pragma(_ name: String, _ value: String, set: String? = nil) throws {
        try self.control("PRAGMA \(name)=\(set ?? value)")
        let got = try self.scalar("PRAGMA \(name)")
        guard got == value else { throw Self.mismatch(name, wanted: value, got: got) }
    }

    private func setFlag(_ option: Int32, _ name: String, _ value: Bool) throws {
        var result: Int32 = -1
        let code = weir_sqlite3_set_flag(self.db, option, value ? 1 : 0, &result)
        guard code == SQLITE_OK, (result != 0) == value else {
            throw Self.mismatch(name, wanted: "\(value)", got: "\(result)")
        }
    }

    private static func mismatch(_ name: String, wanted: String, got: String?) -> DatabaseError {
        DatabaseError(
            code: .sqliteMisuse, operation: "configure",
            message: "SQLite \(String(cString: sqlite3_libversion())) keeps \(name) at \(got ?? "nothing"), "
                + "\(wanted) is needed; use the system's own SQLite, 3.35 or later, on a local file system")
    }
}
