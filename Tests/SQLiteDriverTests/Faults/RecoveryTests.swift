//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CWeirSQLite
import ConnectionPoolModule
import SQLCore
import Synchronization
import TestSupport
import Testing

@testable import SQLiteDriver

/// Steps that tests of failures share.
struct FaultBench: Sendable {
    let plan: FaultPlan
    let database: SQLiteDatabase
    let ledger = Ledger()

    /// Opens a database below the fault layer, runs `body`, closes it, and compares the file with the ledger.
    static func with(
        _ change: (inout SQLiteConfiguration) -> Void = { _ in }, _ body: (FaultBench) async throws -> Void
    ) async throws {
        let plan = try FaultPlan(TemporaryDirectory())
        var configuration = plan.configuration
        change(&configuration)
        let bench = FaultBench(plan: plan, database: try await SQLiteDatabase.open(configuration))
        do {
            _ = try await bench.database.write(Lease("create")) { try $0.execute(Ledger.schema) }
            try await body(bench)
        } catch {
            await bench.database.close()
            throw error
        }
        await bench.database.close()
        let verdict = try await onThread { [configuration] in try bench.ledger.verdict(configuration) }
        #expect(verdict.isGood, "\(verdict)")
    }

    /// Writes a row and notes the answer.
    ///
    /// - Returns: The error, if any.
    @discardableResult
    func write(_ id: Int64, acquire: Duration = .seconds(20)) async -> (any Error)? {
        do {
            _ = try await self.database.write(Lease("write", acquireTimeout: acquire, timeout: .seconds(30))) {
                try Ledger.write(id, $0)
            }
            self.ledger.note(id, .committed)
            return nil
        } catch {
            self.ledger.note(id, error)
            return error
        }
    }

    func isThere(_ id: Int64) async throws -> Bool {
        try await self.database.read(Lease("look", acquireTimeout: .seconds(20), timeout: .seconds(30))) {
            try $0.row("SELECT 1 FROM ledger WHERE id = \(id)") { $0.integer(0) } != nil
        }
    }

    /// Writes rows that share a transaction: they queue behind one that waits for them.
    ///
    /// - Parameter prepare: Called on the writer's thread before they run.
    /// - Returns: The errors of those that failed.
    func writeTogether(
        _ ids: ClosedRange<Int64>, _ prepare: @escaping @Sendable () -> Void = {}
    ) async throws -> [any Error] {
        let mayGoOn = Flag()
        let hasBegun = Flag()
        let database = self.database
        async let first = database.write(Lease("first", timeout: .seconds(60))) { _ in
            hasBegun.set()
            mayGoOn.spin()
            prepare()
        }
        _ = try await eventually { hasBegun.isSet }
        let errors = try await withThrowingTaskGroup(of: (any Error)?.self) { group in
            for id in ids { group.addTask { await self.write(id) } }
            _ = try await eventually { database.writerPool.pending == ids.count }
            mayGoOn.set()
            return try await group.reduce(into: [any Error]()) { if let error = $1 { $0.append(error) } }
        }
        _ = try await first
        return errors
    }
}

@Suite("Recovery", .serialized, .timeLimit(.minutes(2)))
struct RecoveryTests {
    private static let syncFails = Fault(kind: WEIR_FAULT_SYNC, code: SQLITE_IOERR | 4 << 8)
    private static let syncSaysItFailed = Fault(
        kind: WEIR_FAULT_SYNC, code: SQLITE_IOERR | 4 << 8, effect: WEIR_FAULT_DONE)

    @Test(
        "a sync fails once: its whole group is unknown, and the next commit is made on a new connection",
        arguments: [Self.syncFails, Self.syncSaysItFailed])
    func syncFailsOnce(_ fault: Fault) async throws {
        try await FaultBench.with { bench async throws in
            for id in Int64(1)...20 { #expect(await bench.write(id) == nil) }
            let before = bench.database.writerStatistics.current
            #expect(before.connections == 1)
            // The transaction that the others wait behind has written nothing, and makes no sync.
            bench.plan.arm(fault)
            let errors = try await bench.writeTogether(101...110)
            #expect(bench.plan.hits == 1)
            #expect(errors.count == 10)
            #expect(errors.allSatisfy { ($0 as? DatabaseError)?.outcome == .unknown })
            // Whoever looks now sees what will be so for good.
            var seen: [Bool] = []
            for id in Int64(101)...110 { seen.append(try await bench.isThere(id)) }
            #expect(Set(seen).count == 1, "a transaction is there as a whole or not at all")
            #expect(await bench.write(200) == nil)
            let after = bench.database.writerStatistics.current
            #expect(after.connections == 2)
            #expect(after.commits == before.commits + 2)
            for (offset, wasSeen) in seen.enumerated() {
                #expect(try await bench.isThere(101 + Int64(offset)) == wasSeen)
            }
            #expect(bench.database.recovery == nil)
        }
    }

    @Test("a reader of before the failure is waited for; meanwhile nobody reads or writes, and the cause is told")
    func waitsForReaders() async throws {
        try await FaultBench.with { bench async throws in
            #expect(await bench.write(1) == nil)
            let hasBegun = Flag()
            let mayEnd = Flag()
            let database = bench.database
            async let old = database.read(Lease("export", timeout: .seconds(60))) { db in
                let count = try db.row("SELECT count(*) FROM ledger") { $0.integer(0) }
                hasBegun.set()
                mayEnd.spin()
                return count
            }
            #expect(try await eventually { hasBegun.isSet })
            bench.plan.arm(Self.syncFails)
            #expect((await bench.write(2) as? DatabaseError)?.outcome == .unknown)
            #expect(database.recovery?.contains("1034") ?? false)
            // The first refusal may come before the writer has tried, and failed, to open.
            #expect(
                try await eventually { await self.reason(of: bench.write(3, acquire: .milliseconds(300))) == .down })
            let told = await bench.write(4, acquire: .milliseconds(100))
            #expect("\(told.map { "\($0)" } ?? "")".contains("export"))
            await #expect {
                _ = try await database.read(Lease("look", acquireTimeout: .milliseconds(100))) { _ in }
            } throws: { error in
                if case .databaseDown(let cause)? = (error as? LeaseError)?.reason {
                    cause.contains("1034")
                } else {
                    false
                }
            }
            #expect(database.writerStatistics.current.connections == 1)
            mayEnd.set()
            #expect(try await old == 1)
            #expect(await bench.write(5) == nil)
            #expect(database.recovery == nil)
            #expect(database.writerStatistics.current.connections == 2)
            #expect(try await bench.isThere(1))
        }
    }

    private enum Reason {
        case down
        case other
    }

    private func reason(of error: (any Error)?) -> Reason {
        if case .databaseDown? = (error as? LeaseError)?.reason { return .down }
        return .other
    }

    @Test("what is read while the file is opened waits for it; an opening that fails is tried again")
    func opening() async throws {
        try await FaultBench.with { bench async throws in
            #expect(await bench.write(1) == nil)
            bench.plan.arm(Fault(kind: WEIR_FAULT_SYNC, code: SQLITE_IOERR | 4 << 8, isLasting: true))
            #expect((await bench.write(2) as? DatabaseError)?.outcome == .unknown)
            // The log cannot be written anew as long as no sync succeeds.
            #expect(try await eventually { bench.plan.hits > 3 })
            #expect(bench.database.recovery != nil)
            bench.plan.disarm()
            #expect(await bench.write(3) == nil)
            #expect(bench.database.recovery == nil)
        }
    }
}
