//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Why a column could not be read as it was asked for.
///
/// The text names the column, what it holds and the remedy; the value itself stays out of it.
public struct ColumnError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong.
    public enum Reason: Sendable, Equatable {
        /// The result has no such column, but these.
        case missing(columns: [String])
        /// More than one column has the name.
        case ambiguous
        /// The column holds what the type cannot be.
        case mismatch(holds: SQLKind, wanted: String)
        /// The type is not one that a column can become.
        case notColumnType(String)
        /// A row was asked for something other than named columns.
        case nested(wanted: String)
        /// A row to be paged has no key.
        case nullKey
        /// Two rows to be paged have the same key.
        case repeatedKey
    }

    /// The column's name, or its number where it has none.
    public let column: String
    /// What was wrong.
    public let reason: Reason

    package init(column: String, reason: Reason) {
        self.column = column
        self.reason = reason
    }

    public var description: String {
        switch self.reason {
        case .missing(let columns):
            "there is no column \"\(self.column)\" in the result, which has \(columns.joined(separator: ", ")); "
                + "name it in the SELECT, or another one with AS \(self.column)"
        case .ambiguous:
            "more than one column is named \"\(self.column)\": give each a name of its own with AS"
        case .mismatch(.null, let wanted):
            "column \"\(self.column)\" holds null, which \(wanted) cannot be: "
                + "ask for an optional, or keep nulls out with NOT NULL or coalesce"
        case .mismatch(let kind, let wanted):
            "column \"\(self.column)\" holds \(kind.phrase), which cannot be read as \(wanted): "
                + "ask for what it holds, or CAST it in the statement"
        case .notColumnType(let wanted):
            "column \"\(self.column)\" cannot become \(wanted), for which no rule is built in: ask for what it holds "
                + "(such as a time as Int64 milliseconds), or let the type conform to SQLDecodable"
        case .nested(let wanted):
            "a row is named columns and nothing else, and \(wanted) was asked for: "
                + "give the type one property per column"
        case .nullKey:
            "column \"\(self.column)\" holds null in a row that is paged by it: page by columns that are NOT NULL"
        case .repeatedKey:
            "two rows have the same \"\(self.column)\" and are paged by it: add a unique column to the key"
        }
    }
}

extension SQLKind {
    /// As a sentence has it.
    fileprivate var phrase: String {
        switch self {
        case .null: "null"
        case .integer: "an integer"
        case .real: "a floating-point number"
        case .text: "text"
        case .blob: "bytes"
        }
    }
}
