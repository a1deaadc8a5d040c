//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import FoundationEssentials
import Logging
import SQLCore
import SQLiteDriver
import WeirIngest

/// The outbox's file: a SQLite database of its own, so that what hinders the other does not hinder it.
struct OutboxFile: Sendable {
    let path: String
    let logger: Logger

    /// Marks the file as an outbox: "WOut" in ASCII.
    static let applicationID: Int32 = 0x574F_7574

    /// The deliveries that wait in a file, which is only read; none when there is no file.
    ///
    /// - Throws: What the database throws.
    static func deliveries(at path: String, lease: Lease) async throws -> [String] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let configuration = SQLiteConfiguration(path: path, applicationID: Self.applicationID)
        return try await Outbox.deliveries(in: SQLiteReadOnlyDatabase(configuration), lease: lease)
    }

    /// Where it is when nothing else is said: beside the database.
    static func standardPath(database: String) -> String { database + ".outbox" }

    /// Opens it, or makes it.
    ///
    /// A damaged one is put aside under a name that says when, for somebody to look at, and a new one is made: the
    /// board starts all the same.
    func open() async throws -> SQLiteDatabase {
        let wasThere = FileManager.default.fileExists(atPath: self.path)
        let damage: String
        do {
            // What a dead process left in the log is taken over first.
            let database = try await SQLiteDatabase.open(self.configuration)
            guard wasThere, let fault = try await self.fault(of: database) else { return database }
            await database.close()
            damage = fault
        } catch let error as DatabaseError where wasThere && [11, 26].contains(error.code.primary.rawValue) {
            // SQLITE_CORRUPT and SQLITE_NOTADB (sqlite.org/rescode.html).
            damage = error.message
        }
        try self.quarantine(damage)
        return try await SQLiteDatabase.open(self.configuration)
    }

    /// What is wrong with the file; nil when nothing is. After an error the database is closed.
    private func fault(of database: SQLiteDatabase) async throws -> String? {
        do {
            return try await SQLiteCheck(self.configuration, timeout: .seconds(600)).run().first
        } catch {
            await database.close()
            throw error
        }
    }

    private var configuration: SQLiteConfiguration {
        var configuration = SQLiteConfiguration(path: self.path, applicationID: Self.applicationID)
        configuration.readersMax = 1
        configuration.memoryBytes = MemoryBudget.bytesMin(readers: 1)
        configuration.busyTimeout = .seconds(1)
        return configuration
    }

    private func quarantine(_ damage: String) throws {
        let time = Int64(Date.now.timeIntervalSince1970)
        let aside = "\(self.path).damaged-\(time)"
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: self.path + suffix) {
            try FileManager.default.moveItem(atPath: self.path + suffix, toPath: aside + suffix)
        }
        self.logger.error(
            "the outbox was damaged and is put aside; deliveries that it held may have to be redelivered",
            metadata: ["file": "\(aside)", "damage": "\(damage.prefix(300))"])
    }
}
