//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule

extension Database {
    /// Walks a large result in pages, each with a lease of its own.
    ///
    /// No connection is held between two pages, so a walk of hours is in nobody's way. Each page is a snapshot of its
    /// own instant: a row that changes its key between two pages may be met twice or not at all, one that comes or
    /// goes is met or not depending on where the walk is, and every other row is met exactly once. Leave the loop to
    /// stop; to go on later, keep the last ``SQLPage/key`` and pass it as `last`.
    ///
    /// - Parameters:
    ///   - lease: Lane, limits and label of each page.
    ///   - paging: What to walk, by which key.
    ///   - last: The key to begin after; nil begins at the start.
    ///   - transform: Makes a value of a row.
    /// - Returns: The pages; nothing is read before the first is asked for. Its errors are those of
    ///   ``Database/read(_:_:)`` and ``SQLReading/page(_:after:_:)``; after one the walk is over.
    ///
    /// Cancellation: a cancelled task gets `CancellationError` from the page it waits for.
    public func pages<Row: Sendable>(
        _ lease: Lease, _ paging: SQLPaging, after last: [SQLValue]? = nil,
        _ transform: @escaping @Sendable (any SQLRow) throws -> Row
    ) -> SQLPages<Row> {
        SQLPages(after: last) { key in
            try await self.read(lease) { try $0.page(paging, after: key, transform) }
        }
    }

    /// Walks a large result in pages of `Decodable` values; ``SQLRow/decode(_:)`` has the rules.
    public func pages<Row: Decodable & Sendable>(
        _ lease: Lease, _ paging: SQLPaging, after last: [SQLValue]? = nil, as type: Row.Type
    ) -> SQLPages<Row> {
        self.pages(lease, paging, after: last) { try $0.decode(type) }
    }
}

/// A walk over a large result, page by page.
public struct SQLPages<Row: Sendable>: AsyncSequence, Sendable {
    public typealias Element = SQLPage<Row>
    public typealias Failure = any Error

    fileprivate let first: [SQLValue]?
    fileprivate let read: @Sendable (_ after: [SQLValue]?) async throws -> SQLPage<Row>?

    fileprivate init(
        after first: [SQLValue]?, read: @escaping @Sendable (_ after: [SQLValue]?) async throws -> SQLPage<Row>?
    ) {
        self.first = first
        self.read = read
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pages: self, key: self.first) }

    /// Where a walk is.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let pages: SQLPages
        fileprivate var key: [SQLValue]?
        fileprivate var isOver = false

        fileprivate init(pages: SQLPages, key: [SQLValue]?) {
            self.pages = pages
            self.key = key
        }

        /// Reads the next page under a lease of its own.
        public mutating func next(isolation: isolated (any Actor)? = #isolation) async throws -> SQLPage<Row>? {
            guard !self.isOver else { return nil }
            self.isOver = true
            guard let page = try await self.pages.read(self.key) else { return nil }
            self.key = page.key
            self.isOver = page.isLast
            return page
        }
    }
}
