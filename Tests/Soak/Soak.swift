//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSystem
import ConnectionPoolModule
import FoundationEssentials
import Glibc
import SQLCore
import SQLiteDriver
import TestSupport

/// Hours of mixed load on one database, watched once a second.
///
///     soak MINUTES DIRECTORY [memory|wedge|row]
///
/// The last argument plants a fault, which the run must find: then it is the proof that the checks can fail.
@main
struct Soak {
    /// A fault that a run must find.
    enum Fault: String, CaseIterable, Sendable {
        /// Memory that is never given back.
        case memory
        /// A writer that is held for good.
        case wedge
        /// A row that changes behind everybody's back.
        case row
    }

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let minutes = Double(arguments[1]), minutes > 0 else {
            print("usage: soak MINUTES DIRECTORY [\(Fault.allCases.map(\.rawValue).joined(separator: "|"))]")
            exit(64)
        }
        let fault = arguments.count > 3 ? Fault(rawValue: arguments[3]) : nil
        // As the server does: each arena of glibc keeps what was freed in it.
        weir_limit_malloc_arenas(2)
        let directory = arguments[2]
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = "\(directory)/soak.db"
        for suffix in ["", "-wal", "-shm", ".lock"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        let isRight = try await Self.run(path: path, minutes: minutes, fault: fault)
        exit(isRight ? 0 : 1)
    }

    /// Opens the database, lets the load run, and judges.
    private static func run(path: String, minutes: Double, fault: Fault?) async throws -> Bool {
        let seed = UInt64.random(in: 1...UInt64.max)
        print("soak: \(minutes) minutes, seed \(seed), \(path)\(fault.map { ", planted fault: \($0.rawValue)" } ?? "")")
        var configuration = SQLiteConfiguration(path: path, applicationID: 0x736f_616b)
        configuration.readersMax = 4
        configuration.readerIdleTimeout = .seconds(10)
        configuration.readerLifetimeMax = .seconds(120)
        let database = try await SQLiteDatabase.open(configuration)
        let ledger = SoakLedger()
        let load = SoakLoad(database: database, ledger: ledger, seed: seed, fault: fault)
        try await load.prepare()
        let sampler = SoakSampler(database: database, path: path, ledger: ledger)
        sampler.start()
        let watchdog = SoakWatchdog(database: database, ledger: ledger)
        watchdog.start()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await load.run() }
            group.addTask { await watchdog.run() }
            group.addTask {
                let end = ContinuousClock.now.advanced(by: .seconds(minutes * 60))
                // Only a cancelled task's sleep throws, and nobody cancels this one.
                while ContinuousClock.now < end, !ledger.isStopped { try? await Task.sleep(for: .milliseconds(200)) }
                ledger.stop()
            }
        }
        let problems = await Self.finish(database, path: path, ledger: ledger, sampler: sampler)
        for problem in problems { print("soak: WRONG: \(problem)") }
        print(problems.isEmpty ? "soak: all right" : "soak: \(problems.count) problems")
        return problems.isEmpty
    }

    /// Closes the database, looks at every row and every figure, and prints the summary.
    private static func finish(
        _ database: SQLiteDatabase, path: String, ledger: SoakLedger, sampler: SoakSampler
    ) async -> [String] {
        var problems = ledger.problems
        let writer = database.writerStatistics.current
        let readers = database.readerPool
        if readers.pending > 0 || database.writerPool.pending > 0 { problems.append("leases were left waiting") }
        sampler.stop()
        await database.close()
        if sampler.walBytesNow > 0 { problems.append("the log was not emptied at the end") }
        problems += SoakFile.check(path: path, ledger: ledger)
        problems += sampler.verdicts
        print(ledger.summary)
        print("  commits \(writer.commits), members \(writer.members), checkpoints \(writer.checkpoints)")
        print("  reader leases \(readers.leases), refused or stopped \(readers.timeouts)")
        print(sampler.table)
        return problems
    }
}
