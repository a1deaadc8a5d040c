//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A bounded set of prepared statements; the one used longest ago goes first.
///
/// The statements used last are looked through first, text by text: comparing two short texts takes less than hashing
/// one, and most closures run few different statements.
///
/// - Complexity: O(1) to find; O(n) to evict, n the bound, which happens once per new text.
final class StatementCache {
    private static let recentMax = 4

    private let countMax: Int
    private var recent: ContiguousArray<SQLiteStatement> = []
    private var entries: [String: SQLiteStatement] = [:]
    private var clock: UInt64 = 0

    init(countMax: Int) {
        self.countMax = countMax
        self.recent.reserveCapacity(Self.recentMax)
    }

    var count: Int { self.entries.count }

    /// Takes a statement for use; nil when there is none, or when it is in use already: a text that is run inside its
    /// own loop gets a second statement.
    func take(_ text: String) -> SQLiteStatement? {
        for statement in self.recent where statement.text == text { return self.use(statement) }
        guard let statement = self.entries[text] else { return nil }
        self.noteRecent(statement)
        return self.use(statement)
    }

    /// Gives a statement back, reset.
    func put(_ statement: SQLiteStatement) {
        statement.isInUse = false
        if statement.isCached { return }
        // The text's own statement was in use when this one was made: one of a text is enough.
        guard self.entries[statement.text] == nil else { return }
        if self.entries.count >= self.countMax { self.evict() }
        statement.isCached = true
        self.entries[statement.text] = statement
        self.noteRecent(statement)
    }

    func removeAll() {
        self.recent.removeAll()
        self.entries.removeAll()
    }

    private func use(_ statement: SQLiteStatement) -> SQLiteStatement? {
        if statement.isInUse { return nil }
        statement.isInUse = true
        self.clock &+= 1
        statement.usedAt = self.clock
        return statement
    }

    private func noteRecent(_ statement: SQLiteStatement) {
        if self.recent.count < Self.recentMax { return self.recent.append(statement) }
        let oldest = self.recent.indices.min { self.recent[$0].usedAt < self.recent[$1].usedAt } ?? 0
        self.recent[oldest] = statement
    }

    private func evict() {
        let idle = self.entries.values.filter { !$0.isInUse }
        guard let oldest = idle.min(by: { $0.usedAt < $1.usedAt }) else { return }
        oldest.isCached = false
        self.entries[oldest.text] = nil
        self.recent.removeAll { $0 === oldest }
    }
}
