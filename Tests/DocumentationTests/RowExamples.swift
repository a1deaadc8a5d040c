//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import SQLiteDriver
import Testing

// snippet: row types
enum State: String, Decodable, SQLBindable, SQLDecodable {
    case open
    case closed
}

/// A time as the column holds it: the rule is said once, here.
struct Milliseconds: Decodable, Equatable, RawRepresentable, SQLBindable, SQLDecodable {
    var rawValue: Int64
}

struct Note: Decodable, Equatable {
    var id: Int64
    var text: String
    var state: State
    var created: Milliseconds
    var image: [UInt8]?
}
// snippet end

/// The examples of SQLCore's articles on rows and pages.
@Suite("Examples: rows", .timeLimit(.minutes(1)))
struct RowExamples {
    private func withNotes(_ body: (SQLiteDatabase) async throws -> Void) async throws {
        try await withNotebook { database in
            try await database.write(Lease("fill")) { db in
                try db.executeBatch(
                    "INSERT INTO notes (text, created, image) VALUES (?, ?, ?)",
                    rows: (0..<2_500).map {
                        [.text("note \($0)"), .integer($0 / 10), $0 == 0 ? .null : .blob([1, 2])]
                    })
            }
            try await body(database)
        }
    }

    @Test("whole rows")
    func whole() async throws {
        try await self.withNotes { database in
            // snippet: whole rows
            let (notes, count) = try await database.read(Lease("notes.open")) { db in
                let query: SQL = "SELECT * FROM notes WHERE state = \(State.open) ORDER BY id LIMIT 10"
                return (
                    try db.rows(query, as: Note.self),
                    try db.row("SELECT count(*) FROM notes", as: Int.self) ?? 0
                )
            }
            // snippet end
            #expect(notes.count == 10 && count == 2_500 && notes[0].image == nil)
        }
    }

    @Test("columns by name and by position")
    func columns() async throws {
        try await self.withNotes { database in
            // snippet: columns
            let lines = try await database.read(Lease("notes.lines")) { db in
                try db.rows("SELECT id, text, image FROM notes LIMIT 3") { row in
                    let id: Int64 = try row.value("id")
                    let image = try row.value("image", as: [UInt8]?.self)
                    return "\(id): \(try row.value(1, as: String.self)), \(image?.count ?? 0) bytes"
                }
            }
            // snippet end
            #expect(lines == ["1: note 0, 0 bytes", "2: note 1, 2 bytes", "3: note 2, 2 bytes"])
            // snippet: positions
            let total = try await database.read(Lease("notes.size")) { db in
                var total = 0
                try db.forEachRow("SELECT text, image FROM notes") { row in
                    total += row.withText(0) { $0.count }
                    if !row.isNull(1) { total += row.withBlob(1) { image in image.count } }
                    return true
                }
                return total
            }
            // snippet end
            #expect(total > 20_000)
        }
    }

    @Test("errors of columns")
    func errors() async throws {
        try await self.withNotes { database in
            // snippet: column error
            do {
                _ = try await database.read(Lease("notes.typo")) { db in
                    try db.row("SELECT id, text FROM notes") { try $0.value("txt", as: String.self) }
                }
            } catch let error as ColumnError {
                print(error)
            }
            // snippet end
        }
    }

    @Test("pages")
    func pages() async throws {
        try await self.withNotes { database in
            var exported = 0
            func export(_ notes: [Note]) async throws { exported += notes.count }
            func remember(_ key: [SQLValue]) {}
            let lastKey: [SQLValue]? = nil
            // snippet: pages
            let walk = SQLPaging(
                "SELECT id, text, state, created, image FROM notes", key: ["created", "id"], size: 1_000)
            let lease = Lease("notes.export", lane: .maintenance)
            for try await page in database.pages(lease, walk, after: lastKey, as: Note.self) {
                try await export(page.rows)  // No connection is held here.
                remember(page.key)
            }
            // snippet end
            #expect(exported == 2_500)
            // snippet: page
            let page = try await database.read(Lease("notes.list")) { db in
                try db.page(SQLPaging("SELECT id, text FROM notes", key: ["id"], size: 50), after: lastKey) { row in
                    row.text(1)
                }
            }
            // snippet end
            #expect(page?.rows.count == 50 && page?.isLast == false)
        }
    }
}
