//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
public import SQLCore

/// Work that nobody waits for, done so that those who wait for other work do not notice.
extension SQLiteDatabase {
    /// What a slice did, and when it began to hold the writer.
    private struct Slice {
        let began: MonotonicInstant
        /// Keys looked at, or pages given back.
        var steps = 0
        /// Rows deleted, or pages given back.
        var done = 0
        var isLast = false
        /// How long the writer is to be left to others.
        var pause = Duration.zero
    }

    /// Keys that a reader looks up at once.
    private static let keysMax = 2_000

    // MARK: - Deleting

    /// Deletes the rows that meet a condition, slice by slice.
    ///
    /// A reader finds the rows, some thousand at a time, and the writer deletes them by their keys: so the writer is
    /// held for milliseconds whatever it costs to find them. Without an index for the condition, each search reads the
    /// table from its beginning. Rows that come to meet the condition meanwhile are deleted too.
    ///
    /// - Parameters:
    ///   - label: A constant name of the work.
    ///   - table: The table.
    ///   - key: Its primary key's columns, for a table without rowid.
    ///   - condition: What stands after WHERE.
    ///   - pace: How the writer is shared.
    ///   - onProgress: Told the rows deleted so far, after each slice.
    /// - Returns: How many rows of the table were deleted; those that its triggers and foreign keys deleted elsewhere
    ///   are not counted.
    /// - Throws: ``DatabaseError`` and `LeaseError`; `CancellationError` between two slices. What was reported stays
    ///   deleted.
    public func deleteInSlices(
        _ label: StaticString, from table: String, key: [String] = ["rowid"], where condition: SQL,
        pace: SlicePace = SlicePace(), fileID: StaticString = #fileID, line: UInt = #line,
        onProgress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Int {
        precondition(!key.isEmpty, "a row is deleted by its key")
        let lease = Self.lease(label, fileID: fileID, line: line)
        let columns: SQL = key.map { "\(identifier: $0)" as SQL }.joined(separator: ", ")
        let find: SQL = "SELECT \(columns) FROM \(identifier: table) WHERE (\(condition)) LIMIT \(Self.keysMax)"
        let match: SQL = key.map { "\(identifier: $0) = \(SQLValue.null)" as SQL }.joined(separator: " AND ")
        let delete: SQL = "DELETE FROM \(identifier: table) WHERE \(match) AND (\(condition))"
        var total = 0
        var stuck: [[SQLValue]] = []
        while true {
            let keys = try await self.readers.withConnection(lease) { connection in
                try connection.rows(find) { row in try key.indices.map { try row.value($0) as SQLValue } }
            }
            // Rows that a trigger keeps would be found for ever.
            if keys.isEmpty || keys == stuck { return total }
            let before = total
            var rest = keys[...]
            while !rest.isEmpty {
                let some = rest
                let slice = try await self.slice(lease, pace) { connection, slice in
                    let values = some[some.startIndex + slice.steps] + condition.values
                    slice.done += try connection.run(delete.text, values)
                    slice.isLast = slice.steps + 1 == some.count
                }
                rest = rest.dropFirst(slice.steps)
                total += slice.done
                onProgress(total)
                try await Task.sleep(for: slice.pause)
            }
            stuck = total == before ? keys : []
        }
    }

    // MARK: - Giving pages back

    /// Gives free pages back to the system, slice by slice, from the end of the file.
    ///
    /// The file itself gets smaller with the next checkpoint.
    ///
    /// - Parameters:
    ///   - keeping: Free pages to keep for what is written next.
    ///   - onProgress: Told the pages given back so far, after each slice.
    /// - Returns: Pages given back.
    /// - Throws: As ``deleteInSlices(_:from:key:where:pace:fileID:line:onProgress:)``.
    public func vacuumInSlices(
        keeping: Int = 0, pace: SlicePace = SlicePace(), fileID: StaticString = #fileID, line: UInt = #line,
        onProgress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Int {
        let lease = Self.lease("vacuum", fileID: fileID, line: line)
        var total = 0
        while true {
            let slice = try await self.slice(lease, pace) { connection, slice in
                let excess = try connection.figure("freelist_count") - keeping
                let began = slice.began
                slice.done = try connection.giveBackPages(max(excess, 0)) { !pace.isOver(since: began, now: .now) }
                slice.isLast = true
            }
            if slice.done == 0 { return total }
            total += slice.done
            onProgress(total)
            try await Task.sleep(for: slice.pause)
        }
    }

    // MARK: - Statistics

    /// Brings the query planner's statistics up to date, table by table, and lets the readers see them.
    ///
    /// Each index is sampled, so that the writer is held for milliseconds whatever the size of the table. Readers are
    /// replaced when they are free, since a connection keeps the statistics it began with.
    ///
    /// `PRAGMA optimize` would look only at tables that its own connection has searched by an index; here the readers
    /// search, and the writer knows nothing of it.
    ///
    /// - Parameter rowsMax: Rows looked at per index. Default: 400. Source: sqlite.org/lang_analyze.html.
    /// - Returns: Tables that were looked at: those with an index over all their rows. Without one SQLite would count
    ///   every row of the table.
    public func optimize(
        rowsMax: Int = 400, pace: SlicePace = SlicePace(), fileID: StaticString = #fileID, line: UInt = #line
    ) async throws -> Int {
        precondition(rowsMax > 0, "zero would mean all rows")
        let lease = Self.lease("optimize", fileID: fileID, line: line)
        let tables = try await self.readers.withConnection(lease) { try $0.indexedTables() }
        for table in tables {
            let slice = try await self.slice(lease, pace) { connection, slice in
                try connection.analyze(table, rowsMax: rowsMax)
                slice.isLast = true
            }
            try await Task.sleep(for: slice.pause)
        }
        self.readers.recycle()
        return tables.count
    }

    /// The file's figures, as of now.
    public func figures(fileID: StaticString = #fileID, line: UInt = #line) async throws -> SQLiteFigures {
        let logPath = self.configuration.path + "-wal"
        return try await self.readers.withConnection(Lease("figures", fileID: fileID, line: line)) { connection in
            SQLiteFigures(
                pageSize: try connection.figure("page_size"), pages: try connection.figure("page_count"),
                freePages: try connection.figure("freelist_count"), logBytes: FileFacts(logPath)?.bytes ?? 0)
        }
    }

    // MARK: - Slices

    /// Runs steps on the writer until the slice is over or there are no more. The caller reports what was done, which
    /// is committed, and then makes the pause.
    private func slice(
        _ lease: Lease, _ pace: SlicePace, _ step: @escaping @Sendable (SQLiteConnection, inout Slice) throws -> Void
    ) async throws -> Slice {
        try Task.checkCancellation()
        var slice = try await self.writer.withConnection(lease) { connection in
            var slice = Slice(began: .now)
            repeat {
                try step(connection, &slice)
                slice.steps += 1
            } while !slice.isLast && !pace.isOver(since: slice.began, now: .now)
            return slice
        }
        slice.pause = pace.pause(after: .now - slice.began)
        return slice
    }

    /// Others go first for some seconds, and a single slice is short.
    private static func lease(_ label: StaticString, fileID: StaticString, line: UInt) -> Lease {
        Lease(
            label, lane: .maintenance, acquireTimeout: .seconds(60), timeout: .seconds(120), fileID: fileID, line: line)
    }
}

/// What a database file takes up.
public struct SQLiteFigures: Sendable, Equatable {
    public var pageSize: Int
    /// Pages of the file, free ones included.
    public var pages: Int
    /// Pages that hold nothing; they are used before the file grows.
    public var freePages: Int
    /// Bytes of the write-ahead log's file. It keeps its size when it is used again from its beginning.
    public var logBytes: Int

    package init(pageSize: Int, pages: Int, freePages: Int, logBytes: Int) {
        self.pageSize = pageSize
        self.pages = pages
        self.freePages = freePages
        self.logBytes = logBytes
    }

    /// Bytes of the file once the log is folded into it.
    public var bytes: Int { self.pages * self.pageSize }
}

extension SQLiteConnection {
    /// A number that a pragma tells.
    fileprivate func figure(_ pragma: String) throws -> Int {
        Int(try self.asDriver { try self.scalar("PRAGMA \(pragma)") } ?? "") ?? 0
    }

    /// Runs a statement whose text stays the same, and returns the rows it changed.
    fileprivate func run(_ text: String, _ values: [SQLValue]) throws -> Int {
        try self.withStatement(text) { statement in
            _ = try statement.bind(values)
            return try statement.run()
        }
    }

    /// Moves pages from the end of the file into free ones and gives the end back.
    ///
    /// - Parameters:
    ///   - countMax: Most pages.
    ///   - goesOn: Asked after each page.
    /// - Returns: How many pages the file lost; not all of them held something.
    fileprivate func giveBackPages(_ countMax: Int, while goesOn: () -> Bool) throws -> Int {
        try self.asDriver {
            let before = try self.figure("page_count")
            // Every step of this statement gives back one page. Source: sqlite.org/pragma.html#pragma_incremental_vacuum.
            try self.withStatement("PRAGMA incremental_vacuum") { statement in
                var count = 0
                while count < countMax, try statement.step() {
                    count += 1
                    if !goesOn() { return }
                }
            }
            return before - (try self.figure("page_count"))
        }
    }

    /// The tables with an index over all their rows.
    fileprivate func indexedTables() throws -> [String] {
        try self.asDriver {
            try self.withStatement(
                """
                SELECT name FROM sqlite_schema AS s WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND EXISTS (
                    SELECT 1 FROM pragma_index_list(s.name) AS i WHERE NOT i.partial)
                """
            ) { statement in
                var names: [String] = []
                while try statement.step() { names.append(statement.text(0)) }
                return names
            }
        }
    }

    fileprivate func analyze(_ table: String, rowsMax: Int) throws {
        try self.asDriver {
            try self.control("PRAGMA analysis_limit=\(rowsMax)")
            try self.control("ANALYZE \"\(table.replacing("\"", with: "\"\""))\"")
        }
    }
}
