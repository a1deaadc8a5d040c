//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The labels of one series, sanitised, sorted by name, escaped and written once.
///
/// The order in which a caller gives labels does not matter: equal sets have equal text, so the text is the key.
struct LabelSet: Hashable, Comparable, Sendable {
    /// `a="x",b="y"` without braces; empty for a series without labels.
    let text: String

    /// Makes the set from a metric's dimensions.
    ///
    /// Two names that become equal once sanitised are one label whose values are joined with `;`, as the OpenTelemetry
    /// compatibility rules ask; a repeated label would make the whole scrape unreadable.
    ///
    /// - Parameters:
    ///   - dimensions: Names and values in any order.
    ///   - reserved: A label name the format itself uses here (`le` in a histogram); it becomes `exported_<name>`.
    /// - Complexity: O(n log n), n labels.
    init(_ dimensions: [(String, String)], reserved: String? = nil) {
        var labels: [(name: String, value: String)] = []
        for (name, value) in dimensions {
            var sanitized = MetricName.sanitized(label: name)
            if sanitized == reserved { sanitized = "exported_" + sanitized }
            if let index = labels.firstIndex(where: { $0.name == sanitized }) {
                labels[index].value += ";" + value
            } else {
                labels.append((sanitized, value))
            }
        }
        labels.sort { $0.name < $1.name }
        self.text = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
    }

    /// Orders series of a family: by their text.
    static func < (left: LabelSet, right: LabelSet) -> Bool {
        left.text < right.text
    }

    /// A label value with backslash, double quote and line feed escaped; nothing else may be.
    private static func escaped(_ value: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(value.utf8.count)
        // Scalars, not characters: "\r\n" is one Character and would slip through.
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
