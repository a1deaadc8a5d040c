//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule

/// A connection inside a read closure: one snapshot, no writes.
public protocol SQLReading {
    /// How this engine writes what the dialects write differently.
    var dialect: Dialect { get }

    /// Runs a query and hands each row to `body`, until it returns false.
    ///
    /// - Throws: ``DatabaseError``, and what `body` throws.
    func forEachRow(_ sql: SQL, _ body: (any SQLRow) throws -> Bool) throws
}

extension SQLReading {
    /// All rows, each through `transform`.
    public func rows<Value>(_ sql: SQL, _ transform: (any SQLRow) throws -> Value) throws -> [Value] {
        var result: [Value] = []
        try self.forEachRow(sql) {
            result.append(try transform($0))
            return true
        }
        return result
    }

    /// The first row through `transform`, or nil.
    public func row<Value>(_ sql: SQL, _ transform: (any SQLRow) throws -> Value) throws -> Value? {
        var result: Value?
        try self.forEachRow(sql) {
            result = try transform($0)
            return false
        }
        return result
    }
}

/// A connection inside a write closure: one transaction.
public protocol SQLWriting: SQLReading {
    /// Runs a statement.
    ///
    /// - Returns: The number of rows it inserted, changed or deleted itself. What its triggers did, and what foreign
    ///   keys deleted or changed because of it, is not counted, in no engine; a row that an upsert updates counts
    ///   once, one that it leaves alone does not; a statement of another kind counts nothing. So the counts of several
    ///   statements add up.
    @discardableResult
    func execute(_ sql: SQL) throws -> Int

    /// Runs one statement for many rows of values.
    ///
    /// - Parameters:
    ///   - sql: A statement with one `?` per value of a row.
    ///   - rows: The values.
    /// - Returns: The number of rows inserted, changed or deleted in all, counted as ``execute(_:)`` counts them.
    @discardableResult
    func executeBatch(_ sql: SQLTemplate, rows: some Sequence<[SQLValue]>) throws -> Int
}

/// A constant statement with `?` placeholders, for ``SQLWriting/executeBatch(_:rows:)``.
public struct SQLTemplate: Sendable, ExpressibleByStringLiteral {
    /// The text.
    public let text: String

    public init(stringLiteral value: StaticString) { self.text = "\(value)" }

    /// The text of a statement of this module's own, with `?` written in it.
    init(_ sql: SQL) { self.text = sql.text }
}

/// A value that only exists because its transaction was committed.
///
/// Only a driver's writer makes one, after COMMIT returned; what feeds subscribers takes nothing else.
public struct Committed<Value: Sendable>: Sendable {
    /// What the write closure returned.
    public let value: Value

    /// For drivers only.
    package init(_ value: Value) { self.value = value }

    /// A part of what was committed.
    public func map<Part: Sendable>(_ transform: (Value) -> Part) -> Committed<Part> {
        Committed<Part>(transform(self.value))
    }
}

/// A database that several readers and one stream of writes share.
public protocol Database: Sendable {
    /// Runs `body` on a reader connection, in one snapshot taken after the lease was asked for.
    ///
    /// - Throws: `LeaseError`, `CancellationError`, ``DatabaseError``, and what `body` throws.
    func read<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLReading) throws -> Value
    ) async throws -> Value

    /// Runs `body` in a transaction and returns after COMMIT.
    ///
    /// The closure has no effects outside: it runs again when a transaction is rolled back under it.
    ///
    /// - Throws: `LeaseError`, `CancellationError`, ``DatabaseError`` with its ``WriteOutcome``, and what `body`
    ///   throws (then nothing of it is committed).
    @discardableResult
    func write<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLWriting) throws -> Value
    ) async throws -> Committed<Value>

    /// Runs `body` in a transaction and hands its result to `answer` after COMMIT, without a task that waits.
    ///
    /// For a stream of writes of which each begins when the one before it has ended: the writer goes from one to the
    /// next without waiting for a task to get a thread. All others use ``write(_:_:)``.
    ///
    /// - Parameter answer: Called once, on the writer's thread or on the caller's. It must not wait, and may write
    ///   again. What it is given is what ``write(_:_:)`` returns or throws.
    ///
    /// Cancellation: none; the lease's limits end it.
    func write<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLWriting) throws -> Value,
        answer: @escaping @Sendable (Result<Committed<Value>, any Error>) -> Void
    )
}

/// How an engine writes what SQLite and PostgreSQL write differently.
public enum Dialect: Sendable, Equatable {
    case sqlite
}
