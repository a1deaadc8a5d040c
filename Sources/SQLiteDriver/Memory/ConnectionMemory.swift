//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
public import ConnectionPoolModule
import Synchronization

/// What one connection uses, as it was when the connection last became idle.
public struct ConnectionMemory: Sendable, Equatable {
    /// The connection's pool: `reader` or `writer`.
    public let pool: String
    /// The connection's number in its pool.
    public let connection: ConnectionID
    /// Its page cache.
    public let cacheBytes: Int
    /// Its prepared statements, as of at most a second earlier.
    public let statementBytes: Int
    /// What it knows of the schema, as of at most a second earlier.
    public let schemaBytes: Int
}

/// One connection's account: written by its thread, read by anyone.
final class MemoryAccount: @unchecked Sendable {
    // `readAt` and `idling` belong to the connection's thread; the figures are atomic.
    private let pool: String
    let connection: ConnectionID
    private let cacheBytes = Atomic<Int>(0)
    private let statementBytes = Atomic<Int>(0)
    private let schemaBytes = Atomic<Int>(0)
    private var readAt: MonotonicInstant?
    var idling = IdlingPolicy()

    /// Statements and schema are counted piece by piece, which takes some microseconds: not more often than this.
    private static let lagMax: Duration = .seconds(1)

    init(pool: String, connection: ConnectionID) {
        self.pool = pool
        self.connection = connection
    }

    /// A moment's figures.
    var current: ConnectionMemory {
        ConnectionMemory(
            pool: self.pool, connection: self.connection, cacheBytes: self.cacheBytes.load(ordering: .relaxed),
            statementBytes: self.statementBytes.load(ordering: .relaxed),
            schemaBytes: self.schemaBytes.load(ordering: .relaxed))
    }

    /// Reads the figures. On the connection's thread.
    func read(_ connection: SQLiteConnection, now: MonotonicInstant = .now) {
        self.cacheBytes.store(connection.cacheBytes, ordering: .relaxed)
        if let readAt = self.readAt, now - readAt < Self.lagMax { return }
        self.readAt = now
        self.statementBytes.store(connection.statementBytes, ordering: .relaxed)
        self.schemaBytes.store(connection.schemaBytes, ordering: .relaxed)
    }
}

extension SQLiteConnection {
    /// Gives the pages of the cache that nothing uses back to the allocator.
    func releaseMemory() { sqlite3_db_release_memory(self.db) }

    /// Bytes of the page cache.
    var cacheBytes: Int {
        let low = self.usedBytes(SQLITE_DBSTATUS_CACHE_USED)
        // SQLite counts them in 32 bits. Only a writer's cache grows beyond; then it is nearly all that SQLite uses.
        guard self.role == .writer else { return low }
        return low + ((max(0, Int(sqlite3_memory_used()) - low) >> 32) << 32)
    }

    /// Bytes of prepared statements.
    fileprivate var statementBytes: Int { self.usedBytes(SQLITE_DBSTATUS_STMT_USED) }

    /// Bytes of what is known of the schema.
    fileprivate var schemaBytes: Int { self.usedBytes(SQLITE_DBSTATUS_SCHEMA_USED) }

    private func usedBytes(_ kind: Int32) -> Int {
        var current: Int32 = 0
        var highest: Int32 = 0
        // It fails for an unknown kind only, and leaves zero then.
        sqlite3_db_status(self.db, kind, &current, &highest, 0)
        return Int(UInt32(bitPattern: current))
    }
}
