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

/// The examples about leases, deadlines, cancellation and errors.
@Suite("Examples: leases", .timeLimit(.minutes(1)))
struct LeaseExamples {
    private static let endless: SQL =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"

    @Test("a lease says who asks, how urgent it is and how long it may take")
    func lease() async throws {
        try await withNotebook { database in
            // snippet: lease
            let statistics = Lease(
                "notes.statistics", lane: .heavy, acquireTimeout: .milliseconds(500), timeout: .seconds(10))
            let counts = try await database.read(statistics) { db in
                try db.rows("SELECT state, count(*) FROM notes GROUP BY state") { ($0.text(0), $0.integer(1)) }
            }
            // snippet end
            #expect(counts.isEmpty)
            // snippet: pool figures
            let pool = database.readerPool
            print("\(pool.used) of \(pool.max) readers at work, \(pool.pending) leases waiting")
            // snippet end
            #expect(pool.used == 0)
        }
    }

    @Test("a deadline stops a query")
    func deadline() async throws {
        try await withNotebook { database in
            let query = Self.endless
            var reasons: [LeaseError.Reason] = []
            // snippet: deadline
            do {
                let sum = try await database.read(Lease("notes.sum", timeout: .milliseconds(200))) { db in
                    try db.row(query, as: Int64.self)
                }
                print(sum ?? 0)
            } catch let error as LeaseError {
                switch error.reason {
                case .deadlineExceeded: print("stopped inside SQLite: \(error)")
                case .busy, .queueFull: print("try again later: \(error)")
                default: print("not now: \(error)")
                }
                reasons.append(error.reason)
            }
            // snippet end
            #expect(reasons == [.deadlineExceeded])
        }
    }

    @Test("cancelling a task stops its query")
    func cancellation() async throws {
        try await withNotebook { database async throws in
            let query = Self.endless
            // snippet: cancellation
            let search = Task {
                try await database.read(Lease("notes.search", timeout: .seconds(60))) { db in
                    try db.row(query, as: Int64.self)
                }
            }
            // The reader of the answer has left:
            search.cancel()
            // snippet end
            await #expect(throws: CancellationError.self) { try await search.value }
            #expect(try await eventually { database.readerPool.used == 0 })
        }
    }

    @Test("errors by their kind")
    func errors() async throws {
        try await withNotebook { database in
            try await database.write(Lease("fill")) { try $0.execute("INSERT INTO tags VALUES ('urgent')") }
            let name = "urgent"
            var conflicts = 0
            // snippet: errors
            do {
                try await database.write(Lease("tags.add")) { try $0.execute("INSERT INTO tags VALUES (\(name))") }
            } catch let error as DatabaseError {
                switch error.code {
                case .sqliteConstraint: conflicts += 1  // The tag is there already.
                case .sqliteFull: print("the disk is full, and nothing was committed: \(error)")
                default: throw error
                }
            }
            // snippet end
            #expect(conflicts == 1)
        }
    }

    @Test("upkeep beside a running server")
    func upkeep() async throws {
        try await withNotebook { database async throws in
            try await database.write(Lease("fill")) { db in
                try db.execute("INSERT INTO notes (text, created) VALUES ('old', 1), ('new', 100)")
            }
            let limit: Int64 = 50
            // snippet: slices
            let deleted = try await database.deleteInSlices(
                "notes.retention", from: "notes", where: "created < \(limit)")
            let pages = try await database.vacuumInSlices()
            // snippet end
            #expect(deleted == 1 && pages >= 0)
            let configuration = database.configuration
            let copy = configuration.path + ".copy"
            // snippet: backup
            let backup = try await SQLiteBackup(configuration).make(at: copy)
            print("\(backup.bytes) bytes in \(backup.elapsed)")
            let faults = try await SQLiteCheck(configuration).run()
            for finding in try await SQLiteDoctor(configuration).examine() {
                print("\(finding.check): \(finding.text)")
            }
            // snippet end
            #expect(backup.bytes > 0 && faults.isEmpty)
        }
    }
}
