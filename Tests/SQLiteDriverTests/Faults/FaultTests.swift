//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CWeirSQLite
import ConnectionPoolModule
import FoundationEssentials
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// One database, from opening to closing, with one fault on its way.
private struct FaultRun: Sendable {
    let fault: Fault
    let nth: Int64
    let plan: FaultPlan
    let ledger = Ledger()

    struct Result: Sendable {
        var nth: Int64
        /// Whether the fault was met at all.
        var wasHit: Bool
        var verdict: Ledger.Verdict
        var unknown: Int
        var notCommitted: Int
        var figures: WriterStatistics.Figures?
    }

    init(_ fault: Fault, nth: Int64) throws {
        self.fault = fault
        self.nth = nth
        self.plan = try FaultPlan(TemporaryDirectory(inMemory: true))
    }

    func result() async throws -> Result {
        self.plan.arm(self.fault, nth: self.nth)
        var configuration = self.plan.configuration
        // Small enough that members read pages in, and spill them, in the middle of a transaction.
        configuration.cacheBytes = 64 << 10
        configuration.walGoalBytes = 32 << 10
        configuration.busyTimeout = .milliseconds(50)
        let database = try await self.open(configuration)
        await self.work(database)
        let figures = database.writerStatistics.current
        self.plan.disarm()
        await self.expectRecovery(database)
        await database.close()
        let verdict = try await onThread { [configuration] in try self.ledger.verdict(configuration) }
        return Result(
            nth: self.nth, wasHit: self.plan.hits > 0, verdict: verdict, unknown: self.ledger.count(.unknown),
            notCommitted: self.ledger.count(.notCommitted), figures: figures)
    }

    /// An opening that fails does so with a type, and the next one succeeds once the fault is over.
    private func open(_ configuration: SQLiteConfiguration) async throws -> SQLiteDatabase {
        do {
            return try await SQLiteDatabase.open(configuration)
        } catch {
            if !(error is DatabaseError) { self.ledger.complain("open: \(error)") }
        }
        if self.fault.isLasting { self.plan.disarm() }
        return try await SQLiteDatabase.open(configuration)
    }

    private func lease(_ label: StaticString) -> Lease {
        Lease(label, acquireTimeout: self.fault.isLasting ? .milliseconds(60) : .seconds(10), timeout: .seconds(20))
    }

    private func write(_ id: Int64, _ database: SQLiteDatabase) async -> Bool {
        do {
            _ = try await database.write(self.lease("write")) { try Ledger.write(id, $0) }
            self.ledger.note(id, .committed)
            return true
        } catch {
            self.ledger.note(id, error)
            return false
        }
    }

    /// Thirty writes from six tasks, in groups; each task reads what it wrote.
    private func work(_ database: SQLiteDatabase) async {
        for _ in 0..<3 {
            let isThere = try? await database.write(self.lease("create")) { try $0.execute(Ledger.schema) }
            if isThere != nil { break }
        }
        await withTaskGroup(of: Void.self) { group in
            for task in Int64(0)..<6 {
                group.addTask {
                    for round in Int64(0)..<5 {
                        let id = 6 * round + task
                        let isCommitted = await self.write(id, database)
                        await self.read(id, isCommitted, database)
                        if !isCommitted, self.fault.isLasting { return }
                    }
                }
            }
        }
    }

    private func read(_ id: Int64, _ isCommitted: Bool, _ database: SQLiteDatabase) async {
        do {
            let text = try await database.read(self.lease("read")) {
                try $0.row("SELECT text FROM ledger WHERE id = \(id)") { $0.text(0) }
            }
            if isCommitted, text != Ledger.text(id) { self.ledger.complain("row \(id) was not read back") }
        } catch {
            self.ledger.noteRead(error)
        }
    }

    /// The same object takes writes again, without a restart.
    private func expectRecovery(_ database: SQLiteDatabase) async {
        let end = ContinuousClock.now.advanced(by: .seconds(20))
        var id: Int64 = 1_000
        while ContinuousClock.now < end {
            _ = try? await database.write(self.lease("create")) { try $0.execute(Ledger.schema) }
            if await self.write(id, database), database.recovery == nil { return }
            id += 1
        }
        self.ledger.complain("no write was accepted any more")
    }
}

/// A writer that makes the mistakes ours must not make: it does not ask whether SQLite ended the transaction under a
/// member, and when COMMIT fails it tries again on the same handle and believes the second word.
private struct CarelessWriter {
    let ledger: Ledger

