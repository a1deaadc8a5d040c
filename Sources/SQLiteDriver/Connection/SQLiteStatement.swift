//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import SQLCore

/// A prepared statement. Owned by its connection's thread.
final class SQLiteStatement: SQLRow {
    let handle: OpaquePointer
    let text: String
    /// Whether it leaves the database unchanged.
    let isReadOnly: Bool
    private let db: OpaquePointer
    private let parameterCount: Int
    /// For the cache: whether somebody steps through it, whether it is kept, and when it was used last.
    var isInUse = true
    var isCached = false
    var usedAt: UInt64 = 0
    /// The columns' names, and how often the statement had been prepared anew when they were read.
    private var knownColumns: (columns: SQLColumns, preparations: Int32)?

    /// - Throws: ``DatabaseError`` for a text that is no single statement.
    init(db: OpaquePointer, text: String, isPersistent: Bool) throws {
        var handle: OpaquePointer?
        var mutable = text
        let flags = isPersistent ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
        let (code, hasTail) = mutable.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                var tail: UnsafePointer<CChar>?
                let code = sqlite3_prepare_v3(
                    db, characters.baseAddress, Int32(characters.count), flags, &handle, &tail)
                guard let base = characters.baseAddress, let tail else { return (code, false) }
                let rest = characters[(tail - base)...]
                return (code, rest.contains { $0 != 0x20 && $0 != 0x0a && $0 != 0x09 && $0 != 0x3b })
            }
        }
        guard code == SQLITE_OK else { throw DatabaseError.call("prepare", db, sql: text) }
        guard let handle, !hasTail else {
            sqlite3_finalize(handle)
            throw DatabaseError(
                code: .sqliteMisuse, operation: "prepare", message: "a text must hold exactly one statement", sql: text)
        }
        self.db = db
        self.handle = handle
        self.text = text
        self.isReadOnly = sqlite3_stmt_readonly(handle) != 0
        self.parameterCount = Int(sqlite3_bind_parameter_count(handle))
    }

    deinit { sqlite3_finalize(self.handle) }

    /// - Returns: Bytes of text and blobs among the values.
    @discardableResult
    func bind(_ values: [SQLValue]) throws -> Int {
        guard self.parameterCount == values.count else {
            throw DatabaseError(
                code: .sqliteMisuse, operation: "bind",
                message: "\(values.count) values for \(self.parameterCount) placeholders",
                sql: self.text)
        }
        var index: Int32 = 0
        var bytes = 0
        for value in values {
            index += 1
            let code =
                switch value {
                case .null: sqlite3_bind_null(self.handle, index)
                case .integer(let value): sqlite3_bind_int64(self.handle, index, value)
                case .real(let value): sqlite3_bind_double(self.handle, index, value)
                case .text(var value):
                    value.withUTF8 { text in
                        bytes += text.count
                        return text.withMemoryRebound(to: CChar.self) {
                            // An empty Swift string may have no address; SQLite would take that for null.
                            guard let base = $0.baseAddress else {
                                return weir_sqlite3_bind_text(self.handle, index, "", 0)
                            }
                            return weir_sqlite3_bind_text(self.handle, index, base, Int64($0.count))
                        }
                    }
                case .blob(let value):
                    value.isEmpty
                        ? sqlite3_bind_zeroblob(self.handle, index, 0)
                        : value.withUnsafeBytes { blob in
                            bytes += blob.count
                            return weir_sqlite3_bind_blob(self.handle, index, blob.baseAddress, Int64(blob.count))
                        }
                }
            guard code == SQLITE_OK else { throw DatabaseError.call("bind", self.db, sql: self.text) }
        }
        return bytes
    }

    /// Takes a step.
    ///
    /// - Returns: True while there is a row.
    func step() throws -> Bool {
        switch sqlite3_step(self.handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let error = DatabaseError.call("step", self.db, sql: self.text)
            sqlite3_reset(self.handle)
            throw error
        }
    }

    /// Takes all steps.
    ///
    /// - Returns: The rows it changed itself. Exact up to 2³² in one statement; the 64-bit calls need SQLite 3.37.
    func run() throws -> Int {
        let before = sqlite3_total_changes(self.db)
        while try self.step() {}
        // Triggers and foreign keys are in the total only; and `changes` keeps its value through a statement that
        // changes no rows by its nature, such as CREATE TABLE, through which the total does not move.
        guard sqlite3_total_changes(self.db) != before else { return 0 }
        return Int(UInt32(bitPattern: sqlite3_changes(self.db)))
    }

    /// Ends the statement's run, so that it holds no snapshot and no lock.
    func reset() { sqlite3_reset(self.handle) }

    // MARK: - SQLRow

    var columns: SQLColumns {
        // SQLite prepares a statement anew when the schema has changed; `SELECT *` may have other columns then.
        let preparations = sqlite3_stmt_status(self.handle, SQLITE_STMTSTATUS_REPREPARE, 0)
        if let known = self.knownColumns, known.preparations == preparations { return known.columns }
        let columns = SQLColumns(
            (0..<sqlite3_column_count(self.handle)).map { column in
                sqlite3_column_name(self.handle, column).map { String(cString: $0) } ?? ""
            })
        self.knownColumns = (columns, preparations)
        return columns
    }

    func kind(_ column: Int) -> SQLKind? {
        switch sqlite3_column_type(self.handle, Int32(column)) {
        case SQLITE_INTEGER: return .integer
        case SQLITE_TEXT: return .text
        case SQLITE_FLOAT: return .real
        case SQLITE_BLOB: return .blob
        // SQLite answers null for a column that is not there.
        default: return (0..<Int(sqlite3_column_count(self.handle))).contains(column) ? .null : nil
        }
    }

    func withText<Result, Failure: Error>(
        _ column: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The text first: asked for in this order, the bytes are those of the text and not of what it was made from.
        let text = sqlite3_column_text(self.handle, Int32(column))
        let count = text == nil ? 0 : Int(sqlite3_column_bytes(self.handle, Int32(column)))
        return try body(UnsafeBufferPointer(start: text, count: count).span)
    }

    func withBlob<Result, Failure: Error>(
        _ column: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = sqlite3_column_blob(self.handle, Int32(column))?.assumingMemoryBound(to: UInt8.self)
        let count = bytes == nil ? 0 : Int(sqlite3_column_bytes(self.handle, Int32(column)))
        return try body(UnsafeBufferPointer(start: bytes, count: count).span)
    }

    func isNull(_ column: Int) -> Bool { sqlite3_column_type(self.handle, Int32(column)) == SQLITE_NULL }

    func integer(_ column: Int) -> Int64 { sqlite3_column_int64(self.handle, Int32(column)) }

    func real(_ column: Int) -> Double { sqlite3_column_double(self.handle, Int32(column)) }

    func text(_ column: Int) -> String {
        guard let text = sqlite3_column_text(self.handle, Int32(column)) else { return "" }
        let count = Int(sqlite3_column_bytes(self.handle, Int32(column)))
        return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    func blob(_ column: Int) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(self.handle, Int32(column)) else { return [] }
        let count = Int(sqlite3_column_bytes(self.handle, Int32(column)))
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
