//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench
import ConnectionPoolModule
import SQLCore
import SQLiteDriver
import Synchronization

/// How late the caller of a statement that runs too long is answered, and how late its connection is back.
///
/// The statements would run for minutes (a scan of a product of two tables) and seconds (a sort of two million rows);
/// their deadlines are drawn so that they fall into every phase. Alone, and beside 64 tasks that read. A plain thread that
/// sleeps until the same instants shows how much of it is the machine's.
struct DeadlineCase {
    let options: Options

    private enum Statement: String, CaseIterable {
        case scan
        case sort

        /// Deadlines in milliseconds.
        var timeouts: ClosedRange<Int> {
            switch self {
            case .scan: 20...150
            case .sort: 50...800
            }
        }

        var sql: SQL {
            switch self {
            case .scan: "SELECT count(*) FROM jobs a, jobs b WHERE length(a.name) + length(b.branch) < 0"
            case .sort:
                """
                WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 10)
                SELECT j.name FROM k, jobs j ORDER BY (j.id * 7919 + n * 104729) % 1000003, j.name
                """
            }
        }
    }

    func run() async throws -> [Entry] {
        guard self.options.peers?.contains(.weir) ?? true else { return [] }
        var entries: [Entry] = []
        for statement in Statement.allCases {
            for tasks in [1, 64] {
                let name = "deadline, \(statement.rawValue)\(tasks == 1 ? "" : " beside readers")"
                guard self.options.wants(name) else { continue }
                let entry = try await self.run(statement, name: name, tasks: tasks)
                let figures = (entry.peers["weir"] ?? [:]).sorted { $0.key < $1.key }
                say("\(name): " + figures.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
                entries.append(entry)
            }
        }
        return entries
    }

    private func run(_ statement: Statement, name: String, tasks: Int) async throws -> Entry {
        let peer = try await WeirPeer(
            PeerSetup(
                path: Peers.fill("deadline", self.options), rows: self.options.rows,
                // Alone, the only connection, so that the next lease shows when it is back.
                readers: tasks == 1 ? 1 : self.options.readers, isFull: true))
        weir_bench_set_stopped(false)
        defer { weir_bench_set_stopped(false) }
        var entry = Entry(name: name, tasks: tasks)
        try await withThrowingTaskGroup(of: Void.self) { group in
            if tasks > 1 {
                group.addTask { _ = try await peer.run(.pointRead, Load(tasks: tasks, seconds: 600)) }
            }
            try await self.samples(statement, peer, isAlone: tasks == 1, into: &entry)
            weir_bench_set_stopped(true)
            try await group.waitForAll()
        }
        await peer.close()
        return entry
    }

    private func samples(
        _ statement: Statement, _ peer: WeirPeer, isAlone: Bool, into entry: inout Entry
    ) async throws {
        var answers = Histogram()
        var engines = Histogram()
        var leases = Histogram()
        var sleepers = Histogram()
        var state: UInt64 = 5
        let count = self.options.isQuick ? 10 : statement == .scan ? 150 : 60
        for _ in 0..<count {
            let span = UInt64(statement.timeouts.count)
            let timeout = statement.timeouts.lowerBound + Int(weir_bench_next(&state) % span)
            let deadline = weir_bench_now() + UInt64(timeout) * 1_000_000
            let sleeper = Returned()
            WorkerThread.start(name: "sleeper") {
                weir_bench_sleep_until(deadline)
                sleeper.note()
            }
            let returned = try await self.overrun(statement, peer.database, timeout: .milliseconds(timeout))
            answers.record(Self.late(weir_bench_now(), deadline))
            if isAlone {
                let next = Lease("bench.next", acquireTimeout: .seconds(30), timeout: .seconds(60))
                _ = try await peer.database.read(next) { _ in 0 }
                leases.record(Self.late(weir_bench_now(), deadline))
            }
            engines.record(Self.late(try await returned.instant(), deadline))
            sleepers.record(Self.late(try await sleeper.instant(), deadline))
        }
        entry.add(.weir, "stopped", Double(count))
        var all = [("answer", answers), ("engine", engines), ("thread", sleepers)]
        if isAlone { all.append(("next_lease", leases)) }
        for (key, histogram) in all {
            entry.add(.weir, "\(key)_late_p50_ms", (histogram.percentile(0.5) ?? 0) / 1e3)
            entry.add(.weir, "\(key)_late_p99_ms", (histogram.percentile(0.99) ?? 0) / 1e3)
            entry.add(.weir, "\(key)_late_max_ms", Double(histogram.maxNanoseconds) / 1e6)
        }
    }

    /// When something on another thread was over.
    private final class Returned: Sendable {
        private let at = Atomic<UInt64>(0)

        func note() { self.at.store(weir_bench_now(), ordering: .releasing) }

        func instant() async throws -> UInt64 {
            while true {
                let instant = self.at.load(ordering: .acquiring)
                if instant > 0 { return instant }
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    /// Runs the statement and returns once its caller has been told that its deadline passed.
    private func overrun(
        _ statement: Statement, _ database: SQLiteDatabase, timeout: Duration
    ) async throws -> Returned {
        let returned = Returned()
        let sql = statement.sql
        do {
            let lease = Lease("bench.late", acquireTimeout: timeout, timeout: timeout)
            _ = try await database.read(lease) { db in
                defer { returned.note() }
                return try db.rows(sql) { $0.integer(0) }.count
            }
        } catch let error as LeaseError {
            guard error.hadStarted else { throw error }
            return returned
        }
        throw BenchFailure("the \(statement.rawValue) ended before its deadline: nothing was measured")
    }

    /// Nanoseconds past the deadline; none for what came before it.
    private static func late(_ instant: UInt64, _ deadline: UInt64) -> UInt64 {
        instant > deadline ? instant - deadline : 0
    }
}
