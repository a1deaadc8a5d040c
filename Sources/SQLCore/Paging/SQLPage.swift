//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A part of a large result: some rows in the order of their key, and where to go on.
public struct SQLPage<Row: Sendable>: Sendable {
    /// The rows, one at least.
    public let rows: [Row]
    /// The key of the last row: the next page begins after it, in this walk or in one of another day.
    public let key: [SQLValue]
    /// Whether no row came after it when the page was read.
    public let isLast: Bool
}

extension SQLPage: Equatable where Row: Equatable {}

/// What is to be walked in pages, and in which order.
///
/// Each page is one query that begins after the last key, found by an index, so the thousandth page costs what the
/// first does; with `OFFSET` it would read all pages before it.
public struct SQLPaging: Sendable {
    /// Most rows of a page: what one page holds in memory, and how long one query runs, have a bound.
    public static let sizeMax = 10_000

    let query: SQL
    let key: [String]
    let size: Int
    let isDescending: Bool

    /// - Parameters:
    ///   - query: A query without ORDER BY and LIMIT. An index over the key's columns makes it quick.
    ///   - key: Columns of the result, NOT NULL and unique together, such as `["started", "id"]`.
    ///   - size: Rows per page, 1 to ``sizeMax``. Default: 1,000.
    ///   - isDescending: Whether the greatest key comes first; it holds for all columns of the key.
    public init(_ query: SQL, key: [String], size: Int = 1_000, isDescending: Bool = false) {
        precondition(!key.isEmpty, "a walk in pages needs a key")
        precondition((1...Self.sizeMax).contains(size), "a page has 1 to \(Self.sizeMax) rows")
        self.query = query
        self.key = key
        self.size = size
        self.isDescending = isDescending
    }

    /// The query for one page, and for one row more: whether that row is there says whether the page is the last.
    package func statement(after last: [SQLValue]?) -> SQL {
        let columns = self.key.map { "\(identifier: $0)" as SQL }
        var sql: SQL = "SELECT * FROM (\(self.query)) AS page"
        if let last {
            precondition(last.count == self.key.count, "a key of \(self.key.count) columns has as many values")
            let after: SQL = self.isDescending ? "<" : ">"
            sql += " WHERE (\(columns.joined(separator: ", "))) \(after) \(list: last)"
        }
        let order = columns.map { self.isDescending ? $0 + " DESC" : $0 }.joined(separator: ", ")
        return sql + " ORDER BY \(order) LIMIT \(self.size + 1)"
    }
}

extension SQLReading {
    /// One page, in the snapshot of this closure; for a walk in many, see ``Database/pages(_:_:after:_:)``.
    ///
    /// - Parameters:
    ///   - paging: What to walk.
    ///   - last: The ``SQLPage/key`` of the page before; nil for the first page.
    ///   - transform: Makes a value of a row.
    /// - Returns: Nil when no row comes after `last`.
    /// - Throws: ``ColumnError`` for a key that is null, not unique or not in the result; ``DatabaseError``; what
    ///   `transform` throws.
    public func page<Row: Sendable>(
        _ paging: SQLPaging, after last: [SQLValue]? = nil, _ transform: (any SQLRow) throws -> Row
    ) throws -> SQLPage<Row>? {
        var rows: [Row] = []
        var key = last ?? []
        var isLast = true
        var positions: [Int] = []
        try self.forEachRow(paging.statement(after: last)) { row in
            if positions.isEmpty { positions = try paging.key.map { try row.columns.position(of: $0) } }
            let next = try positions.map { try row.value($0, as: SQLValue.self) }
            if let null = next.firstIndex(of: .null) { throw ColumnError(column: paging.key[null], reason: .nullKey) }
            if next == key {
                throw ColumnError(column: paging.key.joined(separator: ", "), reason: .repeatedKey)
            }
            guard rows.count < paging.size else {
                isLast = false
                return false
            }
            rows.append(try transform(row))
            key = next
            return true
        }
        return rows.isEmpty ? nil : SQLPage(rows: rows, key: key, isLast: isLast)
    }
}
