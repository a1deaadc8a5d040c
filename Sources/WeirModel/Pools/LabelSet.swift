//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The labels a job asks a runner for, as a set: sorted, without repetitions, whatever order they were sent in.
public struct LabelSet: Hashable, Sendable {
    /// The labels, sorted by their UTF-8 bytes.
    public let labels: [String]

    public init(_ labels: some Sequence<String>) {
        // By bytes, not by `==`, which takes canonically equivalent texts for one and would keep whichever came first.
        var result: [String] = []
        for label in labels.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            if let last = result.last, last.utf8.elementsEqual(label.utf8) { continue }
            result.append(label)
        }
        self.labels = result
    }

    /// One text for the whole set: each label behind its length in bytes, so that no label can imitate another set.
    public var canonicalText: String { self.labels.map { "\($0.utf8.count):\($0)" }.joined() }

    /// Reads ``canonicalText``; what cannot be read ends the list.
    public init(canonicalText: String) {
        var labels: [String] = []
        var rest = canonicalText.utf8[...]
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            let count = Int(String(decoding: rest[..<colon], as: UTF8.self)),
            count >= 0, rest.distance(from: colon, to: rest.endIndex) > count
        {
            let start = rest.index(after: colon)
            let end = rest.index(start, offsetBy: count)
            labels.append(String(decoding: rest[start..<end], as: UTF8.self))
            rest = rest[end...]
        }
        self.init(labels)
    }
}
