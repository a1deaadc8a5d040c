//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Random numbers that follow from a seed, a purpose and a place alone, so that any one of them can be made again.
///
/// Source: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
struct SeededChance: RandomNumberGenerator, Sendable {
    /// What the numbers are for; each purpose has a sequence of its own.
    enum Purpose: UInt64 {
        case shapes = 1
        case slot
        case story
        case run
        case job
        case delivery
        case window
        case invocation
    }

    private var state: UInt64

    /// - Parameters:
    ///   - seed: The plan's.
    ///   - number: The place: of a story, a run, a delivery.
    init(seed: UInt64, _ purpose: Purpose, _ number: Int) {
        let start = Self.mix(seed &+ purpose.rawValue &* 0xd1b5_4a32_d192_ed03)
        self.state = Self.mix(start ^ UInt64(bitPattern: Int64(number)) &* 0x9e37_79b9_7f4a_7c15)
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mix(self.state)
    }

    /// A number from 0 to `bound` - 1.
    mutating func below(_ bound: Int) -> Int { Int(self.next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// True with a probability of `share`.
    mutating func hits(_ share: Double) -> Bool { Double(self.next() >> 11) * 0x1p-53 < share }
}
