//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A statement and its values, built by string interpolation.
///
/// `"SELECT name FROM jobs WHERE id = \(id)"` holds the text `… WHERE id = ?` and the value `id`: values become bound
/// parameters, never text. A nested ``SQL`` is spliced in with its values; `\(identifier:)` is the only way to put
/// text from a variable into a statement, and it takes letters, digits and underscores only.
public struct SQL: Sendable, Equatable, ExpressibleByStringInterpolation {
    /// The text, with `?` for each value.
    public private(set) var text: String
    /// Where the placeholders stand, as offsets in UTF-8 bytes; a driver with numbered placeholders needs them.
    public private(set) var placeholders: [Int]
    /// The values, in the order of the placeholders.
    public private(set) var values: [SQLValue]

    public init(stringLiteral value: StaticString) {
        self.text = value.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
        self.placeholders = []
        self.values = []
    }

    public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.sql }

    private init() {
        self.text = ""
        self.placeholders = []
        self.values = []
    }

    /// Collects the parts of an interpolated statement.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var sql = SQL()

        public init(literalCapacity: Int, interpolationCount: Int) {
            self.sql.text.reserveCapacity(literalCapacity + interpolationCount)
            self.sql.values.reserveCapacity(interpolationCount)
        }

        public mutating func appendLiteral(_ literal: StaticString) {
            literal.withUTF8Buffer { self.sql.text += String(decoding: $0, as: UTF8.self) }
        }

        /// Binds a value.
        public mutating func appendInterpolation(_ value: some SQLBindable) {
            self.sql.appendPlaceholder(value.sqlValue)
        }

        /// Binds a value, or null.
        public mutating func appendInterpolation<Value: SQLBindable>(_ value: Value?) {
            self.sql.appendPlaceholder(value.sqlValue)
        }

        /// Splices a part of a statement.
        public mutating func appendInterpolation(_ part: SQL) { self.sql += part }

        /// Writes an identifier into the text.
        public mutating func appendInterpolation(identifier: String) {
            precondition(
                !identifier.isEmpty
                    && identifier.utf8.allSatisfy {
                        $0 == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                    }, "an identifier may hold letters, digits and underscores only")
            self.sql.text += identifier
        }

        /// Binds each value of a list, in parentheses: `IN \(list: ids)`.
        public mutating func appendInterpolation(list: some Sequence<some SQLBindable>) {
            self.sql.text += "("
            var isFirst = true
            for value in list {
                if !isFirst { self.sql.text += ", " }
                isFirst = false
                self.sql.appendPlaceholder(value.sqlValue)
            }
            self.sql.text += ")"
        }
    }

    /// The same statement with other values, for one that runs thousands of times a second: its text is built once.
    ///
    /// - Parameter values: As many as there are placeholders, in their order.
    public func with(_ values: [SQLValue]) -> SQL {
        precondition(values.count == self.values.count, "the statement has \(self.values.count) values")
        var result = self
        result.values = values
        return result
    }

    private mutating func appendPlaceholder(_ value: SQLValue) {
        self.placeholders.append(self.text.utf8.count)
        self.text += "?"
        self.values.append(value)
    }

    public static func += (left: inout SQL, right: SQL) {
        let offset = left.text.utf8.count
        left.text += right.text
        left.placeholders += right.placeholders.map { $0 + offset }
        left.values += right.values
    }

    public static func + (left: SQL, right: SQL) -> SQL {
        var result = left
        result += right
        return result
    }
}

extension Sequence where Element == SQL {
    /// The parts with a separator between them.
    public func joined(separator: SQL) -> SQL {
        var result: SQL = ""
        var isFirst = true
        for part in self {
            if !isFirst { result += separator }
            isFirst = false
            result += part
        }
        return result
    }
}
