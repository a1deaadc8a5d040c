//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
public import SQLCore

extension DatabaseError.Code {
    static let ok = Self(rawValue: SQLITE_OK)
    /// Another connection holds the lock.
    public static let sqliteBusy = Self(rawValue: SQLITE_BUSY)
    /// The statement was stopped: its deadline passed or its caller left.
    public static let sqliteInterrupt = Self(rawValue: SQLITE_INTERRUPT)
    /// The operating system reported an I/O error.
    public static let sqliteIOError = Self(rawValue: SQLITE_IOERR)
    /// The operating system could not write what it had taken before; its next word on that file may be untrue.
    public static let sqliteSyncFailed = Self(rawValue: SQLITE_IOERR | 4 << 8)
    /// The same of a directory.
    public static let sqliteDirectorySyncFailed = Self(rawValue: SQLITE_IOERR | 5 << 8)
    /// The file is damaged.
    public static let sqliteCorrupt = Self(rawValue: SQLITE_CORRUPT)
    /// The disk is full.
    public static let sqliteFull = Self(rawValue: SQLITE_FULL)
    /// The file cannot be opened.
    public static let sqliteCannotOpen = Self(rawValue: SQLITE_CANTOPEN)
    /// The file may not be written.
    public static let sqliteReadOnly = Self(rawValue: SQLITE_READONLY)
    /// A constraint forbids it.
    public static let sqliteConstraint = Self(rawValue: SQLITE_CONSTRAINT)
    /// The driver's authorizer forbids it.
    public static let sqliteAuth = Self(rawValue: SQLITE_AUTH)
    /// The file is not a SQLite database.
    public static let sqliteNotADatabase = Self(rawValue: SQLITE_NOTADB)
    /// The driver was used against its rules.
    public static let sqliteMisuse = Self(rawValue: SQLITE_MISUSE)
    /// Memory ran out.
    public static let sqliteNoMemory = Self(rawValue: SQLITE_NOMEM)

    /// Whether a connection that reported it is better replaced.
    var endsConnection: Bool {
        switch self {
        case .sqliteIOError, .sqliteCorrupt, .sqliteCannotOpen, .sqliteNotADatabase, .sqliteNoMemory: true
        default: false
        }
    }

    /// Whether an open transaction that met it is to be rolled back as a whole. SQLite may have done so by itself; if it
    /// has not, it may refuse everything that follows, work of others and COMMIT included: a SELECT that met a damaged
    /// page is enough (measured with 3.40.1).
    var spoilsTransaction: Bool { self.endsConnection || self.primary == .sqliteFull }
}

extension DatabaseError {
    /// The error of a C call that failed on a connection.
    static func call(_ operation: String, _ db: OpaquePointer?, sql: String? = nil) -> DatabaseError {
        guard let db else {
            return DatabaseError(code: .init(rawValue: SQLITE_NOMEM), operation: operation, message: "out of memory")
        }
        let code = Code(rawValue: sqlite3_extended_errcode(db))
        var message = String(cString: sqlite3_errmsg(db))
        if let remedy = Self.remedy(code) { message += "; \(remedy)" }
        return DatabaseError(code: code, operation: operation, message: message, sql: sql)
    }

    /// SQLite rolled the transaction back by itself.
    static let transactionLost = DatabaseError(
        code: .sqliteIOError, operation: "write", message: "SQLite rolled the transaction back",
        outcome: .notCommitted)

    /// A query was stopped because SQLite used more memory than the configuration lets queries use.
    static let queryTooLarge = DatabaseError(
        code: .sqliteNoMemory, operation: "query",
        message: "stopped, because the queries that ran gathered more in memory than they may together; "
            + "narrow the query, or raise the memory budget")

    private static func remedy(_ code: Code) -> String? {
        switch code {
        case .sqliteNotADatabase: "the file is not a SQLite database: name another path, or move the file away"
        case .sqliteCannotOpen: "see that the directory exists and that this user may write to it"
        case .sqliteReadOnly: "see that this user may write to the file and its directory"
        case .sqliteFull: "free some space on the disk"
        case .sqliteCorrupt: "restore the last backup, or see sqlite.org/recovery.html"
        case .sqliteBusy: "another process holds the database's lock"
        case .sqliteInterrupt: "the query was stopped at its deadline"
        default: nil
        }
    }
}
