//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Seeded randomness and the distributions the simulation draws from.
///
/// Nothing here calls the C library's `log` or `exp`, whose last bit differs between platforms: only the four
/// operations IEEE 754 defines exactly, so that the same seed gives the same bytes everywhere.
struct DemoRandom: Sendable {
    /// The state of SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195).
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

    /// A number in [0, 1).
    mutating func unit() -> Double {
        Double(self.next() >> 11) * 0x1p-53
    }

    /// A number from 0 to `bound` - 1; `bound` must be positive.
    mutating func below(_ bound: Int) -> Int {
        Int(self.next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A whole number of the range, ends included.
    mutating func integer(in range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(self.below(Int(range.upperBound - range.lowerBound) + 1))
    }

    /// True with a probability of `share`.
    mutating func chance(_ share: Double) -> Bool {
        self.unit() < share
    }

    /// One element; the array must not be empty.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[self.below(elements.count)]
    }

    /// The index of one weight, with a probability in proportion to it; weights must not all be zero.
    mutating func index(weights: [Double]) -> Int {
        var rest = self.unit() * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            rest -= weight
            if rest < 0 { return index }
        }
        return weights.count - 1
    }

    /// An exponentially distributed number: the time to the next arrival of a Poisson process.
    ///
    /// - Parameter mean: The mean, in any unit.
    mutating func exponential(mean: Double) -> Double {
        -mean * Self.naturalLogarithm(1 - self.unit())
    }

    /// A log-normally distributed number, as durations of jobs are.
    ///
    /// - Parameters:
    ///   - median: Half of all draws are below it.
    ///   - spread: Two of three draws are within a factor of 2^`spread` of the median.
    mutating func logNormal(median: Double, spread: Double) -> Double {
        // The sum of twelve uniform numbers is close to normal, and never beyond six deviations.
        var sum = -6.0
        for _ in 0..<12 { sum += self.unit() }
        return median * Self.powerOfTwo(sum * spread)
    }

    /// Lower-case hexadecimal digits.
    mutating func hexadecimal(_ count: Int) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: count) { buffer in
            var bits: UInt64 = 0
            for index in 0..<count {
                if index.isMultiple(of: 16) { bits = self.next() }
                buffer[index] = digits[Int(bits & 15)]
                bits >>= 4
            }
            return count
        }
    }

    /// A random UUID (version 4) in its usual form.
    mutating func uuid() -> String {
        let digits = Array(self.hexadecimal(32))
        let text = String(digits[0..<8]) + "-" + String(digits[8..<12]) + "-4" + String(digits[13..<16])
        return text + "-" + self.pick(["8", "9", "a", "b"]) + String(digits[17..<20]) + "-" + String(digits[20..<32])
    }

    /// ln(x) for x in (0, 1], by the series of artanh on the significand; exact to 1e-12.
    static func naturalLogarithm(_ value: Double) -> Double {
        let significand = value.significand
        let ratio = (significand - 1) / (significand + 1)
        var power = ratio
        var sum = 0.0
        for index in 0..<14 {
            sum += power / Double(2 * index + 1)
            power *= ratio * ratio
        }
        return 2 * sum + Double(value.exponent) * 0.693_147_180_559_945_3
    }

    /// 2^x by the series of the exponential function on the fraction; exact to 1e-12.
    static func powerOfTwo(_ exponent: Double) -> Double {
        // Not `rounded(.down)`: it becomes a call of `floor`, and this target does not link the mathematics library.
        let truncated = Int(exponent)
        let whole = Double(truncated) > exponent ? truncated - 1 : truncated
        let argument = (exponent - Double(whole)) * 0.693_147_180_559_945_3
        var term = 1.0
        var sum = 1.0
        for index in 1...16 {
            term *= argument / Double(index)
            sum += term
        }
        return Double(sign: .plus, exponent: whole, significand: sum)
    }
}
