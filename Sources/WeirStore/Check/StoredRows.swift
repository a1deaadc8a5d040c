//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
public import SQLCore
public import WeirModel

extension WeirStore {
    /// The store of a database that is only read: it is not brought up to date.
    ///
    /// - Throws: ``StoreError`` for a database of another version, and what the database throws.
    public static func reading(_ database: any Database, lease: Lease) async throws -> WeirStore {
        let version = try await database.read(lease) { db in
            try db.row("SELECT max(version) FROM migrations") { $0.integer(0) } ?? 0
        }
        guard version <= Migration.latest else {
            throw StoreError.newerSchema(found: version, known: Migration.latest)
        }
        guard version == Migration.latest else {
            throw StoreError.olderSchema(found: version, known: Migration.latest)
        }
        return WeirStore(database: database)
    }

    /// Lends all rows, in one snapshot, to a check that compares them with what was sent.
    ///
    /// - Throws: What the database and `body` throw.
    public func checkingRows<Value: Sendable>(
        lease: Lease, _ body: @escaping @Sendable (StoredRows) throws -> Value
    ) async throws -> Value {
        try await self.database.read(lease) { try body(StoredRows($0)) }
    }
}

/// The rows of runs, jobs and deliveries as records with their names, to be compared with events.
///
/// Dictionaries of names are read once and held in memory.
public struct StoredRows {
    /// What is kept of a delivery that was applied.
    public struct Delivery: Sendable, Equatable {
        /// The id, as it was sent.
        public var id: String
        public var event: String
        public var receivedAt: Timestamp
        public var runID: Int64
        public var jobID: Int64?
    }

    private struct NameID: Hashable {
        let kind: NameKind
        let id: Int64
    }

    private let db: any SQLReading
    private let sources: [Int64: String]
    private let repositories: [Int64: String]
    private let pools: [Int64: String]
    private let names: [NameID: String]

    init(_ db: any SQLReading) throws {
        func dictionary(_ sql: SQL) throws -> [Int64: String] {
            Dictionary(uniqueKeysWithValues: try db.rows(sql) { ($0.integer(0), $0.text(1)) })
        }
        self.db = db
        self.sources = try dictionary("SELECT id, host FROM sources")
        self.repositories = try dictionary("SELECT id, name FROM repositories")
        self.pools = try dictionary("SELECT id, name FROM pools")
        var names: [NameID: String] = [:]
        try db.forEachRow("SELECT id, kind, value FROM names") { row in
            if let kind = UInt8(exactly: row.integer(1)).flatMap(NameKind.init(rawValue:)) {
                names[NameID(kind: kind, id: row.integer(0))] = row.text(2)
            }
            return true
        }
        try db.forEachRow("SELECT id, labels FROM label_sets") { row in
            names[NameID(kind: .labels, id: row.integer(0))] = row.text(1)
            return true
        }
        self.names = names
    }

    /// A name; of one that is in no dictionary, its number, which equals no name that was sent.
    private func name(_ kind: NameKind, _ id: Int64) -> String { self.names[NameID(kind: kind, id: id)] ?? "#\(id)" }

    /// Hands each delivery to `body`.
    public func forEachDelivery(_ body: (Delivery) throws -> Void) throws {
        try self.db.forEachRow("SELECT id, event_id, received_at, run_id, job_id FROM deliveries") { row in
            try body(
                Delivery(
                    id: DeliveryID(stored: row.blob(0)).text, event: self.name(.event, row.integer(1)),
                    receivedAt: Timestamp(milliseconds: row.integer(2)), runID: row.integer(3),
                    jobID: row.optionalInteger(4)))
            return true
        }
    }

    /// The deliveries, as they were sent, that are dead letters.
    public func deadLetters() throws -> [String] {
        try self.db.rows("SELECT delivery FROM dead_letters") { $0.text(0) }
    }

    /// Hands each job and the name of its runner pool to `body`.
    public func forEachJob(_ body: (JobRecord<String>, _ pool: String) throws -> Void) throws {
        try self.db.forEachRow("SELECT \(JobRow.columns) FROM jobs") { row in
            let row = JobRow(row)
            let record = row.record.mapNames(
                source: self.sources[row.record.key.source] ?? "#\(row.record.key.source)",
                repository: self.repositories[row.record.repository] ?? "#\(row.record.repository)"
            ) { self.name($0, $1) }
            try body(record, self.pools[row.pool] ?? "#\(row.pool)")
            return true
        }
    }

    /// Hands each run to `body`, those known only by their jobs included.
    public func forEachRun(_ body: (RunRecord<String>) throws -> Void) throws {
        try self.db.forEachRow("SELECT \(RunRow.columns) FROM runs") { row in
            let record = RunRow.record(row)
            try body(
                record.mapNames(
                    source: self.sources[record.key.source] ?? "#\(record.key.source)",
                    repository: self.repositories[record.repository] ?? "#\(record.repository)"
                ) { self.name($0, $1) })
            return true
        }
    }
}