    func run(_ configuration: SQLiteConfiguration) throws {
        let connection = try SQLiteConnection(configuration, role: .writer)
        defer { connection.close() }
        _ = try connection.execute(Ledger.schema)
        for group in Int64(0)..<8 {
            var members: [Int64] = []
            try? connection.control("BEGIN IMMEDIATE")
            for id in (4 * group)..<(4 * group + 4) {
                do {
                    try? connection.control("SAVEPOINT member")
                    try Ledger.write(id, connection)
                    try? connection.control("RELEASE member")
                    members.append(id)
                } catch {
                    try? connection.control("ROLLBACK TO member")
                    try? connection.control("RELEASE member")
                    self.ledger.note(id, .notCommitted)
                }
            }
            if (try? connection.control("COMMIT")) == nil { try? connection.control("COMMIT") }
            for id in members { self.ledger.note(id, .committed) }
        }
    }
}

@Suite("Faults of the disk", .serialized, .timeLimit(.minutes(10)))
struct FaultTests {
    /// Every call with `WEIR_FAULT_STRIDE=1`. By default every call for faults that come once; of the kinds with a
    /// hundred calls every seventh, from a start drawn by lot, for faults that last: such a run waits for time-outs.
    private static func stride(_ fault: Fault) -> Int64 {
        let chosen = ProcessInfo.processInfo.environment["WEIR_FAULT_STRIDE"].flatMap { Int64($0) }
        let isFrequent = [WEIR_FAULT_READ, WEIR_FAULT_WRITE, WEIR_FAULT_SHM_LOCK].contains(fault.kind)
        return max(1, chosen ?? (fault.isLasting && isFrequent ? 7 : 1))
    }

    /// Fails call after call of a kind until the workload is through without meeting the fault.
    private func sweep(_ fault: Fault) async throws -> [FaultRun.Result] {
        let stride = Self.stride(fault)
        let start = Int64.random(in: 1...stride)
        // Several at once, since most of the time of a run is waiting. One wave without a fault ends the sweep.
        let width: Int64 = 8
        var results: [FaultRun.Result] = []
        var next = start
        while true {
            let numbers = (0..<width).map { next + $0 * stride }
            next += width * stride
            let found = try await withThrowingTaskGroup(of: FaultRun.Result.self) { group in
                for nth in numbers { group.addTask { try await FaultRun(fault, nth: nth).result() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            results += found.filter(\.wasHit)
            for result in found where !result.verdict.isGood {
                Issue.record("\(fault), call \(result.nth): \(result.verdict)")
            }
            if !found.contains(where: \.wasHit) { break }
        }
        let notCommitted = results.map(\.notCommitted).reduce(0, +)
        let unknown = results.map(\.unknown).reduce(0, +)
        print(
            "\(fault): \(results.count) runs, from call \(start) by \(stride); "
                + "\(notCommitted) writes not committed, \(unknown) unknown")
        return results
    }

    @Test("a call that fails once loses nothing, and writes go on", arguments: Fault.all)
    func once(_ fault: Fault) async throws {
        let results = try await self.sweep(fault)
        #expect(!results.isEmpty, "the workload makes no such call")
    }

    /// A lock that is refused for ever is left out: SQLite itself asks for it for ten seconds before it gives up.
    @Test(
        "calls that go on failing lose nothing, and writes go on once they no longer fail",
        arguments: Fault.all.filter { $0.code != SQLITE_BUSY })
    func lasting(_ fault: Fault) async throws {
        var fault = fault
        fault.isLasting = true
        let results = try await self.sweep(fault)
        #expect(!results.isEmpty, "the workload makes no such call")
    }

    @Test("the workload writes in groups and checkpoints, and does well without faults")
    func workload() async throws {
        var (checkpoints, commits, members) = (0, 0, 0)
        for _ in 0..<10 {
            let run = try FaultRun(Fault(kind: WEIR_FAULT_SYNC, code: SQLITE_IOERR), nth: .max / 2)
            let result = try await run.result()
            #expect(!result.wasHit && result.verdict.isGood && result.unknown == 0 && result.notCommitted == 0)
            let figures = try #require(result.figures)
            checkpoints += figures.checkpoints
            commits += figures.commits
            members += figures.members
        }
        #expect(commits * 3 < members * 2)
        // One as the file is opened, and on average more than one while six tasks read and write.
        #expect(checkpoints > 20)
    }

    @Test(
        "control: a careless writer loses rows it has acknowledged",
        arguments: Fault.all.filter { [WEIR_FAULT_READ, WEIR_FAULT_WRITE, WEIR_FAULT_SYNC].contains($0.kind) })
    func careless(_ fault: Fault) async throws {
        let lost = try await onThread {
            var lost = 0
            for nth in Int64(1)..<1_000 {
                let plan = try FaultPlan(TemporaryDirectory(inMemory: true))
                plan.arm(fault, nth: nth)
                var configuration = plan.configuration
                configuration.cacheBytes = 64 << 10
                let ledger = Ledger()
                try? CarelessWriter(ledger: ledger).run(configuration)
                if plan.hits == 0 { break }
                lost += try ledger.verdict(configuration).lost.count
                if lost >= 20 { break }
            }
            return lost
        }
        print("control, \(fault): \(lost) acknowledged rows lost")
        #expect(lost > 0)
    }
}
