//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A label set under its normalised name: what demand, statistics and metrics are kept by.
///
/// Labels are no bounded set, since people put run and job numbers into them. The default rule folds what looks like
/// a number or an id, so that `runs-on=1234567` and `runs-on=1234568` are one pool.
public enum RunnerPool {
    /// The pool of jobs without labels.
    public static let unlabelled = "(none)"
    /// The pool that takes what comes after ``countMax`` pools.
    public static let other = "other"
    /// Most pools; each costs rows per second of demand, and series in metrics.
    public static let countMax = 500

    /// The name of a label set's pool.
    ///
    /// - Complexity: O(n) in the bytes of the labels.
    public static func name(for labels: LabelSet) -> String {
        if labels.labels.isEmpty { return self.unlabelled }
        return LabelSet(labels.labels.map(self.fold)).labels.joined(separator: "+")
    }

    /// Replaces words of eight and more hexadecimal characters with a digit among them, and runs of five and more
    /// digits, by `*`. Versions such as `22.04`, years such as `windows-2022` and sizes such as `16x` stay.
    private static func fold(_ label: String) -> String {
        var result: [UInt8] = []
        var word: [UInt8] = []
        for byte in label.utf8 {
            if Self.isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) {
                word.append(byte)
            } else {
                result += Self.fold(word: word)
                word.removeAll()
                result.append(byte)
            }
        }
        return String(decoding: result + Self.fold(word: word), as: UTF8.self)
    }

    private static func fold(word: [UInt8]) -> [UInt8] {
        let isHexadecimal = word.allSatisfy {
            Self.isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20)
        }
        if isHexadecimal, word.count >= 8, word.contains(where: Self.isDigit) { return [UInt8(ascii: "*")] }
        var result: [UInt8] = []
        var digits: [UInt8] = []
        for byte in word + [0] {
            if Self.isDigit(byte) {
                digits.append(byte)
                continue
            }
            result += digits.count >= 5 ? [UInt8(ascii: "*")] : digits
            digits.removeAll()
            if byte != 0 { result.append(byte) }
        }
        return result
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
