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

/// What a process's memory did. Printed by the process that measured it, read by the test.
struct MemoryCourse: Codable {
    var baseline = 0
    var peak = 0
    /// Five seconds after the last answer, or as soon as it is near the baseline.
    var after = 0
    /// Leases that were stopped at their deadline.
    var stopped = 0
    var connections = 0

    static let marker = "memory-course:"

    func print() throws {
        Swift.print(Self.marker + String(decoding: try JSONEncoder().encode(self), as: UTF8.self))
    }

    init() {}

    init(_ result: ExitTest.Result?) throws {
        let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        let line = output.split(separator: "\n").first { $0.hasPrefix(Self.marker) }
        let json = try #require(line?.dropFirst(Self.marker.count), "the process printed no figures: \(output)")
        self = try JSONDecoder().decode(Self.self, from: Data(json.utf8))
        Swift.print(
            "RssAnon in MB: baseline \(self.baseline >> 20), peak \(self.peak >> 20), after \(self.after >> 20)")
    }

    /// How near the baseline counts as back: a quarter of what is promised, so that kept caches do not pass.
    static let nearBytes = 8 << 20

    /// Runs `body` while watching the memory, then gives it a while to come back.
    static func watch(
        patience: Duration = .seconds(5), _ body: (inout MemoryCourse) async throws -> Void
    ) async throws -> MemoryCourse {
        var course = MemoryCourse()
        course.baseline = residentAnonymousBytes()
        let meter = PeakMeter()
        try await body(&course)
        let baseline = course.baseline
        _ = try await eventually(within: patience) { residentAnonymousBytes() <= baseline + Self.nearBytes }
        course.after = residentAnonymousBytes()
        course.peak = meter.stop()
        return course
    }
}

@Suite("Memory returns", .serialized, .timeLimit(.minutes(10)))
struct MemoryReturnsTests {
    private static let budget = MemoryBudget(totalBytes: 64 << 20, readers: 4)

    /// The promise: the peak stays under the budget plus 100 MB, and the memory comes back.
    private func isKept(_ course: MemoryCourse) -> Bool {
        course.peak < Self.budget.totalBytes + 100_000_000
            && course.after <= course.baseline + MemoryCourse.nearBytes
    }

    @Test("a full sort stopped at its deadline on four readers at once keeps to the budget and leaves nothing behind")
    func sorts() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("large.db")
        try LargeFile.make(at: path)
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String] in
            let scene = try await MemoryScene.open(path, budget: Self.budget)
            let deadline: Duration = LargeFile.isFull ? .seconds(12) : .milliseconds(300)
            let course = try await MemoryCourse.watch { course in
                course.stopped = await Self.sort(scene, deadline: deadline)
            }
            try course.print()
            await scene.close()
        }
        let course = try MemoryCourse(result)
        #expect(course.stopped == 4)
        #expect(self.isKept(course))
    }

    @Test("with sorts in memory and nothing given back the same check fails")
    func sortsInMemory() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("large.db")
        try LargeFile.make(at: path)
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String] in
            let scene = try await MemoryScene.open(path, budget: Self.budget, isGuarded: false)
            let course = try await MemoryCourse.watch(patience: .seconds(1)) { course in
                course.stopped = await Self.sort(scene, deadline: LargeFile.isFull ? .seconds(12) : .seconds(3)) {
                    $0.force("temp_store=MEMORY")
                }
            }
            try course.print()
            await scene.close()
        }
        #expect(!self.isKept(try MemoryCourse(result)))
    }

    /// Sorts on every reader at once.
    ///
    /// - Returns: How many were stopped at their deadline.
    private static func sort(
        _ scene: MemoryScene, deadline: Duration,
        _ prepare: @escaping @Sendable (SQLiteConnection) -> Void = { _ in }
    ) async -> Int {
        let database = scene.database
        return await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<scene.budget.readers {
                group.addTask {
                    do {
                        _ = try await database.read(Lease("sort", timeout: deadline)) { db in
                            if let connection = db as? SQLiteConnection { prepare(connection) }
                            return try db.row(LargeFile.sort) { $0.integer(0) }
                        }
                        return false
                    } catch {
                        return (error as? LeaseError)?.reason == .deadlineExceeded
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }

    // MARK: - Many readers

    private static let manyReaders = MemoryBudget(totalBytes: 64 << 20, readers: 16)

    private func isUnderCeiling(_ course: MemoryCourse) -> Bool {
        course.peak <= course.baseline + Self.manyReaders.totalBytes + (32 << 20)
            && course.after <= course.baseline + MemoryCourse.nearBytes
    }

    private static let scan: SQL = "SELECT count(*), sum(length(text)) FROM t"

    @Test("sixteen readers that scan a large file stay under the budget, and give their caches back")
    func scans() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("large.db")
        try LargeFile.make(at: path)
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String] in
            let scene = try await MemoryScene.open(path, budget: Self.manyReaders)
            // A SQLite that does not count its memory has no limits either.
            precondition(SQLiteMemory.figures.usedBytes > 0)
            let course = try await MemoryCourse.watch { course in
                try await scene.onEveryReader("scan") { _ = try $0.row(Self.scan) { $0.integer(0) } }
                course.connections = scene.database.readerPool.connections
            }
            try course.print()
            await scene.close()
        }
        let course = try MemoryCourse(result)
        #expect(course.connections == 16)
        #expect(self.isUnderCeiling(course))
    }

    @Test("with large caches that are kept the same check fails")
    func scansWithLargeCaches() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("large.db")
        try LargeFile.make(at: path, rows: min(LargeFile.rows, 1_000_000))
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String] in
            let scene = try await MemoryScene.open(path, budget: Self.manyReaders, isGuarded: false)
            let course = try await MemoryCourse.watch(patience: .seconds(1)) { course in
                try await scene.onEveryReader("scan") { connection in
                    connection.force("cache_size=-1048576")
                    _ = try connection.row(Self.scan) { $0.integer(0) }
                    // As if nothing long had run, so that the cache is kept.
                    _ = connection.work.takeHasRunLong()
                }
                course.connections = scene.database.readerPool.connections
            }
            try course.print()
            await scene.close()
        }
        #expect(!self.isUnderCeiling(try MemoryCourse(result)))
    }
}
