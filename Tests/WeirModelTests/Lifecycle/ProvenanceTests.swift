//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct ProvenanceTests {
    private static func random(attempt: Int64, _ random: inout SeededGenerator) -> Provenance {
        var provenance = Provenance()
        for _ in 0..<Int.random(in: 0...13, using: &random) {
            provenance[UInt8.random(in: 1...13, using: &random)] = Precedence(
                attempt: attempt, stage: Stage.allCases.randomElement(using: &random) ?? .derived,
                time: [Int64.min, Int64.max, Int64.random(in: .min ... .max, using: &random)]
                    .randomElement(using: &random) ?? 0,
                word: UInt8.random(in: 0...255, using: &random), digest: random.next())
        }
        return provenance
    }

    @Test("Reading what was written gives the same", arguments: [1, 2, 3])
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let attempt = Int64.random(in: 0...5, using: &random)
            let provenance = Self.random(attempt: attempt, &random)
            try #require(Provenance(bytes: provenance.bytes, attempt: attempt) == provenance, "seed \(seed)")
            if !provenance.isEmpty {
                try #require(Provenance(bytes: provenance.bytes, attempt: 9) != provenance, "seed \(seed)")
            }
        }
    }

    @Test("An entry takes 19 bytes, none takes no bytes at all")
    func layout() {
        var provenance = Provenance()
        #expect(provenance.bytes == nil)
        #expect(provenance.isEmpty)
        provenance[7] = Precedence(attempt: 1, stage: .running, time: -2, word: 5, digest: 0x0102_0304_0506_0708)
        #expect(
            provenance.bytes == [7, 3, 5, 0xfe, 255, 255, 255, 255, 255, 255, 255, 8, 7, 6, 5, 4, 3, 2, 1])
    }

    @Test("What cannot be read is left out")
    func unreadable() {
        var provenance = Provenance()
        let place = Precedence(attempt: 1, stage: .running, time: 1, word: 5, digest: 6)
        provenance[1] = place
        provenance[2] = place
        let bytes = provenance.bytes ?? []
        #expect(Provenance(bytes: bytes.dropLast(), attempt: 1).entries.map(\.field) == [1])
        #expect(Provenance(bytes: [], attempt: 1).isEmpty)
        #expect(Provenance(bytes: nil, attempt: 1).isEmpty)
        var spoiled = bytes
        spoiled[1] = 99
        #expect(Provenance(bytes: spoiled, attempt: 1).entries.map(\.field) == [2])
    }

    @Test("Fields are kept in order, set twice only once, and nil removes them")
    func entries() {
        let first = Precedence(attempt: 1, stage: .running, time: 1, word: 5, digest: 6)
        let second = Precedence(attempt: 1, stage: .queued, time: 1, word: 4, digest: 6)
        var provenance = Provenance()
        for field: UInt8 in [3, 1, 2, 3] { provenance[field] = first }
        #expect(provenance.entries.map(\.field) == [1, 2, 3])
        provenance[2] = second
        #expect(provenance[2] == second)
        provenance[1] = nil
        #expect(provenance.entries.map(\.field) == [2, 3])
        #expect(provenance[1] == nil)
    }
}
