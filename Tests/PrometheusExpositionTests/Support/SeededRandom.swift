//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A seeded source of randomness (SplitMix64): the same seed gives the same test.
struct SeededRandom: RandomNumberGenerator {
    /// The state.
    private var state: UInt64

    /// Starts a sequence.
    init(seed: UInt64) {
        self.state = seed
    }

    /// The next 64 bits.
    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var bits = self.state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
