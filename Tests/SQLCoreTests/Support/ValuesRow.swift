//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore

/// A row made of values, for the rules that no engine has a say in.
struct ValuesRow: SQLRow {
    let columns: SQLColumns
    let values: [SQLValue]

    init(_ columns: KeyValuePairs<String, SQLValue>) {
        self.columns = SQLColumns(columns.map(\.key))
        self.values = columns.map(\.value)
    }

    func kind(_ column: Int) -> SQLKind? {
        guard self.values.indices.contains(column) else { return nil }
        return switch self.values[column] {
        case .null: .null
        case .integer: .integer
        case .real: .real
        case .text: .text
        case .blob: .blob
        }
    }

    func isNull(_ column: Int) -> Bool { self.kind(column) == .null }

    func integer(_ column: Int) -> Int64 {
        if case .integer(let value) = self.values[column] { value } else { 0 }
    }

    func real(_ column: Int) -> Double {
        if case .real(let value) = self.values[column] { value } else { 0 }
    }

    func text(_ column: Int) -> String {
        if case .text(let value) = self.values[column] { value } else { "" }
    }

    func blob(_ column: Int) -> [UInt8] {
        if case .blob(let value) = self.values[column] { value } else { [] }
    }

    func withText<Result, Failure: Error>(
        _ column: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result { try body(Array(self.text(column).utf8).span) }

    func withBlob<Result, Failure: Error>(
        _ column: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result { try body(self.blob(column).span) }
}
