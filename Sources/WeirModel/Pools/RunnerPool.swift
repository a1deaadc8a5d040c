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
        let folded = Set(labels.labels.map(self.fold)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return folded.joined(separator: "+")
    }

    /// Replaces runs of four and more digits, and of eight and more hexadecimal characters with a digit among them,
    /// by `*`. Versions such as `22.04` and sizes such as `16x` stay.
    private static func fold(_ label: String) -> String {
        var result: [UInt8] = []
        var run: [UInt8] = []
        func flush() {
            let digits = run.count { Self.isDigit($0) }
            let isID = digits == run.count ? digits >= 4 : run.count >= 8 && digits >= 1
            if isID { result.append(UInt8(ascii: "*")) } else { result += run }
            run.removeAll()
        }
        for byte in label.utf8 {
            if Self.isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20) {
                run.append(byte)
            } else {
                flush()
                result.append(byte)
            }
        }
        flush()
        return String(decoding: result, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
