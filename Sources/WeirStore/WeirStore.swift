//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
public import SQLCore
public import WeirModel

/// The board's data: deliveries go in, in batches; runs, jobs and figures come out.
///
/// A batch is a fold: all its deliveries are applied in one transaction, each once, in any order to the same rows.
public struct WeirStore: Sendable {
    let database: any Database
    let names = NameCache()
    let demand = DemandCache()

    /// The version that a current database has.
    public static let schemaVersion = Migration.latest

    init(database: any Database) { self.database = database }

    /// Brings the schema up to date.
    ///
    /// - Throws: ``StoreError/newerSchema(found:known:)``, and what the database throws.
    public static func open(_ database: any Database) async throws -> WeirStore {
        try await Migrator(database: database).run()
        return WeirStore(database: database)
    }

    /// Applies a batch of deliveries and answers after COMMIT.
    ///
    /// Not to be called again before it has returned: the order of batches is the caller's to keep.
    ///
    /// - Parameters:
    ///   - timeout: Longest wait for the commit. Default: 9 s, of the 10 s a sender allows.
    ///   - answer: Called once, perhaps on the writer's thread; it must not wait, and may apply the next batch. An error
    ///     is the database's: then nothing is applied, or its outcome is unknown and applying the batch again is
    ///     harmless.
    public func apply(
        _ deliveries: [Delivery], timeout: Duration = .seconds(9),
        answer: @escaping @Sendable (Result<Committed<BatchOutcome>, any Error>) -> Void
    ) {
        let (names, demand) = (self.names, self.demand)
        let lease = Lease("deliveries.apply", lane: .ingest, acquireTimeout: timeout, timeout: timeout)
        self.database.write(lease) { db in
            var fold = BatchFold(db: db, names: names, demand: demand)
            return try fold.apply(deliveries)
        } answer: { result in
            switch result {
            case .success(let committed):
                names.remember(committed.value.newNames)
                demand.remember(committed.value.demand)
            case .failure:
                // It may have been committed all the same.
                demand.clear()
            }
            answer(result.map { $0.map(\.outcome) })
        }
    }

    /// The same for a task, which waits for the answer.
    ///
    /// - Throws: What the database throws.
    public func apply(
        _ deliveries: [Delivery], timeout: Duration = .seconds(9)
    ) async throws -> Committed<BatchOutcome> {
        try await withCheckedThrowingContinuation { continuation in
            self.apply(deliveries, timeout: timeout) { continuation.resume(with: $0) }
        }
    }

    /// A lease of the writer and one of a reader, each doing nothing: whether the database answers.
    ///
    /// - Throws: What the one that failed throws.
    public func probe(timeout: Duration) async throws {
        _ = try await self.database.read(Lease("probe.reader", acquireTimeout: timeout, timeout: timeout)) {
            try $0.row("SELECT 1") { $0.integer(0) }
        }
        _ = try await self.database.write(Lease("probe.writer", acquireTimeout: timeout, timeout: timeout)) {
            try $0.row("SELECT 1") { $0.integer(0) }
        }
    }
}

/// What became of a delivery.
public enum DeliveryOutcome: UInt8, Sendable, CaseIterable {
    /// It decided what its job or run shows.
    case applied = 1
    /// A later state was known already; it may have filled fields that one lacked.
    case superseded = 2

    /// The word in the API.
    public var name: String {
        switch self {
        case .applied: "applied"
        case .superseded: "superseded"
        }
    }
}

/// What a batch did.
public struct BatchOutcome: Sendable, Equatable {
    /// For each delivery of the batch, in its order: what became of it; nil when it was applied before.
    public var deliveries: [DeliveryOutcome?] = []
    /// The run attempts that changed, or whose jobs did.
    public var runs: Set<RunKey<String>> = []
    /// Jobs blocked, queued and running after the batch.
    public var counts = Counts()
}

/// How many jobs are blocked, queued and running.
public struct Counts: Sendable, Equatable {
    public var blocked: Int64 = 0
    public var queued: Int64 = 0
    public var running: Int64 = 0

    public init(blocked: Int64 = 0, queued: Int64 = 0, running: Int64 = 0) {
        self.blocked = blocked
        self.queued = queued
        self.running = running
    }
}
