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

/// SQLite's heap with so many bytes left; the limit is the process's, so nothing else of SQLite's may run beside.
private enum Heap {
    static func leave(_ bytes: Int64) {
        _ = Self.usual
        sqlite3_hard_heap_limit64(sqlite3_memory_used() + bytes)
    }

    /// The limit of before these tests.
    private static let usual = sqlite3_hard_heap_limit64(-1)

    static func free() { sqlite3_hard_heap_limit64(Self.usual) }
}

@Suite("Lack of memory", .serialized, .timeLimit(.minutes(2)))
struct MemoryTests {
    @Test("whatever allocation of a group fails, each member is told the truth, and the writer goes on")
    func steps() async throws {
        defer { Heap.free() }
        var refused = 0
        var unknown = 0
        var untouched = 0
        try await FaultBench.with({ $0.cacheBytes = 128 << 10 }) { bench async throws in
            for id in Int64(0)..<100 { #expect(await bench.write(id) == nil) }
            var id: Int64 = 1_000
            // From nothing to more than a group needs, in steps that shrink to an allocation's size near the start.
            for step in Int64(0)..<160 {
                let bytes = step < 100 ? step * 64 : 6_400 + (step - 100) * 8_192
                let errors = try await bench.writeTogether(id...(id + 7)) { Heap.leave(bytes) }
                Heap.free()
                id += 8
                for error in errors {
                    let error = try #require(error as? DatabaseError, "\(error)")
                    #expect(error.code.primary == .sqliteNoMemory || error.message.contains("reopened"), "\(error)")
                    if error.outcome == .unknown { unknown += 1 } else { refused += 1 }
                }
                if errors.isEmpty { untouched += 1 }
                #expect(await bench.write(id) == nil, "no write is accepted after step \(step)")
                id += 1
            }
        }
        print("160 steps: \(refused) writes not committed, \(unknown) unknown, \(untouched) steps without an error")
        #expect(refused > 100 && untouched > 10)
    }

    @Test("a reader that runs out of memory gets its error; the pool and the writer go on")
    func reader() async throws {
        defer { Heap.free() }
        try await FaultBench.with { bench async throws in
            for id in Int64(0)..<200 { #expect(await bench.write(id) == nil) }
            var failures = 0
            for step in Int64(0)..<60 {
                Heap.leave(step * step * 2_048)
                do {
                    _ = try await bench.database.read(Lease("sort", acquireTimeout: .milliseconds(50))) {
                        try $0.row("SELECT group_concat(text) FROM (SELECT text FROM ledger ORDER BY text)") {
                            $0.text(0).count
                        }
                    }
                } catch let error as DatabaseError where error.code.primary == .sqliteNoMemory {
                    failures += 1
                } catch let error as LeaseError where "\(error)".contains("out of memory") {
                    // Not even a connection could be opened.
                    failures += 1
                }
                Heap.free()
                #expect(try await bench.isThere(step))
            }
            #expect(failures > 10 && failures < 60)
            #expect(await bench.write(1_000) == nil)
        }
    }
}
