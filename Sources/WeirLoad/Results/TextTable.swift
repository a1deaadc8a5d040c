//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Lines of columns, for people.
package enum TextTable {
    /// Rows with the first column to the left and the others to the right, each as wide as it has to be.
    package static func lines(_ rows: [[String]]) -> [String] {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let blanks = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + blanks : blanks + cell
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// Microseconds as milliseconds, with three digits that mean something.
    package static func milliseconds(_ microseconds: UInt64) -> String {
        let value = Double(microseconds) / 1_000
        return "\(value < 10 ? Self.rounded(value, 2) : Self.rounded(value, value < 100 ? 1 : 0)) ms"
    }

    /// A number with so many digits behind the point.
    package static func rounded(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "–" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = Int((abs(value) * scale).rounded())
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard digits > 0 else { return sign + Self.grouped(whole) }
        let fraction = String(whole % Int(scale))
        return sign + Self.grouped(whole / Int(scale)) + "."
            + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// A number with commas between thousands.
    package static func grouped(_ number: Int) -> String {
        var text = String(number.magnitude)
        var result = ""
        while text.count > 3 {
            result = "," + text.suffix(3) + result
            text.removeLast(3)
        }
        return (number < 0 ? "-" : "") + text + result
    }
}
