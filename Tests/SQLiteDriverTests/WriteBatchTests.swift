//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Testing

@testable import SQLiteDriver

@Suite("WriteBatch")
struct WriteBatchTests {
    private static let start = MonotonicInstant(nanoseconds: 0)

    private func batch(_ jobs: [Int], count: Int = 100, bytes: Int = 1_000, solo: Set<Int> = []) -> WriteBatch<Int> {
        WriteBatch(jobs, limits: .init(countMax: count, timeMax: .milliseconds(100), bytesMax: bytes)) {
            solo.contains($0)
        }
    }

    /// Runs everything, each write binding so many bytes and taking so long.
    ///
    /// - Returns: The groups, and who ran alone.
    private func groups(
        _ batch: WriteBatch<Int>, bytes: Int = 0, each duration: Duration = .zero
    ) -> (groups: [[Int]], alone: [Int]) {
        var batch = batch
        var groups: [[Int]] = []
        var alone: [Int] = []
        var now = Self.start
        var bound = 0
        while !batch.isDone {
            while let turn = batch.next(now: now, bytes: bound) {
                if turn.isAlone { alone.append(turn.job) }
                batch.join(turn)
                now = now.advanced(by: duration)
                bound += bytes
            }
            groups.append(batch.takeMembers())
        }
        return (groups, alone)
    }

    /// Runs the next writes of a batch.
    private func join(_ count: Int, _ batch: inout WriteBatch<Int>) throws {
        for _ in 0..<count {
            let turn = batch.next(now: Self.start, bytes: 0)
            batch.join(try #require(turn))
        }
    }

    @Test("all that waits shares a transaction, within count, time and bytes")
    func bounds() {
        #expect(self.groups(self.batch([1, 2, 3])).groups == [[1, 2, 3]])
        #expect(self.groups(self.batch([1, 2, 3, 4, 5], count: 2)).groups == [[1, 2], [3, 4], [5]])
        #expect(self.groups(self.batch([1, 2, 3, 4]), each: .milliseconds(60)).groups == [[1, 2], [3, 4]])
        #expect(self.groups(self.batch([1, 2, 3, 4]), bytes: 500).groups == [[1, 2], [3, 4]])
        // A write beyond the bound is committed, and commits what came before it.
        #expect(self.groups(self.batch([1, 2]), bytes: 5_000).groups == [[1], [2]])
    }

    @Test("a solo write shares its transaction with nobody, and needs no savepoint")
    func solo() {
        let (groups, alone) = self.groups(self.batch([1, 2, 3, 4, 5], solo: [3]))
        #expect(groups == [[1, 2], [3], [4, 5]])
        #expect(alone == [3])
        #expect(self.groups(self.batch([1, 2], solo: [1, 2])).alone == [1, 2])
        #expect(self.groups(self.batch([7])).alone == [7])
    }

    @Test("when the transaction is lost its members run again, before the others and in order")
    func lost() throws {
        var batch = self.batch([1, 2, 3, 4])
        try self.join(2, &batch)
        // The third fails, and takes the transaction with it.
        let third = batch.next(now: Self.start, bytes: 0)
        #expect(third?.job == 3)
        batch.transactionLost()
        #expect(batch.isEmpty && !batch.isDone)
        #expect(self.groups(batch).groups == [[1, 2, 4]])
    }

    @Test("after a commit that one of them failed, each runs by itself; those behind share as before")
    func split() throws {
        var batch = self.batch([1, 2, 3, 4, 5], count: 3)
        try self.join(3, &batch)
        batch.split()
        #expect(self.groups(batch).groups == [[1], [2], [3], [4, 5]])
    }

    @Test("whoever is left is handed out once, members first")
    func all() throws {
        var batch = self.batch([1, 2, 3])
        try self.join(1, &batch)
        let all = batch.takeAll()
        #expect(all == [1, 2, 3])
        #expect(batch.isDone)
    }
}
