//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Foundation
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// What became of reads and writes at the limits. Printed by the process that met them, read by the test.
private struct LimitOutcome: Codable {
    var committed = 0
    /// Writes that failed for want of memory.
    var refusedWrites = 0
    /// The error of the query that gathered too much.
    var queryError = ""
    var connectionsReplaced = false
    var usedBytesMax = 0

    static let marker = "limit-outcome:"

    init() {}

    init(_ result: ExitTest.Result?) throws {
        let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        let line = output.split(separator: "\n").first { $0.hasPrefix(Self.marker) }
        let json = try #require(line?.dropFirst(Self.marker.count), "the process printed no outcome: \(output)")
        self = try JSONDecoder().decode(Self.self, from: Data(json.utf8))
        Swift.print("\(json)")
    }

    func print() throws {
        Swift.print(Self.marker + String(decoding: try JSONEncoder().encode(self), as: UTF8.self))
    }
}

@Suite("Limits of SQLite's heap", .serialized, .timeLimit(.minutes(5)))
struct MemoryLimitTests {
    private static let budget = MemoryBudget(totalBytes: 16 << 20, readers: 4)

    // MARK: - The writer beside sorts

    /// Writes beside readers that hold sorts, each between the sort and its first row.
    ///
    /// - Parameter limit: Sets the limits once the sorts hold their memory.
    private static func writeBesideSorts(_ path: String, limit: () -> Void) async throws {
        let scene = try await MemoryScene.open(path, budget: Self.budget)
        let mayEnd = Flag()
        let sorted = Gathering(count: 5)
        var outcome = LimitOutcome()
        outcome = try await withThrowingTaskGroup(of: LimitOutcome?.self) { group in
            group.addTask {
                try await scene.onEveryReader("sort") { connection in
                    _ = try connection.row(LargeFile.sort) { _ in
                        sorted.join()
                        while !mayEnd.isSet { usleep(1_000) }
                    }
                }
                return nil
            }
            try await onThread { sorted.join() }
            limit()
            let outcome = await Self.write(scene.database, count: 200)
            mayEnd.set()
            SQLiteMemory.setHeapLimits(softBytes: 0, hardBytes: 0)
            try await group.waitForAll()
            return outcome
        }
        try outcome.print()
        await scene.close()
    }

    /// Writes until one fails.
    private static func write(_ database: SQLiteDatabase, count: Int) async -> LimitOutcome {
        var outcome = LimitOutcome()
        let text = String(repeating: "x", count: 100_000)
        for round in 0..<count {
            do {
                _ = try await database.write(Lease("write", acquireTimeout: .seconds(60), timeout: .seconds(60))) {
                    try $0.execute("INSERT INTO t (key, text) VALUES (\(round), \(text))")
                }
                outcome.committed += 1
            } catch {
                if (error as? DatabaseError)?.code.primary == .sqliteNoMemory { outcome.refusedWrites += 1 }
                break
            }
        }
        return outcome
    }

    @Test("the writer commits while every reader sorts")
    func writerBesideSorts() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("large.db")
        try LargeFile.make(at: path, rows: 200_000)
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String] in
            try await Self.writeBesideSorts(path) {}
        }
        let outcome = try LimitOutcome(result)
        #expect(outcome.committed == 200 && outcome.refusedWrites == 0)
    }

    @Test("with a hard limit no higher than what the readers' sorts need, the writer is refused memory")
    func tightHardLimit() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("large.db")
        try LargeFile.make(at: path, rows: 200_000)
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String] in
            try await Self.writeBesideSorts(path) {
                let used = SQLiteMemory.figures.usedBytes
                SQLiteMemory.setHeapLimits(softBytes: used, hardBytes: used)
            }
        }
        #expect(try LimitOutcome(result).refusedWrites > 0)
    }

    // MARK: - A query that gathers

    /// Four texts of up to 50 MB each, which no cache bounds.
    private static let gathering: SQL = """
        SELECT length(group_concat(text)) + length(group_concat(text || 'a')) + length(group_concat(text || 'bc'))
            + length(group_concat(text || 'def')) FROM t
        """

    private static func gather(_ path: String, heapBytesMax: Int?) async throws {
        let scene = try await MemoryScene.open(path, budget: Self.budget) { $0.queryHeapBytesMax = heapBytesMax }
        let database = scene.database
        let opened = database.readerPool.createTime.count
        async let writes = Self.write(database, count: 200)
        var queryError = "none"
        do {
            _ = try await database.read(Lease("gather", timeout: .seconds(60))) {
                try $0.row(Self.gathering) { $0.integer(0) }
            }
        } catch {
            queryError = "\(error)"
        }
        var outcome = await writes
        outcome.queryError = queryError
        outcome.usedBytesMax = SQLiteMemory.figures.usedBytesMax
        _ = try await database.read(Lease("after")) { try $0.row("SELECT 1") { $0.integer(0) } }
        outcome.connectionsReplaced = database.readerPool.createTime.count > opened
        try outcome.print()
        await scene.close()
    }

    private func isStoppedInTime(_ outcome: LimitOutcome) -> Bool {
        outcome.queryError.contains("gathered more in memory") && !outcome.connectionsReplaced
            && outcome.usedBytesMax < Self.budget.hardLimitBytes && outcome.committed == 200
    }

    @Test("a query that gathers too much in memory is stopped before anybody is refused memory")
    func gathering() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("large.db")
        try LargeFile.make(at: path, rows: 1_000_000)
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String] in
            try await Self.gather(path, heapBytesMax: Self.budget.queryLimitBytes)
        }
        #expect(self.isStoppedInTime(try LimitOutcome(result)))
    }

    @Test("with the hard limit alone the same check fails")
    func gatheringToTheHardLimit() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("large.db")
        try LargeFile.make(at: path, rows: 1_000_000)
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String] in
            try await Self.gather(path, heapBytesMax: nil)
        }
        #expect(!self.isStoppedInTime(try LimitOutcome(result)))
    }
}
