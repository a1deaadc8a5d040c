//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

// snippet: twenty lines
import ConnectionPoolModule
import SQLCore
import SQLiteDriver

let database = try await SQLiteDatabase.open(SQLiteConfiguration(path: "notes.db", applicationID: 0x4e6f_7465))
let added = try await database.write(Lease("notes.add")) { db in  // One transaction; an error undoes it.
    try db.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    return try db.execute("INSERT INTO notes (text) VALUES (\("milk")), (\("bread"))")
}.value  // COMMIT has returned: the notes are on the disk.
let notes = try await database.read(Lease("notes.all", timeout: .milliseconds(200))) { db in  // Answered by then.
    try db.rows("SELECT text FROM notes ORDER BY id", as: String.self)
}
print("\(added) added: \(notes)")
do {
    let endless: SQL = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
    _ = try await database.read(Lease("endless", timeout: .milliseconds(100))) { try $0.row(endless, as: Int.self) }
} catch let error as LeaseError {
    print(error)  // endless at Notes/main.swift:16 was stopped at its deadline after 100 ms
}
await database.close()
// snippet end
