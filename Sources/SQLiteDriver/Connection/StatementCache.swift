//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A bounded set of prepared statements; the one used longest ago goes first.
///
/// - Complexity: O(1) to find; O(n) to evict, n the bound, which happens once per new text.
struct StatementCache {
    private struct Entry {
        let statement: SQLiteStatement
        var usedAt: UInt64
    }

    private let countMax: Int
    private var entries: [String: Entry] = [:]
    private var clock: UInt64 = 0

    init(countMax: Int) { self.countMax = countMax }

    var count: Int { self.entries.count }

    /// Takes a statement out for use; a text used inside its own loop gets a second statement.
    mutating func take(_ text: String) -> SQLiteStatement? { self.entries.removeValue(forKey: text)?.statement }

    mutating func put(_ statement: SQLiteStatement) {
        self.clock += 1
        if self.entries.count >= self.countMax, self.entries[statement.text] == nil,
            let oldest = self.entries.min(by: { $0.value.usedAt < $1.value.usedAt })
        {
            self.entries[oldest.key] = nil
        }
        self.entries[statement.text] = Entry(statement: statement, usedAt: self.clock)
    }

    mutating func removeAll() { self.entries.removeAll() }
}
