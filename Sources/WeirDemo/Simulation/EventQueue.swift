//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A priority queue by time; what has the same time comes out in the order it went in.
///
/// A binary heap: Williams 1964, "Algorithm 232". The order is total, so a simulation repeats exactly.
struct EventQueue<Payload: Sendable>: Sendable {
    /// Something that has its time.
    struct Entry: Sendable {
        /// When, in milliseconds since the epoch.
        let at: Int64
        /// The number of insertions before this one.
        let sequence: UInt64
        /// What.
        let payload: Payload

        /// Whether this comes out before another.
        func precedes(_ other: Entry) -> Bool {
            self.at != other.at ? self.at < other.at : self.sequence < other.sequence
        }
    }

    /// The heap: no entry precedes the one at half its index.
    private var entries: [Entry] = []
    /// How many insertions there were.
    private var sequence: UInt64 = 0

    /// The time of the first entry; nil when there is none.
    var nextAt: Int64? { self.entries.first?.at }

    /// Puts something in.
    ///
    /// - Parameters:
    ///   - payload: What.
    ///   - at: When, in milliseconds since the epoch.
    /// - Complexity: O(log n).
    mutating func insert(_ payload: Payload, at: Int64) {
        self.entries.append(Entry(at: at, sequence: self.sequence, payload: payload))
        self.sequence += 1
        var child = self.entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.entries[child].precedes(self.entries[parent]) else { return }
            self.entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the first entry out; nil when there is none.
    ///
    /// - Complexity: O(log n).
    mutating func popFirst() -> Entry? {
        guard let first = self.entries.first else { return nil }
        let last = self.entries.removeLast()
        if self.entries.isEmpty { return first }
        self.entries[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < self.entries.count {
                if self.entries[child].precedes(self.entries[smallest]) { smallest = child }
            }
            if smallest == parent { return first }
            self.entries.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
