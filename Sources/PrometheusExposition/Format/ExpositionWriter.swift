//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Writes the Prometheus text exposition format, version 0.0.4, into a byte buffer.
///
/// Source: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
struct ExpositionWriter {
    /// The bytes written so far: UTF-8, every line ended by a line feed.
    private(set) var bytes: [UInt8] = []

    /// Writes the `HELP` line, when there is a text, and the `TYPE` line of a family.
    ///
    /// - Parameters:
    ///   - name: The family's full name.
    ///   - kind: Its type.
    ///   - help: The help text, unescaped; nil writes no `HELP` line.
    mutating func header(name: String, kind: MetricKind, help: String?) {
        if let help {
            self.append("# HELP ")
            self.append(name)
            self.append(" ")
            for byte in help.utf8 {
                switch byte {
                case UInt8(ascii: "\\"): self.append("\\\\")
                case UInt8(ascii: "\n"): self.append("\\n")
                default: self.bytes.append(byte)
                }
            }
            self.append("\n")
        }
        self.append("# TYPE ")
        self.append(name)
        self.append(" ")
        self.append(kind.rawValue)
        self.append("\n")
    }

    /// Writes one sample.
    ///
    /// - Parameters:
    ///   - name: The sample's name, its suffix included.
    ///   - labels: The series' labels.
    ///   - extra: One more label, already escaped (`le="0.1"`), written last.
    ///   - value: The value as ``number(_:)`` or a decimal integer gives it.
    mutating func sample(name: String, labels: LabelSet, extra: String = "", value: String) {
        self.append(name)
        if !labels.text.isEmpty || !extra.isEmpty {
            self.append("{")
            self.append(labels.text)
            if !labels.text.isEmpty && !extra.isEmpty { self.append(",") }
            self.append(extra)
            self.append("}")
        }
        self.append(" ")
        self.append(value)
        self.append("\n")
    }

    /// Writes the cumulative buckets, the sum and the count of one histogram series.
    ///
    /// - Parameters:
    ///   - name: The family's name.
    ///   - labels: The series' labels.
    ///   - snapshot: What the histogram held.
    mutating func histogram(name: String, labels: LabelSet, snapshot: Distribution) {
        var cumulative: UInt64 = 0
        for (bound, count) in zip(snapshot.bounds, snapshot.counts) {
            cumulative &+= count
            self.sample(
                name: name + "_bucket", labels: labels, extra: "le=\"\(Self.number(bound))\"", value: "\(cumulative)")
        }
        self.sample(name: name + "_bucket", labels: labels, extra: "le=\"+Inf\"", value: "\(snapshot.count)")
        self.sample(name: name + "_sum", labels: labels, value: Self.number(snapshot.sum))
        self.sample(name: name + "_count", labels: labels, value: "\(snapshot.count)")
    }

    /// A number as Go's `ParseFloat` reads it: `+Inf`, `-Inf`, `NaN`, whole numbers without a fraction.
    ///
    /// - Parameter value: Any value.
    /// - Returns: The shortest text that reads back as the same value.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // 2^53: up to here every whole Double is an exact integer.
        if value.magnitude < 9_007_199_254_740_992, value == Double(Int64(value)) { return "\(Int64(value))" }
        return "\(value)"
    }

    /// Appends the UTF-8 of a text.
    private mutating func append(_ text: String) {
        self.bytes.append(contentsOf: text.utf8)
    }
}
