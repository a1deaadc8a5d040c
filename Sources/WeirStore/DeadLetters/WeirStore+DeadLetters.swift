//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import SQLCore
import WeirModel

extension WeirStore {
    /// Keeps a delivery that cannot be applied; one that is there gets the newer reason.
    public func bury(_ letter: DeadLetter, timeout: Duration) async throws {
        let lease = Lease("dead-letters.bury", lane: .ingest, acquireTimeout: timeout, timeout: timeout)
        try await self.database.write(lease) { db in
            try db.execute(
                """
                INSERT INTO dead_letters (delivery, event, received_at, died_at, reason, body)
                VALUES (\(letter.delivery), \(letter.event), \(letter.receivedAt.milliseconds),
                    \(letter.diedAt.milliseconds), \(letter.reason), \(letter.body))
                ON CONFLICT (delivery) DO UPDATE SET died_at = excluded.died_at, reason = excluded.reason
                """)
        }
    }

    /// A page of dead letters without their bodies, the newest first.
    ///
    /// - Parameter after: The number of the last one before the page; nil for the first page.
    public func deadLetters(limit: Int, after: Int64?, lease: Lease) async throws -> Page<DeadLetter, Int64> {
        try await self.database.read(lease) { db in
            let rows = try db.rows(
                """
                SELECT id, delivery, event, received_at, died_at, reason, length(body) FROM dead_letters
                WHERE id < \(after ?? Int64.max) ORDER BY id DESC LIMIT \(limit + 1)
                """
            ) { row in
                (
                    id: row.integer(0),
                    letter: DeadLetter(
                        delivery: row.text(1), event: row.text(2),
                        receivedAt: Timestamp(milliseconds: row.integer(3)),
                        diedAt: Timestamp(milliseconds: row.integer(4)), reason: row.text(5), body: [],
                        size: Int(row.integer(6)))
                )
            }
            let page = Page(rows: rows, limit: limit, cursor: \.id)
            return Page(items: page.items.map(\.letter), next: page.next)
        }
    }

    /// A dead letter with its body; nil when there is none.
    public func deadLetter(_ delivery: String, lease: Lease) async throws -> DeadLetter? {
        try await self.database.read(lease) { db in
            try db.row(
                """
                SELECT delivery, event, received_at, died_at, reason, body FROM dead_letters
                WHERE delivery = \(delivery)
                """
            ) { row in
                DeadLetter(
                    delivery: row.text(0), event: row.text(1), receivedAt: Timestamp(milliseconds: row.integer(2)),
                    diedAt: Timestamp(milliseconds: row.integer(3)), reason: row.text(4),
                    body: row.optionalBlob(5) ?? [])
            }
        }
    }

    /// Removes a dead letter for good.
    ///
    /// - Returns: Whether it was there.
    @discardableResult
    public func removeDeadLetter(_ delivery: String, lease: Lease) async throws -> Bool {
        try await self.database.write(lease) { db in
            try db.execute("DELETE FROM dead_letters WHERE delivery = \(delivery)") > 0
        }.value
    }
}
