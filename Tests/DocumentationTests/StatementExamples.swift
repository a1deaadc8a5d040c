//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import SQLiteDriver
import Testing

/// The examples of SQLCore's article on statements. What stands between two markers stands in the article as well.
@Suite("Examples: statements", .timeLimit(.minutes(1)))
struct StatementExamples {
    @Test("values, lists, identifiers and parts")
    func statements() async throws {
        try await withNotebook { database in
            let text = "O'Hara'); DROP TABLE notes; --"
            // snippet: value
            try await database.write(Lease("notes.add")) { db in
                try db.execute("INSERT INTO notes (text) VALUES (\(text))")
            }
            // snippet end

            let word: String? = "O'H"
            let ids: [Int64] = [1, 2, 3]
            // snippet: parts
            var conditions: [SQL] = ["id IN \(list: ids)"]
            if let word { conditions.append("text LIKE \(word + "%")") }
            let column = "created"
            let query: SQL = """
                SELECT text FROM notes WHERE \(conditions.joined(separator: " AND "))
                ORDER BY \(identifier: column)
                """
            let texts = try await database.read(Lease("notes.find")) { try $0.rows(query, as: String.self) }
            // snippet end
            #expect(texts == [text])
        }
    }

    @Test("many rows")
    func batch() async throws {
        try await withNotebook { database in
            let texts = ["one", "two", "three"]
            // snippet: batch
            let added = try await database.write(Lease("notes.import", lane: .heavy)) { db in
                try db.executeBatch("INSERT INTO notes (text) VALUES (?)", rows: texts.map { [.text($0)] })
            }.value
            // snippet end
            #expect(added == 3)
        }
    }

    @Test("keys")
    func keys() async throws {
        try await withNotebook { database in
            try await database.write(Lease("fill")) { db in
                try db.execute("INSERT INTO notes (text) VALUES ('a'), ('b')")
            }
            let ids: [Int64] = [1, 2, 2, 99]
            // snippet: keys
            let deleted = try await database.delete(Lease("notes.delete"), from: "notes", key: "id", keys: ids)
            // snippet end
            #expect(deleted.value == 2)
        }
    }

    @Test("conditional update")
    func compareAndSet() async throws {
        try await withNotebook { database in
            try await database.write(Lease("fill")) { try $0.execute("INSERT INTO notes (text) VALUES ('a')") }
            let id: Int64 = 1
            // snippet: compare and set
            let won = try await database.write(Lease("notes.close")) { db in
                try db.compareAndSet("UPDATE notes SET state = 'closed' WHERE id = \(id) AND state = 'open'")
            }.value
            // snippet end
            #expect(won)
        }
    }
}
