//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// Where two records differ.
enum RecordDifference {
    /// The fields in which two values of one type differ, in words; all stored properties are compared.
    static func fields<Value: Equatable>(expected: Value, stored: Value) -> [String] {
        if expected == stored { return [] }
        let pairs = zip(Mirror(reflecting: expected).children, Mirror(reflecting: stored).children)
        let fields = pairs.compactMap { mine, theirs -> String? in
            let (mine, name, theirs) = (Self.text(mine.value), mine.label ?? "?", Self.text(theirs.value))
            return mine == theirs ? nil : "\(name) is \(theirs), should be \(mine)"
        }
        return fields.isEmpty ? ["it is \(stored), should be \(expected)"] : fields
    }

    /// A value for people: nothing for an optional's wrapping.
    private static func text(_ value: Any) -> String {
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .optional else { return "\(value)" }
        return mirror.children.first.map { Self.text($0.value) } ?? "null"
    }

    /// What of a job's receipts cannot be: they lie within the times of its events.
    ///
    /// - Parameter expected: The receipts of the events that were applied.
    static func receipts(expected: Receipts, stored: Receipts) -> [String] {
        let stages: [(String, Receipts.Span?, Receipts.Span?)] = [
            ("blocked", expected.blocked, stored.blocked), ("queued", expected.queued, stored.queued),
            ("running", expected.running, stored.running), ("ended", expected.ended, stored.ended),
        ]
        return stages.compactMap { name, expected, stored in
            switch (expected, stored) {
            // What came by way of the outbox leaves no receipt.
            case (_, nil): return nil
            case (nil, .some): return "there is a receipt of \(name), and no such event"
            case (.some(let expected), .some(let stored)):
                let isWithin =
                    expected.first <= stored.first && stored.first <= stored.last
                    && stored.last <= expected.last
                return isWithin
                    ? nil
                    : "the receipts of \(name) are \(stored.first) to \(stored.last), "
                        + "those of its deliveries \(expected.first) to \(expected.last)"
            }
        }
    }
}
