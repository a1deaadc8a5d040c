//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench

/// What is done in each operation of a case.
enum Kind: String, CaseIterable, Sendable {
    case emptyLease
    case pointRead
    case pageRead
    case scan
    case singleWrite
    case tenWrites
    case mixed

    /// The number the C loop knows it by.
    var raw: weir_bench_kind {
        switch self {
        case .emptyLease: weir_bench_empty_lease
        case .pointRead: weir_bench_point_read
        case .pageRead: weir_bench_page_read
        case .scan: weir_bench_scan
        case .singleWrite: weir_bench_single_write
        case .tenWrites: weir_bench_ten_writes
        case .mixed: weir_bench_mixed
        }
    }
}

/// Whose figures stand beside each other.
enum PeerName: String, CaseIterable, Sendable {
    case weir
    /// GRDB as it comes: `synchronous=NORMAL`.
    case grdb
    /// GRDB with `synchronous=FULL`, which is what the others are measured with.
    case grdbFull = "grdb_full"
    case raw

    var isFull: Bool { self != .grdb }
}

/// How a peer is opened; the same for all of them, but for `isFull`.
struct PeerSetup: Sendable {
    static let applicationID: Int32 = 0x5765_6972

    var path: String
    var rows: Int64
    var readers: Int
    var isFull: Bool
    /// For a page cache that holds the whole table, 32 MiB on each reader.
    var memoryBytes: Int { self.readers * (64 << 20) }
    /// Whether syncs go through the VFS that can slow them.
    var isSlow = false

    var writerCacheKiB: Int { self.memoryBytes / 2 / 1024 }
    var readerCacheKiB: Int { self.memoryBytes / 2 / self.readers / 1024 }
}

/// Something that reads and writes a SQLite file for concurrent tasks.
protocol Peer: Sendable {
    /// Runs one kind of operation under a load.
    func run(_ kind: Kind, _ load: Load) async throws -> Measurement
    /// Runs one statement in a transaction of its own.
    func execute(_ sql: BenchStatement) async throws
    /// Closes the file.
    func close() async throws
}

/// Statements of the bulk case.
enum BenchStatement: Sendable {
    case fillOld
    case deleteOld

    var text: StaticString {
        switch self {
        case .fillOld:
            """
            INSERT INTO old SELECT id, 'retained for a while, then removed in bulk: delivery ' || id || hex(id * 7919)
            FROM (WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 100000) SELECT id FROM n)
            """
        // Without WHERE SQLite would drop the pages without a look at the rows.
        case .deleteOld: "DELETE FROM old WHERE id > 0"
        }
    }
}

/// What a point read returns to its caller.
struct PointRow: Sendable {
    let name: String
    let status: String
    let created: Int64
    let attempts: Int64

    var sum: Int64 { Int64(self.name.utf8.count + self.status.utf8.count) + self.created }
}

/// One of the 25 rows that a page read returns.
struct PageRow: Sendable {
    let id: Int64
    let repository: String
    let name: String
    let status: String
    let created: Int64

    var sum: Int64 {
        Int64(self.repository.utf8.count + self.name.utf8.count + self.status.utf8.count) + self.id + self.created
    }
}

/// A number from 1 to `bound`, taken from a random one.
func pick(_ random: UInt64, _ bound: Int64) -> Int64 { 1 + Int64(random % UInt64(bound)) }

struct BenchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
