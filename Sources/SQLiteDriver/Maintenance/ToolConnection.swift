//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import SQLCore

/// A connection of a tool, for one thread: it never checkpoints, and writes nothing but a copy of its own making.
final class ToolConnection {
    enum Access {
        /// Reads a file that others may be writing.
        case live
        /// Reads a file that nobody writes: takes no locks and leaves no files beside it.
        case still
        /// Fills a new file that nobody else knows of; what a crash leaves of it is worthless anyway, so it has no journal.
        case copy
    }

    let db: OpaquePointer
    private let signal: LeaseSignal

    /// Opens a file and settles the connection.
    ///
    /// - Parameters:
    ///   - signal: Stops queries.
    ///   - vfs: The name of SQLite's layer to the operating system; nil for the usual one.
    /// - Throws: ``DatabaseError``.
    init(_ path: String, _ access: Access, signal: LeaseSignal, vfs: String? = nil) throws {
        var db: OpaquePointer?
        let flags =
            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI
            | (access == .copy ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY)
        guard sqlite3_open_v2(Self.uri(path, access), &db, flags, vfs) == SQLITE_OK, let db else {
            defer { sqlite3_close_v2(db) }
            throw DatabaseError.call("open \(path)", db)
        }
        self.db = db
        self.signal = signal
        do {
            try self.settle(access)
        } catch {
            self.close()
            throw error
        }
        sqlite3_progress_handler(
            db, 1_000,
            { context in
                guard let context else { return 0 }
                return Unmanaged<LeaseSignal>.fromOpaque(context).takeUnretainedValue().isStopped ? 1 : 0
            }, Unmanaged.passUnretained(signal).toOpaque())
    }

    func close() { sqlite3_close_v2(self.db) }

    /// Every value is read back: SQLite ignores what it does not know.
    private func settle(_ access: Access) throws {
        sqlite3_busy_timeout(self.db, 5_000)
        // The last connection to close would checkpoint, and only the writer may.
        try self.setFlag(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, "no checkpoint on close", true)
        try self.pragma("wal_autocheckpoint", "0")
        try self.pragma("mmap_size", "0")
        try self.pragma("temp_store", "1")
        // A page is read once or twice: a larger cache would only hold memory.
        try self.pragma("cache_size", "-4096")
        if access == .copy {
            try self.pragma("journal_mode", "off")
            try self.pragma("synchronous", "2")
        } else {
            try self.pragma("query_only", "1")
            // The file may be damaged, or from anywhere.
            try self.setFlag(SQLITE_DBCONFIG_DEFENSIVE, "defensive", true)
            try self.setFlag(SQLITE_DBCONFIG_TRUSTED_SCHEMA, "trusted schema", false)
            try self.pragma("cell_size_check", "1")
        }
    }

    private func pragma(_ name: String, _ value: String) throws {
        try self.run("PRAGMA \(name)=\(value)")
        guard try self.scalar("PRAGMA \(name)") ?? value == value else { throw Self.mismatch(name) }
    }

    private func setFlag(_ option: Int32, _ name: String, _ value: Bool) throws {
        var result: Int32 = -1
        let code = weir_sqlite3_set_flag(self.db, option, value ? 1 : 0, &result)
        guard code == SQLITE_OK, (result != 0) == value else { throw Self.mismatch(name) }
    }

    private static func mismatch(_ name: String) -> DatabaseError {
        DatabaseError(
            code: .sqliteMisuse, operation: "configure",
            message: "SQLite \(String(cString: sqlite3_libversion())) does not take the value of \(name)")
    }

    /// Runs a statement to its end.
    func run(_ text: String) throws {
        let statement = try self.statement(text)
        while try statement.step() {}
    }

    /// The first column of the first row, as text.
    func scalar(_ text: String) throws -> String? {
        let statement = try self.statement(text)
        return try statement.step() ? statement.optionalText(0) : nil
    }

    /// The first column of the first row, as a number; zero when there is none.
    func integer(_ text: String) throws -> Int { Int(try self.scalar(text) ?? "") ?? 0 }

    /// The first column of all rows.
    func column(_ text: String) throws -> [String] {
        let statement = try self.statement(text)
        var result: [String] = []
        while try statement.step() { result.append(statement.text(0)) }
        return result
    }

    func statement(_ text: String) throws -> SQLiteStatement {
        try SQLiteStatement(db: self.db, text: text, isPersistent: false)
    }

    /// The name SQLite is given; everything that means something in a URI is escaped.
    private static func uri(_ path: String, _ access: Access) -> String {
        var result = path.hasPrefix("/") ? "file://" : "file:"
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16)
                result += digits.count < 2 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return access == .still ? result + "?immutable=1" : result
    }
}
