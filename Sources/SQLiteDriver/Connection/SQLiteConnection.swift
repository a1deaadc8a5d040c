//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
public import SQLCore

/// One SQLite connection. It belongs to one thread from opening to closing.
@usableFromInline
final class SQLiteConnection {
    enum Role {
        case writer
        case reader
    }

    let db: OpaquePointer
    let role: Role
    /// Statements of callers and of the driver itself, apart: the authorizer is asked when a statement is prepared,
    /// so a caller must never be handed one that was prepared without it.
    private let statements: StatementCache
    private let controlStatements: StatementCache
    /// When the open read transaction began; nil when there is none.
    private(set) var sharedSince: MonotonicInstant?
    /// Who the running work is for; the progress handler asks it. Nil between leases.
    private var signal: LeaseSignal?
    /// Whether a statement that writes runs: its deadline must not undo its siblings.
    private var isWriting = false
    /// Whether a closure of a caller runs: then transaction control is refused.
    fileprivate var isInsideLease = false
    /// Frames in the write-ahead log after the last commit of this connection.
    private(set) var walFrames = 0
    /// Bytes of text and blobs bound so far.
    private(set) var boundBytes = 0
    /// A failure that spoils the transaction under way, whatever its statement's caller made of it.
    var failure: DatabaseError?

    /// What the leases did that has to do with memory.
    var work: LeaseWork
    /// Its place in the account of memory; nil before its driver has given it one.
    var account: MemoryAccount?

    /// Virtual machine instructions between two looks at the deadline: about 10 to 50 µs of work.
    private static let progressInterval: Int32 = 1_000

    /// Opens the file and settles every pragma, reading each back.
    ///
    /// - Throws: ``DatabaseError``; one whose message names the pragma when SQLite did not take a value.
    init(_ configuration: SQLiteConfiguration, role: Role) throws {
        var db: OpaquePointer?
        let flags =
            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
            | (role == .writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE)
        guard sqlite3_open_v2(configuration.path, &db, flags, configuration.vfs) == SQLITE_OK, let db else {
            defer { sqlite3_close_v2(db) }
            throw DatabaseError.call("open \(configuration.path)", db)
        }
        self.db = db
        self.role = role
        self.work = LeaseWork(heapBytesMax: role == .reader ? configuration.queryHeapBytesMax : nil)
        self.statements = StatementCache(countMax: configuration.statementsMax)
        self.controlStatements = StatementCache(countMax: 32)
        do {
            try self.configure(configuration)
        } catch {
            self.close()
            throw error
        }
        self.install()
    }

    /// Finalises every statement and closes the handle. Nothing may be used afterwards.
    func close() {
        self.statements.removeAll()
        self.controlStatements.removeAll()
        sqlite3_close_v2(self.db)
    }

