//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The names of a result's columns, and where each stands.
public final class SQLColumns: Sendable {
    /// The names, in the order of the columns.
    public let names: [String]
    /// Where each name stands; nil for one that stands twice.
    private let positions: [String: Int?]

    /// For drivers: made once per statement, since it costs a dictionary.
    package init(_ names: [String]) {
        self.names = names
        self.positions = Dictionary(names.enumerated().map { ($0.element, $0.offset) }) { _, _ in nil }
    }

    /// Where the column of a name stands.
    ///
    /// - Throws: ``ColumnError`` when no column or more than one has the name.
    public func position(of name: String) throws(ColumnError) -> Int {
        switch self.positions[name] {
        case .some(.some(let position)): return position
        case .some(.none): throw ColumnError(column: name, reason: .ambiguous)
        case .none: throw ColumnError(column: name, reason: .missing(columns: self.names))
        }
    }
}
