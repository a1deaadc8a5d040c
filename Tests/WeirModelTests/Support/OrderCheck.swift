//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// One key of a store, told of events one after another.
protocol Fold {
    associatedtype Event
    associatedtype Outcome: Equatable

    mutating func receive(_ event: Event)
    /// What can be seen of it.
    var outcome: Outcome { get }
}

/// Looks whether the order of events, and their duplicates, make a difference.
struct OrderCheck<World: Fold> {
    /// Nothing received yet.
    let empty: World
    let events: [World.Event]
    private(set) var outcomes: [Int: World.Outcome] = [:]
    private(set) var orders = 0
    /// The first orders that made a difference, as indices of events.
    private(set) var differences: [[Int]] = []

    /// Differences after which the search stops.
    private static var differencesMax: Int { 5 }

    init(empty: World, events: [World.Event]) {
        self.empty = empty
        self.events = events
    }

    /// Every order of every set of up to `countMax` events; of each also the order with every event twice, and of all
    /// but the longest the one that is the whole of it twice. ``everySet()`` covers what other duplicates there are.
    ///
    /// Orders with a beginning in common share it, so every order costs one event, and not as many as it is long. Other
    /// tests have their turn in between.
    ///
    /// - Parameter first: The event that comes first; nil for each of them.
    mutating func everyOrder(upTo countMax: Int, first: Int? = nil) async {
        var open = [Beginning(order: [], members: 0, once: self.empty, doubled: self.empty)]
        while let beginning = open.popLast(), self.differences.count < Self.differencesMax {
            let candidates = beginning.order.isEmpty ? first.map { $0..<($0 + 1) } : nil
            for index in candidates ?? self.events.indices where beginning.members & 1 << index == 0 {
                let longer = self.extend(beginning, index, isLongest: beginning.order.count + 1 == countMax)
                if longer.order.count < countMax { open.append(longer) }
            }
            await Task.yield()
        }
    }

    private struct Beginning {
        var order: [Int]
        var members: Int
        var once: World
        /// Told every event twice.
        var doubled: World
    }

    private mutating func extend(_ beginning: Beginning, _ index: Int, isLongest: Bool) -> Beginning {
        var result = beginning
        result.order.append(index)
        result.members |= 1 << index
        result.once.receive(self.events[index])
        result.doubled.receive(self.events[index])
        result.doubled.receive(self.events[index])
        self.orders += 1
        let expected = self.expected(result.members)
        if result.once.outcome != expected || result.doubled.outcome != expected {
            self.differences.append(result.order)
        }
        if !isLongest {
            var whole = result.once
            for index in result.order { whole.receive(self.events[index]) }
            if whole.outcome != expected { self.differences.append(result.order + result.order) }
        }
        return result
    }

    /// The outcome of a set: that of one order like any other, that of the universe.
    private mutating func expected(_ members: Int) -> World.Outcome {
        if let known = self.outcomes[members] { return known }
        var world = self.empty
        for index in self.events.indices where members & 1 << index != 0 { world.receive(self.events[index]) }
        let outcome = world.outcome
        self.outcomes[members] = outcome
        return outcome
    }

    /// The whole by induction: one more event takes the outcome of a set to the outcome of the set with it, and leaves
    /// it alone when the set has it. So every order of every set, of any length and with any duplicates, ends alike.
    mutating func everySet() async {
        var worlds: [World] = [self.empty]
        worlds.reserveCapacity(1 << self.events.count)
        for members in 1..<(1 << self.events.count) {
            let last = members.trailingZeroBitCount
            var world = worlds[members & ~(1 << last)]
            world.receive(self.events[last])
            worlds.append(world)
        }
        for (members, world) in worlds.enumerated() {
            await Task.yield()
            for index in self.events.indices where self.differences.count < Self.differencesMax {
                var next = world
                next.receive(self.events[index])
                self.orders += 1
                if next.outcome != worlds[members | 1 << index].outcome {
                    self.differences.append(self.events.indices.filter { members & 1 << $0 != 0 } + [index])
                }
            }
        }
    }
}

/// Merges some values in the shape of a random tree, sides swapped at random.
func mergeTree<Value>(
    _ values: ArraySlice<Value>, using random: inout some RandomNumberGenerator,
    _ merge: (Value, Value) -> Value
) -> Value? {
    guard values.count > 1 else { return values.first }
    let middle = Int.random(in: (values.startIndex + 1)..<values.endIndex, using: &random)
    guard let left = mergeTree(values[..<middle], using: &random, merge),
        let right = mergeTree(values[middle...], using: &random, merge)
    else { return nil }
    return Bool.random(using: &random) ? merge(left, right) : merge(right, left)
}
