//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct LabelSetTests {
    /// Labels that try to look like the canonical text of others.
    private static let hostile = [
        "", ":", "::", "1:", "1:a", "2:ab3:abc", "0:", "-1:a", "99:", "ubuntu-latest", "self-hosted", "Größe=ß",
        "日本語", "👩‍👩‍👧", "a\nb", "a\u{0}b", "a b", "+", "\"", "\\", "12", "é",
    ]

    @Test("Order and repetitions do not matter")
    func set() {
        #expect(LabelSet(["b", "a", "b"]) == LabelSet(["a", "b"]))
        #expect(LabelSet(["b", "a", "b"]).labels == ["a", "b"])
        #expect(LabelSet(["B", "a"]).labels == ["B", "a"])
        #expect(LabelSet(["a"]) != LabelSet(["A"]))
        #expect(LabelSet([]).labels.isEmpty)
    }

    @Test("The canonical text names each label behind its length in bytes")
    func canonicalText() {
        #expect(LabelSet([]).canonicalText == "")
        #expect(LabelSet(["self-hosted", "X64"]).canonicalText == "3:X6411:self-hosted")
        #expect(LabelSet(["ß"]).canonicalText == "2:ß")
        #expect(LabelSet([""]).canonicalText == "0:")
    }

    @Test("Hostile labels come back from the canonical text as they were")
    func hostile() {
        for label in Self.hostile {
            #expect(LabelSet(canonicalText: LabelSet([label]).canonicalText).labels == [label])
        }
        #expect(LabelSet(canonicalText: LabelSet(Self.hostile).canonicalText) == LabelSet(Self.hostile))
    }

    @Test("Different sets have different texts, and every text reads back", arguments: [1, 2, 3])
    func injective(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var sets: [String: LabelSet] = [:]
        for _ in 0..<2_000 {
            let labels = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                String(
                    (0..<Int.random(in: 0...3, using: &random)).map { _ in "1:a".randomElement(using: &random) ?? "1" })
            }
            let set = LabelSet(labels)
            try #require(LabelSet(canonicalText: set.canonicalText) == set, "seed \(seed): \(labels)")
            try #require(sets[set.canonicalText] ?? set == set, "seed \(seed): \(labels)")
            sets[set.canonicalText] = set
        }
        #expect(sets.count > 200, "seed \(seed)")
        // The plain way to write a list would not have passed.
        #expect(Set(sets.values.map { $0.labels.joined(separator: ":") }).count < sets.count, "seed \(seed)")
    }

    @Test(
        "What cannot be read ends the list",
        arguments: [
            ("", []), ("abc", []), ("3:ab", []), ("-1:a", []), (":a", []), ("1:a2:b", ["a"]), ("1:ax", ["a"]),
            ("99999999999999999999:a", []), ("9223372036854775807:a", []), ("1:a:", ["a"]),
        ])
    func unreadable(text: String, labels: [String]) {
        #expect(LabelSet(canonicalText: text).labels == labels)
    }
}
