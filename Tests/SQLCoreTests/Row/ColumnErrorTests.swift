//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import Testing

@Suite("ColumnError")
struct ColumnErrorTests {
    private static let row = ValuesRow([
        "id": .integer(7), "secret": .text("open sesame"), "id": .integer(8), "n": .null,
    ])

    /// The error of a read, as a reader sees it.
    private func error(_ body: (ValuesRow) throws -> Void) -> String {
        do {
            try body(Self.row)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test("a missing column is named, with those that are there")
    func missing() {
        let text = self.error { _ = try $0.value("nme", as: String.self) }
        #expect(text.contains("\"nme\"") && text.contains("id, secret, id, n") && text.contains("AS nme"))
        #expect(self.error { _ = try $0.value(4, as: String.self) }.contains("no column \"4\""))
        // An optional is for null; it does not excuse a column that is not there.
        let byPosition = self.error { _ = try $0.value(4, as: String?.self) }
        let byName = self.error { _ = try $0.value("nme", as: String?.self) }
        #expect(byPosition.contains("no column \"4\"") && byName.contains("no column \"nme\""))
    }

    @Test("a name that stands twice is refused, the same columns by position are not")
    func ambiguous() throws {
        #expect(self.error { _ = try $0.value("id", as: Int64.self) }.contains("more than one column is named \"id\""))
        #expect(try Self.row.value(2, as: Int64.self) == 8)
    }

    @Test("null and other kinds are named with what they are and the remedy, without the value")
    func mismatch() {
        let null = self.error { _ = try $0.value("n", as: Int64.self) }
        #expect(null.contains("column \"n\" holds null, which Int64 cannot be") && null.contains("optional"))
        let kind = self.error { _ = try $0.value("secret", as: Int64.self) }
        #expect(kind.contains("\"secret\" holds text, which cannot be read as Int64") && kind.contains("CAST"))
        #expect(!kind.contains("sesame"))
        let value = self.error { _ = try $0.value("secret", as: SQLDecodableTests.State.self) }
        #expect(value.contains("holds text, which cannot be read as State") && !value.contains("sesame"))
    }
}
