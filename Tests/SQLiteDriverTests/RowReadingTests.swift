//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

@Suite("Reading rows", .timeLimit(.minutes(1)))
struct RowReadingTests {
    /// Runs `body` on the first row of a query.
    private func first<Value: Sendable>(
        _ sql: SQL, _ body: @escaping @Sendable (any SQLRow) throws -> Value
    ) async throws -> Value {
        let directory = try TemporaryDirectory()
        let connection = try SQLiteConnection(TestDatabase.configuration(directory), role: .writer)
        defer { connection.close() }
        return try #require(try connection.row(sql, body))
    }

    @Test("text and bytes are lent as they lie in SQLite's memory, and the copying forms are copies")
    func noCopies() async throws {
        let text = String(repeating: "grüße ", count: 1_000)
        let blob = [UInt8](repeating: 7, count: 100_000)
        let isSame = try await self.first("SELECT \(text), \(blob)") { row in
            let statement = try #require(row as? SQLiteStatement)
            let lentText = row.withText(0) { $0.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }
            let lentBlob = row.withBlob(1) { $0.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }
            // The same comparison on a copy must fail, or it shows nothing.
            let copy = row.blob(1).withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
            let ownText = UInt(bitPattern: sqlite3_column_text(statement.handle, 0))
            let ownBlob = UInt(bitPattern: sqlite3_column_blob(statement.handle, 1))
            return [lentText == ownText, lentBlob == ownBlob, copy == ownBlob]
        }
        #expect(isSame == [true, true, false])
    }

    @Test("what is lent is what the copying forms give; null and empty are empty")
    func lentValues() async throws {
        let columns: SQL = "SELECT \("grüße"), \([UInt8]([0, 255])), \(String?.none), \(""), \([UInt8]()), 12, 1.5"
        let (texts, blobs) = try await self.first(columns) { row in
            let texts = (0..<7).map { column in
                (row.withText(column) { $0.withUnsafeBufferPointer { Array($0) } }, Array(row.text(column).utf8))
            }
            // Columns 5 and 6 are text by now: SQLite converts in place.
            let blobs = (0..<7).map { column in
                (row.withBlob(column) { $0.withUnsafeBufferPointer { Array($0) } }, row.blob(column))
            }
            return (texts, blobs)
        }
        #expect(texts[0].0 == Array("grüße".utf8) && texts[0].0 == texts[0].1)
        #expect(texts[2].0.isEmpty && texts[3].0.isEmpty && texts[4].0.isEmpty)
        #expect(texts[5].0 == Array("12".utf8) && texts[6].0 == Array("1.5".utf8))
        #expect(blobs.allSatisfy { $0.0 == $0.1 })
        #expect(blobs[1].0 == [0, 255])
    }

    @Test("text that is no UTF-8 is lent as it is, and copied with its faults repaired")
    func invalidText() async throws {
        let (bytes, text) = try await self.first("SELECT CAST(x'61ff62' AS TEXT)") { row in
            (row.withText(0) { $0.withUnsafeBufferPointer { Array($0) } }, row.text(0))
        }
        #expect(bytes == [0x61, 0xff, 0x62] && text == "a\u{fffd}b")
    }

    @Test("an error of the closure that got the bytes keeps its type")
    func typedErrors() async throws {
        struct Bad: Error, Equatable { var byte: UInt8 }
        let error = try await self.first("SELECT x'2a'") { row -> Bad? in
            do throws(Bad) {
                try row.withBlob(0) { (bytes) throws(Bad) in throw Bad(byte: bytes[0]) }
                return nil
            } catch {
                return error
            }
        }
        #expect(error == Bad(byte: 42))
    }

    @Test("kinds are SQLite's, and a column beyond the last is none")
    func kinds() async throws {
        let kinds = try await self.first("SELECT NULL, 1, 1.5, 'a', x'00'") { row in
            (0..<6).map { row.kind($0) } + [row.kind(-1)]
        }
        #expect(kinds == [.null, .integer, .real, .text, .blob, nil, nil])
    }

