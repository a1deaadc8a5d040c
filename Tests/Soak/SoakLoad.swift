//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import SQLiteDriver
import TestSupport

/// Reads and writes of all kinds, at a pace that leaves the machine some room.
struct SoakLoad: Sendable {
    let database: SQLiteDatabase
    let ledger: SoakLedger
    let seed: UInt64
    let fault: Soak.Fault?

    /// Rows kept; the deleter takes what is over.
    private static let rowsWanted: Int64 = 100_000

    func prepare() async throws {
        _ = try await self.database.write(Lease("soak.create")) {
            try $0.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, content TEXT NOT NULL, checksum INTEGER NOT NULL)")
            try $0.execute("CREATE INDEX t_checksum ON t (checksum)")
            try $0.execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER NOT NULL, beats INTEGER)")
            try $0.execute("INSERT INTO counter (id, value, beats) VALUES (1, 0, 0)")
        }
        var generator = SeededGenerator(seed: self.seed)
        for _ in 0..<Self.rowsWanted / 1_000 { await self.insert(1_000, &generator) }
    }

    /// Runs until the ledger is stopped.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for number in UInt64(0)..<4 { self.add(&group, number, pause: 5...20) { await self.insert(1, &$0) } }
            self.add(&group, 10, pause: 200...800) { await self.insert(500, &$0) }
            for number in UInt64(20)..<28 { self.add(&group, number, pause: 0...10) { await self.readOne(&$0) } }
            for number in UInt64(30)..<32 { self.add(&group, number, pause: 5...50) { await self.readMany(&$0) } }
            for number in UInt64(40)..<42 { self.add(&group, number, pause: 500...3_000) { await self.sort(&$0) } }
            for number in UInt64(50)..<54 { self.add(&group, number, pause: 1...20) { await self.leave(&$0) } }
            self.add(&group, 60, pause: 100...1_000) { _ in await self.delete() }
            if let fault = self.fault { group.addTask { await self.plant(fault) } }
        }
    }

    /// Adds a task that does something again and again, with pauses of so many milliseconds.
    private func add(
        _ group: inout TaskGroup<Void>, _ number: UInt64, pause: ClosedRange<Int>,
        _ body: @escaping @Sendable (inout SeededGenerator) async -> Void
    ) {
        group.addTask {
            var generator = SeededGenerator(seed: self.seed &+ number)
            while !self.ledger.isStopped {
                await body(&generator)
                try? await Task.sleep(for: .milliseconds(Int.random(in: pause, using: &generator)))
            }
        }
    }

    // MARK: - Writes

    private func insert(_ count: Int64, _ generator: inout SeededGenerator) async {
        let ids = self.ledger.newIDs(count)
        let kind = count == 1 ? "write" : "batch write"
        let started = ContinuousClock.now
        do {
            let lease = Lease("soak.insert", acquireTimeout: .seconds(30), timeout: .seconds(30))
            _ = try await self.database.write(lease) { db in try Self.insert(ids, db) }
            self.ledger.committed(ids)
            self.ledger.count(kind, took: .now - started)
        } catch {
            self.ledger.lost(ids)
            self.ledger.problem("\(kind): \(error)")
        }
    }

    private static func insert(_ ids: Range<Int64>, _ db: any SQLWriting) throws {
        try db.executeBatch(
            "INSERT INTO t (id, content, checksum) VALUES (?, ?, ?)",
            rows: ids.map { id in
                let content = SoakLedger.content(id)
                return [.integer(id), .text(content), .integer(SoakLedger.checksum(content))]
            })
        try db.execute("UPDATE counter SET value = value + 1 WHERE id = 1")
    }

    /// Deletes the oldest rows, a slice at a time, until there are as many as wanted.
    private func delete() async {
        do {
            let lease = Lease("soak.oldest", lane: .maintenance, acquireTimeout: .seconds(30), timeout: .seconds(30))
            while !self.ledger.isStopped {
                let (oldest, newest) = try await self.database.read(lease) { db in
                    try db.row("SELECT min(id), max(id) FROM t") { ($0.integer(0), $0.integer(1)) } ?? (0, 0)
                }
                let end = newest - Self.rowsWanted
                guard oldest + 500 < end else { return }
                let last = min(oldest + 2_000, end)
                self.ledger.deleting(through: last)
                let started = ContinuousClock.now
                _ = try await self.database.write(lease) { try $0.execute("DELETE FROM t WHERE id <= \(last)") }
                self.ledger.count("bulk delete", took: .now - started)
            }
        } catch {
            self.ledger.problem("bulk delete: \(error)")
        }
    }

    // MARK: - Reads

    private func readOne(_ generator: inout SeededGenerator) async {
        let id = self.ledger.anyID(using: &generator)
        let mustExist = self.ledger.mustExist(id)
        let started = ContinuousClock.now
        do {
            let lease = Lease("soak.one", acquireTimeout: .seconds(10), timeout: .seconds(10))
            let row = try await self.database.read(lease) { db in
                try db.row("SELECT content, checksum FROM t WHERE id = \(id)") { ($0.text(0), $0.integer(1)) }
            }
            self.ledger.count("point read", took: .now - started)
            if let row {
                if row.0 != SoakLedger.content(id) || row.1 != SoakLedger.checksum(row.0) {
                    self.ledger.problem("row \(id) is not what was written")
                }
            } else if mustExist, self.ledger.mustExist(id) {
                self.ledger.problem("row \(id) is gone")
            }
        } catch {
            self.ledger.problem("point read: \(error)")
        }
    }

    private func readMany(_ generator: inout SeededGenerator) async {
        let first = self.ledger.anyID(using: &generator)
        let started = ContinuousClock.now
        do {
            let wrong = try await self.database.read(
                Lease("soak.many", acquireTimeout: .seconds(10), timeout: .seconds(10))
            ) { db in
                try db.rows("SELECT content, checksum FROM t WHERE id BETWEEN \(first) AND \(first + 200)") {
                    SoakLedger.checksum($0.text(0)) == $0.integer(1)
                }.count { !$0 }
            }
            self.ledger.count("range read", took: .now - started)
            if wrong > 0 { self.ledger.problem("\(wrong) rows from \(first) have a wrong checksum") }
        } catch {
            self.ledger.problem("range read: \(error)")
        }
    }

    /// A sort that takes longer than its deadline, more often than not.
    private func sort(_ generator: inout SeededGenerator) async {
        let timeout = Duration.milliseconds(Int.random(in: 20...3_000, using: &generator))
        do {
            _ = try await self.database.read(
                Lease("soak.sort", lane: .heavy, acquireTimeout: timeout, timeout: timeout)
            ) { db in
                try db.row("SELECT content FROM t ORDER BY substr(content, 3), checksum LIMIT 1 OFFSET 90000") {
                    $0.text(0)
                }
            }
            self.ledger.count("sort, ended")
        } catch let error as LeaseError where error.reason == .deadlineExceeded || error.reason == .busy {
            self.ledger.count(error.reason == .busy ? "sort, not begun" : "sort, stopped")
        } catch {
            self.ledger.problem("sort: \(error)")
        }
    }

    /// A caller that leaves at a random moment.
    private func leave(_ generator: inout SeededGenerator) async {
        let first = self.ledger.anyID(using: &generator)
        let ids = Bool.random(using: &generator) ? self.ledger.newIDs(1) : nil
        let task = Task {
            guard let ids else {
                return try await self.database.read(Lease("soak.left", timeout: .seconds(30))) { db in
                    try db.rows("SELECT checksum FROM t WHERE id BETWEEN \(first) AND \(first + 2000)") {
                        $0.integer(0)
                    }.count
                }
            }
            return try await self.database.write(
                Lease("soak.left", acquireTimeout: .seconds(30), timeout: .seconds(30))
            ) { db in
                try Self.insert(ids, db)
                return 0
            }.value
        }
        try? await Task.sleep(for: .microseconds(Int.random(in: 0...2_000, using: &generator)))
        task.cancel()
        do {
            _ = try await task.value
            if let ids { self.ledger.committed(ids) }
            self.ledger.count("left, too late")
        } catch is CancellationError {
            // A writer answers a cancelled write that had not begun: nothing of it is in the file.
            self.ledger.count("left, cancelled")
        } catch {
            if let ids { self.ledger.lost(ids) }
            self.ledger.problem("left: \(error)")
        }
    }

    // MARK: - Planted faults

    private func plant(_ fault: Soak.Fault) async {
        var kept: [[UInt8]] = []
        while !self.ledger.isStopped {
            try? await Task.sleep(for: .seconds(1))
            switch fault {
            case .memory: kept.append([UInt8](repeating: UInt8(kept.count & 0xff), count: 2 << 20))
            case .wedge:
                _ = try? await self.database.write(Lease("soak.wedge", timeout: .seconds(3_600))) { _ in
                    while !self.ledger.isStopped {}
                }
            case .row:
                _ = try? await self.database.write(Lease("soak.row")) {
                    try $0.execute("UPDATE t SET content = 'x' WHERE id = (SELECT max(id) - 1000 FROM t)")
                }
            }
        }
        precondition(kept.count < 1 << 20, "the planted leak is kept until here")
    }
}
