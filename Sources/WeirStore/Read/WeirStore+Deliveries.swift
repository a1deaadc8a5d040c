//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import SQLCore
public import WeirModel

/// Where a page of deliveries begins: behind this one, in the order newest first.
public struct DeliveryCursor: Sendable, Equatable {
    public var receivedAt: Timestamp
    /// The source's id of the delivery.
    public var id: String

    public init(receivedAt: Timestamp, id: String) {
        self.receivedAt = receivedAt
        self.id = id
    }
}

extension WeirStore {
    private static let deliveryColumns: SQL = """
        SELECT d.id, s.host, e.value, d.received_at, d.outcome, d.run_id, d.job_id FROM deliveries d
        LEFT JOIN sources s ON s.id = d.source_id LEFT JOIN names e ON e.id = d.event_id
        """

    private static func deliveryView(_ row: any SQLRow) -> DeliveryView {
        DeliveryView(
            id: DeliveryID(stored: row.blob(0)).text, source: row.text(1), event: row.text(2),
            receivedAt: Timestamp(milliseconds: row.integer(3)),
            outcome: DeliveryOutcome(rawValue: UInt8(truncatingIfNeeded: row.integer(4))) ?? .applied,
            runID: row.integer(5), jobID: row.optionalInteger(6))
    }

    /// A delivery that was applied.
    public func delivery(id: String, lease: Lease) async throws -> DeliveryView? {
        try await self.database.read(lease) { db in
            try db.row("\(Self.deliveryColumns) WHERE d.id = \(DeliveryID(id).bytes)", Self.deliveryView)
        }
    }

    /// A page of applied deliveries, the latest received first.
    ///
    /// - Parameters:
    ///   - outcome: Only those of which this became; nil for all.
    ///   - source: Only those of this source; nil for all.
    ///   - after: The last of the page before.
    public func deliveries(
        outcome: DeliveryOutcome?, source: String?, limit: Int, after: DeliveryCursor?, lease: Lease
    ) async throws -> Page<DeliveryView, DeliveryCursor> {
        try await self.database.read(lease) { db in
            var rows: [DeliveryView] = []
            // The index is in the order of one outcome: the page of all is cut out of a page of each.
            for outcome in outcome.map({ [$0] }) ?? DeliveryOutcome.allCases {
                var conditions: [SQL] = ["d.outcome = \(Int64(outcome.rawValue))"]
                if let source { conditions.append("s.host = \(source)") }
                if let after {
                    let id = DeliveryID(after.id).bytes
                    conditions.append("(d.received_at, d.id) < (\(after.receivedAt.milliseconds), \(id))")
                }
                rows += try db.rows(
                    """
                    \(Self.deliveryColumns) WHERE \(conditions.joined(separator: " AND "))
                    ORDER BY d.received_at DESC, d.id DESC LIMIT \(limit + 1)
                    """, Self.deliveryView)
            }
            rows.sort {
                $0.receivedAt == $1.receivedAt
                    ? DeliveryID($1.id).bytes.lexicographicallyPrecedes(DeliveryID($0.id).bytes)
                    : $1.receivedAt < $0.receivedAt
            }
            return Page(rows: Array(rows.prefix(limit + 1)), limit: limit) {
                DeliveryCursor(receivedAt: $0.receivedAt, id: $0.id)
            }
        }
    }
}
