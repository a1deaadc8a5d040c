//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import SQLiteDriver

@Suite("MemoryBudget")
struct MemoryBudgetTests {
    /// In MiB.
    struct Example: Sendable {
        let machine: Int
        var given: Int?
        let total: Int
        let reader: Int
        let writer: Int
    }

    private static let examples = [
        Example(machine: 100, total: 16, reader: 1, writer: 4),
        Example(machine: 1_024, total: 128, reader: 8, writer: 32),
        Example(machine: 16_384, total: 2_048, reader: 8, writer: 1_472),
        Example(machine: 524_288, total: 4_096, reader: 8, writer: 3_520),
        Example(machine: 524_288, given: 262_144, total: 262_144, reader: 8, writer: 261_568),
    ]

    @Test("shares for machines of 100 MB, 1, 16 and 512 GB, and for one whose owner gives half", arguments: examples)
    func worked(_ example: Example) {
        let standard = MemoryBudget.standardBytes(machineBytes: example.machine << 20)
        let budget = MemoryBudget(totalBytes: example.given.map { $0 << 20 } ?? standard, readers: 4)
        #expect(budget.totalBytes == example.total << 20)
        #expect(budget.readerCacheBytes == example.reader << 20)
        #expect(budget.writerCacheBytes == example.writer << 20)
    }

    @Test("caches and one sort on each connection fit into the budget, and the limits lie in their order")
    func relations() {
        for seed in UInt64(0)..<2_000 {
            var generator = SeededGenerator(seed: seed)
            let readers = Int.random(in: 1...64, using: &generator)
            let given = Int.random(in: 0...1 << Int.random(in: 20...40, using: &generator), using: &generator)
            let budget = MemoryBudget(totalBytes: given, readers: readers)
            #expect(Self.fits(budget), "seed \(seed)")
            #expect(budget.totalBytes >= given)
            #expect(budget.readerCacheBytes >= 1 << 20 && budget.readerCacheBytes <= 8 << 20, "seed \(seed)")
            #expect(budget.writerCacheBytes >= 1 << 20, "seed \(seed)")
            #expect(budget.softLimitBytes + 64 << 20 <= budget.queryLimitBytes, "seed \(seed)")
            #expect(budget.queryLimitBytes + 64 << 20 <= budget.hardLimitBytes, "seed \(seed)")
        }
    }

    /// SQLite's own rule for the run of a sort: as long as the cache, but at least 250 pages and at most 512 MiB.
    private static func runBytes(cache: Int) -> Int { max(250 * 4_096, min(cache, 512 << 20)) }

    private static func fits(_ budget: MemoryBudget) -> Bool {
        let reader = budget.readerCacheBytes + Self.runBytes(cache: budget.readerCacheBytes)
        let writer = budget.writerCacheBytes + Self.runBytes(cache: budget.writerCacheBytes)
        return writer + budget.readers * reader <= budget.totalBytes
    }

    @Test("half to the writer's cache and half to the readers' caches, as it is often done, does not fit")
    func cachesOnly() {
        let budget = MemoryBudget(totalBytes: 64 << 20, readers: 4)
        let writer = (32 << 20) + Self.runBytes(cache: 32 << 20)
        let readers = 4 * ((8 << 20) + Self.runBytes(cache: 8 << 20))
        #expect(Self.fits(budget) && writer + readers > budget.totalBytes)
    }
}
