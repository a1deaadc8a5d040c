//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Reads the text format back, strictly: what this refuses, a Prometheus server may refuse too.
///
/// Stricter than the format where the writer promises more: one block per family, sorted, no blank lines.
struct ExpositionParser {
    /// Why a text was refused; the line is the offending one.
    struct Malformed: Error, Equatable {
        /// What rule it breaks.
        let reason: String
        /// The line.
        let line: String
    }

    /// One sample line.
    struct Sample: Equatable {
        /// The sample's name.
        let name: String
        /// Its labels, unescaped, in the order written.
        let labels: [[String]]
        /// Its value.
        let value: Double

        /// The value of one label.
        func label(_ name: String) -> String? {
            self.labels.first { $0[0] == name }?[1]
        }
    }

    /// One family.
    struct Family {
        /// Its name.
        let name: String
        /// The word of its TYPE line.
        let type: String
        /// Its help text, unescaped.
        let help: String?
        /// Its samples in order.
        var samples: [Sample] = []
    }

    /// The families read so far.
    private var families: [Family] = []
    /// The HELP line that waits for its TYPE line.
    private var pendingHelp: (name: String, text: String)?

    /// Reads a whole text.
    static func parse(_ text: String) throws(Malformed) -> [Family] {
        guard text.isEmpty || text.hasSuffix("\n") else { throw Malformed(reason: "no final line feed", line: "") }
        var parser = ExpositionParser()
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            try parser.read(String(line))
        }
        if let help = parser.pendingHelp { throw Malformed(reason: "HELP without TYPE", line: help.name) }
        for family in parser.families { try Self.check(family) }
        return parser.families
    }

    /// Reads one line.
    private mutating func read(_ line: String) throws(Malformed) {
        if line.hasPrefix("# HELP ") {
            let parts = line.dropFirst(7).split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, Self.isName(parts[0], colonIsLegal: true), self.pendingHelp == nil else {
                throw Malformed(reason: "HELP", line: line)
            }
            self.pendingHelp = (String(parts[0]), try Self.unescaped(parts[1], quoted: false, line))
        } else if line.hasPrefix("# TYPE ") {
            try self.readType(line)
        } else {
            try self.readSample(line)
        }
    }

    /// Reads a TYPE line, which opens a family.
    private mutating func readType(_ line: String) throws(Malformed) {
        let parts = line.dropFirst(7).split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, Self.isName(parts[0][...], colonIsLegal: true) else {
            throw Malformed(reason: "TYPE", line: line)
        }
        guard ["counter", "gauge", "histogram"].contains(parts[1]) else {
            throw Malformed(reason: "unknown type", line: line)
        }
        if let last = self.families.last, last.name >= parts[0] {
            throw Malformed(reason: "families not sorted or repeated", line: line)
        }
        if let help = self.pendingHelp, help.name != parts[0] { throw Malformed(reason: "HELP of another", line: line) }
        self.families.append(Family(name: parts[0], type: parts[1], help: self.pendingHelp?.text))
        self.pendingHelp = nil
    }

    /// Reads a sample line, which belongs to the family opened last.
    private mutating func readSample(_ line: String) throws(Malformed) {
        guard self.pendingHelp == nil, let family = self.families.last else {
            throw Malformed(reason: "sample without TYPE", line: line)
        }
        let name = line.prefix { $0 != "{" && $0 != " " }
        guard Self.isName(name, colonIsLegal: true) else { throw Malformed(reason: "name", line: line) }
        var rest = line.dropFirst(name.count)
        var labels: [[String]] = []
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                if !labels.isEmpty {
                    guard rest.first == "," else { throw Malformed(reason: "comma", line: line) }
                    rest = rest.dropFirst()
                }
                labels.append(try Self.readLabel(&rest, line))
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", let value = Self.number(rest.dropFirst()) else {
            throw Malformed(reason: "value", line: line)
        }
        guard Set(labels.map { $0[0] }).count == labels.count else {
            throw Malformed(reason: "label twice", line: line)
        }
        let suffix = name.dropFirst(family.name.count)
        let allowed = family.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        guard name.hasPrefix(family.name), allowed.contains(String(suffix)) else {
            throw Malformed(reason: "sample of another family", line: line)
        }
        let sample = Sample(name: String(name), labels: labels, value: value)
        guard !family.samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) else {
            throw Malformed(reason: "series twice", line: line)
        }
        self.families[self.families.count - 1].samples.append(sample)
    }

    /// Reads `name="value"` from the front of the rest of a line.
    private static func readLabel(_ rest: inout Substring, _ line: String) throws(Malformed) -> [String] {
        let name = rest.prefix { $0 != "=" }
        guard Self.isName(name, colonIsLegal: false) else { throw Malformed(reason: "label name", line: line) }
        rest = rest.dropFirst(name.count)
        guard rest.hasPrefix("=\"") else { throw Malformed(reason: "label quote", line: line) }
        rest = rest.dropFirst(2)
        var end = rest.startIndex
        var isEscaped = false
        while end < rest.endIndex, isEscaped || rest[end] != "\"" {
            isEscaped = !isEscaped && rest[end] == "\\"
            end = rest.index(after: end)
        }
        guard end < rest.endIndex else { throw Malformed(reason: "label not closed", line: line) }
        let value = try Self.unescaped(rest[..<end], quoted: true, line)
        rest = rest[rest.index(after: end)...]
        return [String(name), value]
    }

    /// Undoes the escapes; any other escape is refused.
    private static func unescaped(_ text: Substring, quoted: Bool, _ line: String) throws(Malformed) -> String {
        var result = ""
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "\\" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            switch scalars.next() {
            case "\\": result += "\\"
            case "n": result += "\n"
            case "\"" where quoted: result += "\""
            default: throw Malformed(reason: "escape", line: line)
            }
        }
        return result
    }

    /// A value as Go's ParseFloat takes it; Swift's own spellings `inf` and `nan` are refused.
    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": return .infinity
        case "-Inf": return -.infinity
        case "NaN": return .nan
        default:
            guard text.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.e".contains($0)) }) else { return nil }
            return Double(text)
        }
    }

    /// Whether a name is legal.
    private static func isName(_ name: Substring, colonIsLegal: Bool) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": true
            case ":": colonIsLegal
            default: false
            }
        }
    }

    /// Checks what holds of a whole family: counters never negative, buckets ascending, cumulative and complete.
    private static func check(_ family: Family) throws(Malformed) {
        guard !family.samples.isEmpty else { throw Malformed(reason: "family without samples", line: family.name) }
        if family.type == "counter", !family.samples.allSatisfy({ $0.value >= 0 }) {
            throw Malformed(reason: "negative counter", line: family.name)
        }
        guard family.type == "histogram" else { return }
        let series = Dictionary(grouping: family.samples) { $0.labels.filter { $0[0] != "le" } }
        for (labels, samples) in series {
            let line = "\(family.name) \(labels)"
            let buckets = samples.filter { $0.name.hasSuffix("_bucket") }
            let bounds = buckets.compactMap { $0.label("le").flatMap { Self.number($0[...]) } }
            guard bounds.count == buckets.count, bounds.last == .infinity,
                zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 })
            else { throw Malformed(reason: "le", line: line) }
            guard zip(buckets, buckets.dropFirst()).allSatisfy({ $0.value <= $1.value }) else {
                throw Malformed(reason: "buckets not cumulative", line: line)
            }
            guard samples.filter({ $0.name.hasSuffix("_sum") }).count == 1,
                samples.first(where: { $0.name.hasSuffix("_count") })?.value == buckets.last?.value
            else { throw Malformed(reason: "count or sum", line: line) }
        }
    }
}
