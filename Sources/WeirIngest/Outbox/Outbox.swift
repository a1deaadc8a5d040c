//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import FoundationEssentials
public import SQLCore
import WeirModel
public import WeirStore

/// Where deliveries are kept that the database cannot take: a database of its own, synchronised in full.
///
/// It holds them as they came, in their order, each once; what is read is removed only after it has been applied, so a
/// delivery that is applied and not removed is applied again, which does nothing.
public struct Outbox: Sendable {
    /// A delivery that is kept.
    struct Item: Sendable {
        var sequence: Int64 = 0
        let delivery: String
        let eventType: String
        let receivedAt: Timestamp
        /// The JSON.
        let body: Data
    }

    private let database: any Database

    /// Prepares the file.
    ///
    /// - Throws: What the database throws.
    public static func open(_ database: any Database) async throws -> Outbox {
        try await database.write(Lease("outbox.prepare", timeout: .seconds(30))) { db in
            // AUTOINCREMENT: a number is never used again, so the order holds over removals.
            try db.execute(
                """
                CREATE TABLE IF NOT EXISTS outbox (
                    sequence INTEGER PRIMARY KEY AUTOINCREMENT, delivery TEXT NOT NULL UNIQUE, event TEXT NOT NULL,
                    received_at INTEGER NOT NULL, body BLOB NOT NULL)
                """)
        }
        return Outbox(database: database)
    }

    /// The deliveries, as they were sent, that an outbox holds which is only read.
    ///
    /// - Throws: What the database throws.
    public static func deliveries(in database: any Database, lease: Lease) async throws -> [String] {
        try await database.read(lease) { try $0.rows("SELECT delivery FROM outbox") { $0.text(0) } }
    }

    /// How many it holds.
    public func count() async throws -> Int {
        try await self.database.read(Lease("outbox.count", timeout: .seconds(10))) {
            try $0.row("SELECT count(*) FROM outbox WHERE sequence > 0") { Int($0.integer(0)) } ?? 0
        }
    }

    /// Keeps deliveries, and returns after COMMIT.
    ///
    /// - Returns: How many it holds more than before: one that it holds already is left as it is.
    func append(_ items: [Item], timeout: Duration) async throws -> Int {
        let lease = Lease("outbox.append", lane: .ingest, acquireTimeout: timeout, timeout: timeout)
        return try await self.database.write(lease) { db in
            try db.executeBatch(
                """
                INSERT INTO outbox (delivery, event, received_at, body) VALUES (?, ?, ?, ?)
                ON CONFLICT (delivery) DO NOTHING
                """,
                rows: items.lazy.map {
                    [
                        .text($0.delivery), .text($0.eventType), .integer($0.receivedAt.milliseconds),
                        .blob(Array($0.body)),
                    ]
                })
        }.value
    }

    /// Keeps a delivery that is to be tried again.
    ///
    /// - Returns: How many it holds more than before.
    @discardableResult
    public func keep(_ letter: DeadLetter) async throws -> Int {
        let item = Item(
            delivery: letter.delivery, eventType: letter.event, receivedAt: letter.receivedAt, body: Data(letter.body))
        return try await self.append([item], timeout: .seconds(5))
    }

    /// The next deliveries in their order.
    ///
    /// - Parameters:
    ///   - sequence: Behind which it begins.
    ///   - bytesMax: No more than so many bytes, but one at least.
    func next(after sequence: Int64, limit: Int, bytesMax: Int) async throws -> [Item] {
        let lease = Lease("outbox.next", lane: .ingest, timeout: .seconds(10))
        return try await self.database.read(lease) { db in
            var items: [Item] = []
            var bytes = 0
            try db.forEachRow(
                """
                SELECT sequence, delivery, event, received_at, body FROM outbox WHERE sequence > \(sequence)
                ORDER BY sequence LIMIT \(limit)
                """
            ) { row in
                let item = Self.item(row)
                bytes += item.body.count
                guard items.isEmpty || bytes <= bytesMax else { return false }
                items.append(item)
                return true
            }
            return items
        }
    }

    /// One delivery; nil when it is not there.
    func find(_ sequence: Int64) async throws -> Item? {
        try await self.database.read(Lease("outbox.find", lane: .ingest, timeout: .seconds(10))) { db in
            try db.row(
                "SELECT sequence, delivery, event, received_at, body FROM outbox WHERE sequence = \(sequence)",
                Self.item)
        }
    }

    /// A page of what it holds, the latest first.
    ///
    /// - Parameter sequence: Before which the page begins; nil for the first.
    func page(before sequence: Int64?, limit: Int) async throws -> [(sequence: Int64, delivery: KeptDelivery)] {
        try await self.database.read(Lease("outbox.page", timeout: .seconds(5))) { db in
            try db.rows(
                """
                SELECT sequence, delivery, event, received_at FROM outbox WHERE sequence < \(sequence ?? Int64.max)
                ORDER BY sequence DESC LIMIT \(limit)
                """
            ) { row in
                (
                    row.integer(0),
                    KeptDelivery(
                        id: row.text(1), event: row.text(2), receivedAt: Timestamp(milliseconds: row.integer(3)))
                )
            }
        }
    }

    /// A delivery by its id; nil when it is not there.
    func find(delivery: String) async throws -> KeptDelivery? {
        try await self.database.read(Lease("outbox.delivery", timeout: .seconds(5))) { db in
            try db.row("SELECT event, received_at FROM outbox WHERE delivery = \(delivery)") { row in
                KeptDelivery(
                    id: delivery, event: row.text(0), receivedAt: Timestamp(milliseconds: row.integer(1)))
            }
        }
    }

    /// Removes what has been applied.
    ///
    /// - Returns: How many were there.
    func remove(_ sequences: [Int64]) async throws -> Int {
        try await self.database.write(Lease("outbox.remove", lane: .ingest, timeout: .seconds(10))) { db in
            try db.executeBatch("DELETE FROM outbox WHERE sequence = ?", rows: sequences.lazy.map { [.integer($0)] })
        }.value
    }

    private static func item(_ row: any SQLRow) -> Item {
        Item(
            sequence: row.integer(0), delivery: row.text(1), eventType: row.text(2),
            receivedAt: Timestamp(milliseconds: row.integer(3)), body: Data(row.optionalBlob(4) ?? []))
    }
}
