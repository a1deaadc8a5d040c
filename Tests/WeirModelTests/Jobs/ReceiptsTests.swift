//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing
import WeirModel

@Suite struct ReceiptsTests {
    @Test("A single event is a receipt of its stage and of no other")
    func single() {
        let at = JobFixture.at(1)
        let span = Receipts.Span(first: at, last: at)
        #expect(Receipts(stage: .derived, at: at) == Receipts())
        #expect(Receipts(stage: .blocked, at: at).blocked == span)
        #expect(Receipts(stage: .queued, at: at).queued == span)
        #expect(Receipts(stage: .running, at: at).running == span)
        #expect(Receipts(stage: .ended, at: at).ended == span)
        for stage in Stage.allCases where stage != .derived {
            let receipts = Receipts(stage: stage, at: at)
            #expect(
                [receipts.blocked, receipts.queued, receipts.running, receipts.ended].compactMap(\.self).count == 1)
        }
    }

    @Test("The union spans both, whichever comes first, and a union with itself changes nothing")
    func union() {
        let left = JobFixture.receipts(blocked: 1...2, queued: 5...9)
        let right = JobFixture.receipts(queued: 4...6, ended: 20...21)
        let both = JobFixture.receipts(blocked: 1...2, queued: 4...9, ended: 20...21)
        #expect(left.union(right) == both)
        #expect(right.union(left) == both)
        #expect(both.union(both) == both)
        #expect(both.union(left) == both)
        #expect(left.union(Receipts()) == left)
        #expect(left != both)
    }
}
