//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import WeirLoad

@Suite("Sequence of deliveries")
struct DeliverySequenceTests {
    @Test("Without duplicates and reordering each send carries its own delivery")
    func plain() {
        var parameters = LoadFixture.parameters()
        parameters.duplicates = 0
        parameters.reordered = 0
        #expect(LoadFixture.sent(parameters) == Array(0..<1_000))
    }

    @Test("A share of the sends repeats a delivery, and no delivery is left out", arguments: [UInt64(1), 2, 3])
    func duplicates(seed: UInt64) {
        var parameters = LoadFixture.parameters(seed: seed)
        parameters.duplicates = 0.25
        parameters.reordered = 0
        let sent = LoadFixture.sent(parameters)
        #expect(Set(sent) == Set(0..<750))
        #expect(sent.count - Set(sent).count == 250)
    }

    @Test("Reordering moves about the share asked for, within the span")
    func reordering() {
        var parameters = LoadFixture.parameters(rate: 1_000)
        parameters.duplicates = 0
        parameters.reordered = 0.5
        let sent = LoadFixture.sent(parameters)
        #expect(Set(sent) == Set(0..<10_000))
        let moved = sent.enumerated().filter { $0 != $1 }
        #expect((4_500...5_500).contains(moved.count))
        #expect(moved.allSatisfy { abs($0 - $1) < 2_000 })
    }

    @Test("A send is found again whatever was asked before")
    func anyOrder() {
        var parameters = LoadFixture.parameters()
        parameters.duplicates = 0.2
        parameters.reordered = 0.5
        let inOrder = LoadFixture.sent(parameters)
        var sequence = DeliverySequence(parameters)
        for send in inOrder.indices.reversed() {
            #expect(sequence.delivery(ofSend: send) == inOrder[send])
        }
    }
}
