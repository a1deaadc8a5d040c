//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import SQLiteDriver
import TestSupport
import Testing

// snippet: retry
/// Adds a note once, however often it is tried and whatever became of the tries before.
func addOnce(_ text: String, request: String, to database: some Database) async throws {
    var triesLeft = 3
    while true {
        triesLeft -= 1
        do {
            try await database.write(Lease("notes.add")) { db in
                let isNew = try db.compareAndSet(
                    "INSERT INTO requests (id) VALUES (\(request)) ON CONFLICT DO NOTHING")
                if isNew { try db.execute("INSERT INTO notes (text) VALUES (\(text))") }
            }
            return
        } catch let error as DatabaseError where error.outcome == .unknown && triesLeft > 0 {
            continue  // COMMIT was tried and not confirmed: the key finds out.
        } catch let error as LeaseError where error.hadStarted && triesLeft > 0 {
            continue  // The deadline passed while the closure ran: it may yet be committed.
        }
    }
}
// snippet end

/// The examples about opening and writing.
@Suite("Examples: writes", .timeLimit(.minutes(1)))
struct WriteExamples {
    @Test("opening with settings")
    func opening() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("notes.db")
        // snippet: configuration
        var configuration = SQLiteConfiguration(path: path, applicationID: 0x4e6f_7465)
        configuration.readersMax = 8
        configuration.memoryBytes = 256 << 20
        let database = try await SQLiteDatabase.open(configuration)
        // snippet end
        #expect(database.readerPool.max == 8)
        await database.close()
    }

    @Test("an error undoes a transaction")
    func transaction() async throws {
        struct Full: Error {}
        try await withNotebook { database in
            let texts = (0..<200).map { "note \($0)" }
            var isFull = false
            // snippet: transaction
            do {
                try await database.write(Lease("notes.add")) { db in
                    for text in texts { try db.execute("INSERT INTO notes (text) VALUES (\(text))") }
                    let count = try db.row("SELECT count(*) FROM notes", as: Int.self) ?? 0
                    if count > 100 { throw Full() }  // None of them is kept.
                }
            } catch is Full {
                isFull = true
            }
            // snippet end
            #expect(isFull)
            let left = try await database.read(Lease("count")) {
                try $0.row("SELECT count(*) FROM notes", as: Int.self)
            }
            #expect(left == 0)
        }
    }

    @Test("a write with a key counts once")
    func retry() async throws {
        try await withNotebook { database in
            for _ in 0..<2 { try await addOnce("milk", request: "r-1", to: database) }
            let count = try await database.read(Lease("count")) {
                try $0.row("SELECT count(*) FROM notes", as: Int.self)
            }
            #expect(count == 1)
        }
    }
}
