//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Which delivery each send carries: the order of a plan's deliveries with some of them moved and some repeated.
///
/// Sends are divided into windows. In each, a fixed number repeats one of the window's deliveries, and a share of the
/// others change places. A window follows from its number, so any send can be found again.
package struct DeliverySequence: Sendable {
    /// Sends in a window.
    package let window: Int
    /// Deliveries in a window; the other sends repeat some of these.
    package let fresh: Int
    private let seed: UInt64
    private let reordered: Double
    private var known: (number: Int, order: [UInt32])?

    package init(_ parameters: LoadParameters) {
        let rate = (parameters.fromRate + parameters.toRate) / 2
        let isPlain = parameters.replay != nil || (parameters.duplicates == 0 && parameters.reordered == 0)
        self.window =
            isPlain ? 1 : min(max(Int(rate * Double(parameters.reorderSpanMilliseconds) / 1_000), 16), 1 << 20)
        let repeats = isPlain ? 0 : Int((Double(self.window) * parameters.duplicates).rounded())
        self.fresh = max(self.window - repeats, 1)
        self.seed = parameters.seed
        self.reordered = isPlain ? 0 : parameters.reordered
    }

    /// The number of the delivery that a send carries.
    ///
    /// - Complexity: O(1) for sends in their order, O(window) for the first of each window.
    package mutating func delivery(ofSend index: Int) -> Int {
        if self.window == 1 { return index }
        let (number, place) = index.quotientAndRemainder(dividingBy: self.window)
        if let known = self.known, known.number == number {
            return number * self.fresh + Int(known.order[place])
        }
        let order = self.order(ofWindow: number)
        self.known = (number, order)
        return number * self.fresh + Int(order[place])
    }

    /// The send that would carry a delivery if none were moved.
    package func send(ofDelivery number: Int) -> Int {
        let (window, place) = number.quotientAndRemainder(dividingBy: self.fresh)
        return window * self.window + place * self.window / self.fresh
    }

    /// How many deliveries the first sends carry, at most.
    package func deliveries(inSends count: Int) -> Int {
        (count + self.window - 1) / self.window * self.fresh
    }

    private func order(ofWindow number: Int) -> [UInt32] {
        var chance = SeededChance(seed: self.seed, .window, number)
        var isRepeat = [Bool](repeating: false, count: self.window)
        var missing = self.window - self.fresh
        while missing > 0 {
            let place = chance.below(self.window)
            if isRepeat[place] { continue }
            isRepeat[place] = true
            missing -= 1
        }
        var order = [UInt32](repeating: 0, count: self.window)
        var next: UInt32 = 0
        var moved: [Int] = []
        for place in order.indices {
            if isRepeat[place] {
                order[place] = UInt32(chance.below(self.fresh))
            } else {
                order[place] = next
                next += 1
                if self.reordered > 0, chance.hits(self.reordered) { moved.append(place) }
            }
        }
        for last in moved.indices.reversed() where last > 0 {
            order.swapAt(moved[last], moved[chance.below(last + 1)])
        }
        return order
    }
}
