//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

/// Brings a database's schema up to date, each step in a transaction of its own.
struct Migrator {
    let database: any Database

    /// - Throws: ``StoreError/newerSchema(found:known:)`` for a database of a newer version; what a step throws.
    func run() async throws {
        let lease = Lease("migrate", lane: .maintenance, acquireTimeout: .seconds(30), timeout: .seconds(3_600))
        let current = try await self.database.write(lease) { db in
            try db.execute(
                "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL)")
            return try db.row("SELECT max(version) FROM migrations") { $0.integer(0) } ?? 0
        }.value
        guard current <= Migration.latest else {
            throw StoreError.newerSchema(found: current, known: Migration.latest)
        }
        for migration in Migration.all where migration.version > current {
            _ = try await self.database.write(lease) { db in
                for statement in migration.statements { try db.execute(statement) }
                try db.execute(
                    "INSERT INTO migrations (version, name) VALUES (\(migration.version), \(migration.name))")
                if db.dialect == .sqlite { try db.execute(Self.setUserVersion(migration.version)) }
            }
        }
    }

    /// The version in the file's header too, for tools that look there. A pragma takes no bound value.
    private static func setUserVersion(_ version: Int64) -> SQL {
        "PRAGMA user_version = \(identifier: String(version))"
    }
}
