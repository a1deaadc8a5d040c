//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Makes subjects of commits as people write them; some have characters that need care in JSON and HTML.
enum CommitSubject {
    /// What is written before and after a topic.
    private static let patterns: [(String, String)] = [
        ("Fix a race in ", ""), ("Speed up ", " by a third"), ("Add tests for ", ""), ("Refactor ", ""),
        ("Handle empty input in ", ""), ("Drop the old path of ", ""), ("Document ", ""), ("Retry ", " on timeout"),
        ("fix: off-by-one in ", ""), ("feat: first cut of ", ""), ("chore: tidy ", ""), ("perf: fewer copies in ", ""),
        ("Revert \"Rework ", "\""), ("Make ", " configurable"), ("Log why ", " gave up"), ("Don’t panic in ", ""),
        ("Guard ", " against <script> & friends"), ("Use bounded queues for ", " — part 2"),
    ]

    /// A subject about one of the topics.
    static func make(_ topics: [String], using random: inout DemoRandom) -> String {
        let (before, after) = random.pick(Self.patterns)
        return before + random.pick(topics) + after
    }

    /// A branch's name for a title: lower-case letters and digits joined by single hyphens, at most 40 characters.
    static func slug(_ title: String) -> String {
        var bytes: [UInt8] = []
        for byte in title.utf8 where bytes.count < 40 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): bytes.append(byte + 32)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): bytes.append(byte)
            default: if let last = bytes.last, last != UInt8(ascii: "-") { bytes.append(UInt8(ascii: "-")) }
            }
        }
        if bytes.last == UInt8(ascii: "-") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