    private func install() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_progress_handler(
            self.db, Self.progressInterval,
            { context in
                guard let context else { return 0 }
                return Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().shouldStop ? 1 : 0
            }, context)
        sqlite3_set_authorizer(
            self.db,
            { context, action, first, _, _, _ in
                guard let context else { return SQLITE_DENY }
                let connection = Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue()
                return connection.authorize(action, first.map { String(cString: $0) })
            }, context)
        guard self.role == .writer else { return }
        sqlite3_wal_hook(
            self.db,
            { context, _, _, frames in
                guard let context else { return SQLITE_OK }
                Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().walFrames = Int(frames)
                return SQLITE_OK
            }, context)
    }

    /// Whether the running statement is to be interrupted. Writes are not: an interrupt inside a write undoes the
    /// whole transaction, released savepoints of other members included.
    private var shouldStop: Bool {
        guard let signal = self.signal, !self.isWriting else { return false }
        return self.work.look(isStopped: signal.isStopped, heapBytes: Int(sqlite3_memory_used()))
    }

    private func authorize(_ action: Int32, _ first: String?) -> Int32 {
        guard self.isInsideLease else { return SQLITE_OK }
        switch action {
        case SQLITE_TRANSACTION, SQLITE_SAVEPOINT, SQLITE_ATTACH, SQLITE_DETACH: return SQLITE_DENY
        // A migration records its version in the header, inside its own transaction; every other pragma is the driver's.
        case SQLITE_PRAGMA: return first == "user_version" ? SQLITE_OK : SQLITE_DENY
        default: return SQLITE_OK
        }
    }

    // MARK: - Leases

    /// Runs a caller's closure: its deadline is watched and transaction control refused meanwhile.
    func withLease<Result>(_ signal: LeaseSignal, _ body: () throws -> Result) rethrows -> Result {
        self.signal = signal
        self.isInsideLease = true
        self.work.begin()
        defer {
            self.signal = nil
            self.isInsideLease = false
        }
        return try body()
    }

    /// Lifts the guard inside a lease for statements of the driver's own, such as those of maintenance.
    func asDriver<Result>(_ body: () throws -> Result) rethrows -> Result {
        let wasInsideLease = self.isInsideLease
        self.isInsideLease = false
        defer { self.isInsideLease = wasInsideLease }
        return try body()
    }

    /// Begins a transaction that reads.
    func beginRead(at now: MonotonicInstant) throws {
        try self.control("BEGIN")
        self.sharedSince = now
    }

    /// Ends the transaction that reads. After an interrupt or an I/O error SQLite may have ended it by itself.
    func endRead() throws {
        self.sharedSince = nil
        if !self.isAutocommit { try self.control("COMMIT") }
    }

    /// Ends the transaction that reads, when the connection has nothing else to do. One that cannot be ended is found
    /// by the next lease, whose BEGIN fails then.
    func endShared() {
        guard self.sharedSince != nil else { return }
        try? self.endRead()
    }

    /// Whether no transaction is open.
    var isAutocommit: Bool { sqlite3_get_autocommit(self.db) != 0 }

    /// Whether a statement was left in the middle of its run; it would pin a snapshot.
    var hasBusyStatement: Bool {
        var statement = sqlite3_next_stmt(self.db, nil)
        while let current = statement {
            if sqlite3_stmt_busy(current) != 0 { return true }
            statement = sqlite3_next_stmt(self.db, current)
        }
        return false
    }

    // MARK: - The driver's own statements

    /// Runs a statement of the driver's own.
    func control(_ text: String) throws {
        try self.withStatement(text) { while try $0.step() {} }
    }

    /// Runs a query of the driver's own and returns the first column of its first row as text.
    func scalar(_ text: String) throws -> String? {
        try self.withStatement(text) { try $0.step() ? $0.optionalText(0) : nil }
    }

    func withStatement<Result>(_ text: String, _ body: (SQLiteStatement) throws -> Result) throws -> Result {
        let isCallers = self.isInsideLease
        // SQLite may have ended the transaction under a caller that then goes on: its next statement would commit alone.
        if isCallers, self.isAutocommit { throw DatabaseError.transactionLost }
        let cache = isCallers ? self.statements : self.controlStatements
        do {
            let statement = try cache.take(text) ?? SQLiteStatement(db: self.db, text: text, isPersistent: true)
            let wasWriting = self.isWriting
            self.isWriting = wasWriting || (self.role == .writer && !statement.isReadOnly)
            defer {
                self.isWriting = wasWriting
                statement.reset()
                cache.put(statement)
            }
            return try body(statement)
        } catch let error as DatabaseError {
            if error.code.spoilsTransaction { self.failure = error }
            throw error
        }
    }
}

extension SQLiteConnection: SQLWriting {
    @usableFromInline
    var dialect: Dialect { .sqlite }

    @usableFromInline
    func forEachRow(_ sql: SQL, _ body: (any SQLRow) throws -> Bool) throws {
        try self.withStatement(sql.text) { statement in
            self.boundBytes += try statement.bind(sql.values)
            while try statement.step() {
                guard try body(statement) else { return }
            }
        }
    }

    @usableFromInline
    func execute(_ sql: SQL) throws -> Int {
        try self.withStatement(sql.text) { statement in
            self.boundBytes += try statement.bind(sql.values)
            return try statement.run()
        }
    }

    @usableFromInline
    func executeBatch(_ sql: SQLTemplate, rows: some Sequence<[SQLValue]>) throws -> Int {
        try self.withStatement(sql.text) { statement in
            var changed = 0
            for row in rows {
                self.boundBytes += try statement.bind(row)
                changed += try statement.run()
                statement.reset()
            }
            return changed
        }
    }
}
