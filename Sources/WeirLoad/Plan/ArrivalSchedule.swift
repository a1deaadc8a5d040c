//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// When each of a load's sends is due, counted from the load's beginning.
///
/// An open loop: the instants follow from the number of the send alone, never from an answer, so a slow server is not
/// spared any of them, and no error adds up.
package struct ArrivalSchedule: Sendable, Equatable {
    private let fromRate: Double
    /// By how much the rate rises in a second.
    private let slope: Double
    /// Sends in all.
    package let count: Int

    /// - Parameters:
    ///   - fromRate: Sends per second at the beginning; above zero.
    ///   - toRate: Sends per second at the end; the rate changes evenly.
    package init(fromRate: Double, toRate: Double, seconds: Double) {
        precondition(fromRate > 0 && toRate > 0 && seconds > 0, "a schedule has a rate and a length")
        self.fromRate = fromRate
        self.slope = (toRate - fromRate) / seconds
        self.count = Int(((fromRate + toRate) / 2 * seconds).rounded())
    }

    /// When a send is due, in nanoseconds from the beginning.
    package func offset(_ index: Int) -> Int64 {
        let number = Double(index)
        guard self.slope != 0 else { return Int64(number / self.fromRate * 1e9) }
        // The integral of the rate, solved for the time at which it reaches the number. This form loses no digits when
        // the slope is small.
        let root = max(self.fromRate * self.fromRate + 2 * self.slope * number, 0).squareRoot()
        return Int64(2 * number / (self.fromRate + root) * 1e9)
    }
}
