//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirStore

/// A delivery's id: a UUID of version 1, which is what GitHub sends, with the delivery's number in place of the time.
///
/// Source: RFC 9562, section 5.1. Node and clock sequence are a load's own, so an id tells whose it is and which.
package struct DeliveryIdentifier: Sendable, Hashable {
    /// The first eight bytes (times, version) and the last eight (variant, clock sequence, node).
    let high: UInt64
    let low: UInt64

    /// Makes the ids of one load, and knows them again.
    struct Space: Sendable, Hashable {
        /// Intervals of 100 ns since 1582, at the load's beginning.
        private let start: UInt64
        private let low: UInt64

        /// From the Gregorian calendar's beginning to the epoch, in intervals of 100 ns.
        private static let epoch: UInt64 = 0x01b2_1dd2_1381_4000
        /// Intervals between two ids.
        private static let step: UInt64 = 10

        init(_ parameters: LoadParameters) {
            self.start = Self.epoch &+ UInt64(parameters.startedAtMilliseconds) &* 10_000
            var chance = SeededChance(
                seed: parameters.seed, .invocation, Int(parameters.startedAtMilliseconds))
            // The variant in the two highest bits, then 14 of the clock sequence and 48 of the node.
            self.low = chance.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        }

        func id(_ number: Int) -> DeliveryIdentifier {
            let time = self.start &+ UInt64(number) &* Self.step
            let high = (time & 0xffff_ffff) << 32 | (time >> 32 & 0xffff) << 16 | 0x1000 | time >> 48 & 0x0fff
            return DeliveryIdentifier(high: high, low: self.low)
        }

        /// The number of the delivery with an id; nil for ids of others.
        func number(_ id: DeliveryIdentifier) -> Int? {
            guard id.low == self.low, id.high & 0xf000 == 0x1000 else { return nil }
            let time = id.high >> 32 | (id.high >> 16 & 0xffff) << 32 | (id.high & 0x0fff) << 48
            guard time >= self.start, (time - self.start) % Self.step == 0 else { return nil }
            return Int(exactly: (time - self.start) / Self.step)
        }
    }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads ``text``; nil for anything else, upper case included.
    init?(text: String) {
        guard let bytes = DeliveryID.uuid(text) else { return nil }
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: word(bytes[..<8]), low: word(bytes[8...]))
    }

    /// The id in its usual form: 36 lower-case characters.
    package var text: String {
        String(unsafeUninitializedCapacity: Self.length) { buffer in
            buffer.baseAddress.map { self.write(to: $0) }
            return Self.length
        }
    }

    /// Characters of ``text``.
    static let length = 36

    /// Writes ``text``.
    func write(to target: UnsafeMutablePointer<UInt8>) {
        var place = 0
        for index in 0..<16 {
            let word = index < 8 ? self.high : self.low
            let byte = UInt8(truncatingIfNeeded: word >> UInt64(56 - index % 8 * 8))
            if index == 4 || index == 6 || index == 8 || index == 10 {
                target[place] = UInt8(ascii: "-")
                place += 1
            }
            target[place] = hexadecimalDigit(byte >> 4)
            target[place + 1] = hexadecimalDigit(byte & 15)
            place += 2
        }
    }
}

/// A digit of 0 to 15, in lower case.
func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
}
