//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import ConnectionPoolModule
import Glibc
import SQLCore
import SQLiteDriver

/// Asks the reader pool and the writer for something small once a second: whatever else goes on, both must answer.
final class SoakWatchdog: @unchecked Sendable {
    // `answeredAt` is guarded by `monitor`.
    private let database: SQLiteDatabase
    private let ledger: SoakLedger
    private let monitor = Monitor()
    private var answeredAt = ContinuousClock.now

    /// What a small lease may take at most, on a machine that does much else.
    private static let patience: Duration = .seconds(10)
    /// Without any answer for this long, not even a refusal, the process is beyond hope.
    private static let silenceMax: Duration = .seconds(60)

    init(database: SQLiteDatabase, ledger: SoakLedger) {
        self.database = database
        self.ledger = ledger
    }

    /// Starts the thread that ends the process when nobody is answered any more: the tasks may be what is stuck.
    func start() {
        WorkerThread.start(name: "watchdog") { [self] in
            while !self.ledger.isStopped {
                sleep(1)
                let silence = self.monitor.withLock { ContinuousClock.now - self.answeredAt }
                guard silence > Self.silenceMax else { continue }
                print("soak: WEDGED: no lease was answered or refused for \(silence)")
                exit(3)
            }
        }
    }

    /// Leases a reader and the writer once a second until the ledger is stopped.
    func run() async {
        while !self.ledger.isStopped {
            await self.ask("watchdog read") {
                _ = try await self.database.read(
                    Lease("soak.watchdog", acquireTimeout: Self.patience, timeout: Self.patience)
                ) { try $0.row("SELECT beats FROM counter WHERE id = 1") { $0.integer(0) } }
            }
            await self.ask("watchdog write") {
                _ = try await self.database.write(
                    Lease("soak.watchdog", acquireTimeout: Self.patience, timeout: Self.patience)
                ) { try $0.execute("UPDATE counter SET beats = beats + 1 WHERE id = 1") }
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func ask(_ kind: String, _ body: () async throws -> Void) async {
        let started = ContinuousClock.now
        do {
            try await body()
            self.ledger.count(kind, took: .now - started)
        } catch {
            self.ledger.problem("\(kind): \(error)")
        }
        self.monitor.withLock { self.answeredAt = .now }
    }
}

/// Looks at the file when the load has ended and the database is closed.
enum SoakFile {
    static func check(path: String, ledger: SoakLedger) -> [String] {
        var db: OpaquePointer?
        defer { sqlite3_close(db) }
        guard sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else {
            return ["the file cannot be opened: \(String(cString: sqlite3_errmsg(db)))"]
        }
        var problems: [String] = []
        Self.rows(db, "PRAGMA integrity_check") { row in
            let answer = String(cString: sqlite3_column_text(row, 0))
            if answer != "ok" { problems.append("integrity_check: \(answer)") }
        }
        var ids: [Int64] = []
        var wrong = 0
        Self.rows(db, "SELECT id, content, checksum FROM t") { row in
            let id = sqlite3_column_int64(row, 0)
            let content = String(cString: sqlite3_column_text(row, 1))
            ids.append(id)
            let checksum = sqlite3_column_int64(row, 2)
            if content != SoakLedger.content(id) || checksum != SoakLedger.checksum(content) { wrong += 1 }
        }
        if wrong > 0 { problems.append("\(wrong) rows are not what was written") }
        var increments: Int64 = -1
        Self.rows(db, "SELECT value FROM counter WHERE id = 1") { increments = sqlite3_column_int64($0, 0) }
        problems += ledger.compare(ids: ids, increments: increments)
        print("  rows checked at the end: \(ids.count), counter \(increments)")
        return problems
    }

    private static func rows(_ db: OpaquePointer?, _ sql: String, _ body: (OpaquePointer?) -> Void) {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_prepare_v2(db, sql, -1, &statement, nil) == SQLITE_OK else { return }
        while sqlite3_step(statement) == SQLITE_ROW { body(statement) }
    }
}
