//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import CWeirSystem
import ConnectionPoolModule
import Foundation
import SQLCore
import TestSupport

@testable import SQLiteDriver

/// Anonymous memory of this process.
func residentAnonymousBytes() -> Int {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
        let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({ Int($0) })
    else { preconditionFailure("/proc/self/status has no RssAnon") }
    return kilobytes << 10
}

/// Keeps the highest anonymous memory of this process while it lives.
final class PeakMeter: @unchecked Sendable {
    // Everything mutable is guarded by `monitor`.
    private let monitor = Monitor()
    private let condition = Condition()
    private var peak = 0
    private var isStopped = false

    init() {
        WorkerThread.start(name: "peak") { [self] in
            self.monitor.withLock {
                while !self.isStopped {
                    self.peak = max(self.peak, residentAnonymousBytes())
                    _ = self.condition.wait(self.monitor, for: .milliseconds(5))
                }
            }
        }
    }

    /// Ends the measurement.
    func stop() -> Int {
        self.monitor.withLock {
            self.isStopped = true
            self.condition.signal()
            return max(self.peak, residentAnonymousBytes())
        }
    }
}

/// A file of many rows for queries that take long.
enum LargeFile {
    /// Rows of the file: a million, or as many as `WEIR_MEMORY_ROWS` says. 20 million are 1.4 GB.
    static let rows = ProcessInfo.processInfo.environment["WEIR_MEMORY_ROWS"].flatMap { Int($0) } ?? 1_000_000

    /// Whether the file is of the size the promises are made for.
    static var isFull: Bool { Self.rows >= 20_000_000 }

    /// Makes the file, and prints how long that took.
    static func make(at path: String, rows: Int = Self.rows) throws {
        let started = ContinuousClock.now
        var db: OpaquePointer?
        sqlite3_open(path, &db)
        defer { sqlite3_close(db) }
        let script = """
            PRAGMA auto_vacuum=INCREMENTAL; PRAGMA application_id=\(TestDatabase.applicationID);
            PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-65536;
            BEGIN;
            CREATE TABLE t (id INTEGER PRIMARY KEY, key INTEGER NOT NULL, text TEXT NOT NULL);
            INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT \(rows))
            SELECT i, (i * 2654435761) & 4294967295, printf('%020d', i) || '-abcdefghijklmnopqrstuvwxyz' FROM n;
            COMMIT;
            """
        guard sqlite3_exec(db, script, nil, nil, nil) == SQLITE_OK else { throw DatabaseError.call("generate", db) }
        print("generated \(rows) rows in \((ContinuousClock.now - started).inMilliseconds) ms")
    }

    /// A sort that no index helps.
    static let sort: SQL = "SELECT id, key, text FROM t ORDER BY key"
}

/// A database in a process of its own, with what the server does for memory, or deliberately without.
struct MemoryScene {
    let database: SQLiteDatabase
    let budget: MemoryBudget
    let trimmer: MemoryTrimmer

    /// - Parameter isGuarded: Whether limits are set and free memory is given back, as the server has it.
    static func open(
        _ path: String, budget: MemoryBudget, isGuarded: Bool = true,
        _ change: (inout SQLiteConfiguration) -> Void = { _ in }
    ) async throws -> MemoryScene {
        weir_limit_malloc_arenas(2)
        let trimmer = MemoryTrimmer(
            residentBytesMax: budget.queryLimitBytes, residentBytes: { residentAnonymousBytes() },
            trim: { weir_trim_malloc() })
        var configuration = SQLiteConfiguration(path: path, applicationID: TestDatabase.applicationID)
        configuration.readersMax = budget.readers
        configuration.memoryBytes = budget.totalBytes
        if isGuarded {
            SQLiteMemory.setHeapLimits(softBytes: budget.softLimitBytes, hardBytes: budget.hardLimitBytes)
            configuration.queryHeapBytesMax = budget.queryLimitBytes
            configuration.onMemoryReleased = { trimmer.released() }
        }
        change(&configuration)
        let scene = MemoryScene(
            database: try await SQLiteDatabase.open(configuration), budget: budget, trimmer: trimmer)
        // Every reader is open before anything is measured: as many short reads as readers, none ends before all run.
        let gathering = Gathering(count: budget.readers)
        try await scene.onEveryReader("warm up") { connection in
            gathering.join()
            _ = try connection.row("SELECT key FROM t WHERE id = 1") { $0.integer(0) }
        }
        return scene
    }

    func close() async {
        await self.database.close()
        self.trimmer.stop()
    }

    /// Runs a read for each reader, all at once.
    func onEveryReader(
        _ label: StaticString, timeout: Duration = .seconds(600),
        _ body: @escaping @Sendable (SQLiteConnection) throws -> Void
    ) async throws {
        let database = self.database
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<self.budget.readers {
                group.addTask {
                    try await database.read(Lease(label, acquireTimeout: timeout, timeout: timeout)) { db in
                        guard let connection = db as? SQLiteConnection else { preconditionFailure("another driver") }
                        try body(connection)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Holds threads until so many have come.
final class Gathering: @unchecked Sendable {
    // `missing` is guarded by `monitor`.
    private let monitor = Monitor()
    private let condition = Condition()
    private var missing: Int

    init(count: Int) { self.missing = count }

    func join() {
        self.monitor.withLock {
            self.missing -= 1
            self.condition.broadcast()
            while self.missing > 0 { self.condition.wait(self.monitor) }
        }
    }
}

extension SQLiteConnection {
    /// Sets a pragma inside a lease, which no caller may: for the deliberately wrong variants.
    func force(_ pragma: String) {
        sqlite3_set_authorizer(self.db, nil, nil)
        let code = sqlite3_exec(self.db, "PRAGMA \(pragma)", nil, nil, nil)
        precondition(code == SQLITE_OK, "PRAGMA \(pragma) failed with \(code)")
    }
}
