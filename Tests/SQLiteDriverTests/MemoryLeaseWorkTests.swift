//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import SQLiteDriver

@Suite("LeaseWork")
struct MemoryLeaseWorkTests {
    /// A lease during which the progress handler looks so many times.
    private func lease(_ work: inout LeaseWork, looks: Int, isStopped: Bool = false, heapBytes: Int = 0) -> Bool {
        work.begin()
        var stops = false
        for _ in 0..<looks where !stops { stops = work.look(isStopped: isStopped, heapBytes: heapBytes) }
        return stops
    }

    @Test("one long lease counts as long, many short ones do not, and being asked ends it")
    func long() {
        var work = LeaseWork(heapBytesMax: nil)
        for _ in 0..<1_000 {
            let stops = self.lease(&work, looks: LeaseWork.longLooks - 1)
            #expect(!stops)
        }
        let afterShort = work.takeHasRunLong()
        let stops = self.lease(&work, looks: LeaseWork.longLooks)
        _ = self.lease(&work, looks: 1)
        let afterLong = (work.takeHasRunLong(), work.takeHasRunLong())
        #expect(!stops && !afterShort && afterLong == (true, false))
    }

    @Test("a stopped lease counts as long, however short it was")
    func stopped() {
        var work = LeaseWork(heapBytesMax: nil)
        let stops = self.lease(&work, looks: 1, isStopped: true)
        let hasRunLong = work.takeHasRunLong()
        #expect(stops && hasRunLong && !work.exceededHeap)
    }

    @Test("a lease is stopped above the limit of the heap, and only then")
    func heap() {
        var work = LeaseWork(heapBytesMax: 100)
        let atLimit = self.lease(&work, looks: 10, heapBytes: 100)
        #expect(!atLimit && !work.exceededHeap)
        let above = self.lease(&work, looks: 10, heapBytes: 101)
        #expect(above && work.exceededHeap)
        let next = self.lease(&work, looks: 1, heapBytes: 1)
        #expect(!next && !work.exceededHeap)
        var unlimited = LeaseWork(heapBytesMax: nil)
        let stops = self.lease(&unlimited, looks: 10, heapBytes: 1 << 40)
        #expect(!stops)
    }
}