    @Test("columns are found by name, and the names are read once for all rows and runs of a statement")
    func names() async throws {
        try await TestDatabase.with { test async throws in
            _ = try await test.database.write(Lease("fill")) {
                try $0.executeBatch(
                    "INSERT INTO t (id, value, text) VALUES (?, ?, ?)",
                    rows: (0..<10).map { [.integer($0), .integer($0 * 2), .text("n\($0)")] })
            }
            let (values, objects) = try await test.database.read(Lease("names")) { db in
                var values: [String] = []
                var objects: Set<ObjectIdentifier> = []
                for _ in 0..<3 {
                    try db.forEachRow("SELECT text, id + value AS sum FROM t ORDER BY id") { row in
                        values.append(try "\(row.value("text", as: String.self))\(row.value("sum", as: Int.self))")
                        objects.insert(ObjectIdentifier(row.columns))
                        return true
                    }
                }
                return (values, objects.count)
            }
            #expect(values.count == 30 && values[1] == "n13" && values[29] == "n927")
            #expect(objects == 1)
        }
    }

    @Test("a statement that SQLite prepared anew has its new names")
    func namesAfterSchemaChange() async throws {
        let directory = try TemporaryDirectory()
        let connection = try SQLiteConnection(TestDatabase.configuration(directory), role: .writer)
        defer { connection.close() }
        try connection.control("CREATE TABLE t (a INTEGER, b TEXT)")
        try connection.control("INSERT INTO t VALUES (1, 'x')")
        // One statement, kept and used again: the connection's cache would do the same between two leases.
        let statement = try SQLiteStatement(db: connection.db, text: "SELECT * FROM t", isPersistent: true)
        func names() throws -> [String] {
            #expect(try statement.step())
            defer { statement.reset() }
            return statement.columns.names
        }
        #expect(try names() == ["a", "b"])
        try connection.control("ALTER TABLE t RENAME COLUMN b TO c")
        #expect(try names() == ["a", "c"])
        try connection.control("ALTER TABLE t ADD COLUMN d")
        #expect(try names() == ["a", "c", "d"])
    }

    @Test("whole rows come as values, from readers and inside a transaction")
    func decoding() async throws {
        struct Row: Decodable, Equatable {
            var id: Int64
            var value: Int
            var text: String?
        }
        try await TestDatabase.with { test async throws in
            let written = try await test.database.write(Lease("fill")) { db in
                try db.execute("INSERT INTO t (id, value, text) VALUES (1, 10, 'a'), (2, 20, NULL)")
                return try db.row("SELECT * FROM t WHERE id = \(2)", as: Row.self)
            }
            #expect(written.value == Row(id: 2, value: 20, text: nil))
            let (rows, count, none) = try await test.database.read(Lease("read")) { db in
                (
                    try db.rows("SELECT text, value, id FROM t ORDER BY id", as: Row.self),
                    try db.row("SELECT count(*) FROM t", as: Int.self),
                    try db.row("SELECT * FROM t WHERE id = 3", as: Row.self)
                )
            }
            #expect(rows == [Row(id: 1, value: 10, text: "a"), Row(id: 2, value: 20, text: nil)])
            #expect(count == 2 && none == nil)
        }
    }

    @Test("an error of a row ends a read with its type, and undoes a write")
    func errors() async throws {
        try await TestDatabase.with { test async throws in
            let database = test.database
            await #expect(throws: ColumnError(column: "txt", reason: .missing(columns: ["id", "text"]))) {
                try await database.write(Lease("write")) { db in
                    try db.execute("INSERT INTO t (id, value) VALUES (1, 1)")
                    return try db.row("SELECT id, text FROM t") { try $0.value("txt", as: String.self) }
                }
            }
            #expect(try await test.count() == 0)
            await #expect(throws: ColumnError(column: "x", reason: .mismatch(holds: .null, wanted: "String"))) {
                try await database.read(Lease("read")) { db in
                    try db.row("SELECT NULL AS x") { try $0.value(0, as: String.self) }
                }
            }
        }
    }
}
