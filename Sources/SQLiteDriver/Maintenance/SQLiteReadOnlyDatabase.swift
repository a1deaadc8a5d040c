//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
public import SQLCore

/// A database file that a tool reads, beside a running server or without one, and never writes.
///
/// Each read has a connection and a thread of its own, and one snapshot. It never checkpoints. While nobody has the file
/// open and its log is gone, it is read as one that nobody writes, and nothing is made beside it.
public struct SQLiteReadOnlyDatabase: Database {
    private let configuration: SQLiteConfiguration

    /// - Parameter configuration: The database; the same that it is opened with.
    public init(_ configuration: SQLiteConfiguration) { self.configuration = configuration }

    /// Runs `body` on a connection opened for it.
    ///
    /// - Throws: ``DatabaseError`` also when the file is missing, is not this application's, or was opened by a server
    ///   while it was read as one that nobody writes; `CancellationError`; what `body` throws.
    public func read<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLReading) throws -> Value
    ) async throws -> Value {
        try await ToolThread.run(lease.label, timeout: lease.timeout) { thread in
            let access = try self.access()
            let connection = try ToolConnection(
                self.configuration.path, access, signal: thread.signal, vfs: self.configuration.vfs)
            defer { connection.close() }
            let id = try connection.integer("PRAGMA application_id")
            guard id == Int(self.configuration.applicationID) else {
                throw self.refusal(.sqliteNotADatabase, "it is a database of another application; name another")
            }
            try connection.run("BEGIN")
            let value = try body(connection)
            try connection.run("COMMIT")
            guard access == .live || !self.isLive else {
                throw self.refusal(.sqliteBusy, "a server opened it meanwhile; try again, beside it")
            }
            return value
        }
    }

    /// Writes nothing.
    ///
    /// - Throws: ``DatabaseError``, always.
    public func write<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLWriting) throws -> Value
    ) async throws -> Committed<Value> {
        throw self.refusal(.sqliteReadOnly, "it is only read here")
    }

    public func write<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLWriting) throws -> Value,
        answer: @escaping @Sendable (Result<Committed<Value>, any Error>) -> Void
    ) {
        answer(.failure(self.refusal(.sqliteReadOnly, "it is only read here")))
    }

    /// Whether somebody has it open for writing, or left something in the log. An empty log says nothing.
    private var isLive: Bool {
        FileFacts(self.configuration.path + "-wal")?.bytes ?? 0 > 0
            || ProcessLock.holder(of: self.configuration.path + ".lock") != nil
    }

    private func access() throws -> ToolConnection.Access {
        guard let facts = FileFacts(self.configuration.path), !facts.isDirectory else {
            throw self.refusal(
                .sqliteCannotOpen, "there is no such file; name the database with --database sqlite:PATH")
        }
        return self.isLive ? .live : .still
    }

    private func refusal(_ code: DatabaseError.Code, _ message: String) -> DatabaseError {
        DatabaseError(code: code, operation: "read \(self.configuration.path)", message: message)
    }
}

extension ToolConnection: SQLReading {
    var dialect: Dialect { .sqlite }

    func forEachRow(_ sql: SQL, _ body: (any SQLRow) throws -> Bool) throws {
        let statement = try self.statement(sql.text)
        try statement.bind(sql.values)
        while try statement.step() {
            guard try body(statement) else { return }
        }
    }
}
