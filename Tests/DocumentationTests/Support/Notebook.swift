//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import SQLiteDriver
import TestSupport

/// A database for the examples to run on.
func withNotebook(_ body: (SQLiteDatabase) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    let database = try await SQLiteDatabase.open(
        SQLiteConfiguration(path: directory.file("notes.db"), applicationID: 0x4e6f_7465))
    try await database.write(Lease("create")) { db in
        try db.execute(
            """
            CREATE TABLE notes (
                id INTEGER PRIMARY KEY, text TEXT NOT NULL, pinned INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL
                DEFAULT 'open', created INTEGER NOT NULL DEFAULT 0, image BLOB
            )
            """)
        try db.execute("CREATE INDEX notes_created ON notes (created, id)")
        try db.execute("CREATE TABLE requests (id TEXT PRIMARY KEY)")
        try db.execute("CREATE TABLE tags (name TEXT PRIMARY KEY)")
    }
    do {
        try await body(database)
    } catch {
        await database.close()
        throw error
    }
    await database.close()
}
