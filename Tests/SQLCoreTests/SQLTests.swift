//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import Testing

@Suite("SQL")
struct SQLTests {
    @Test("values become placeholders, whose places are known through every splice")
    func placeholders() {
        let condition: SQL = "ü = \("x'; --") AND id IN \(list: [1, 2])"
        let sql: SQL = "SELECT * FROM \(identifier: "jobs") WHERE \(condition) LIMIT \(5)"
        #expect(sql.text == "SELECT * FROM jobs WHERE ü = ? AND id IN (?, ?) LIMIT ?")
        #expect(sql.values == [.text("x'; --"), .integer(1), .integer(2), .integer(5)])
        let bytes = Array(sql.text.utf8)
        #expect(sql.placeholders.map { bytes[$0] } == Array(repeating: UInt8(ascii: "?"), count: 4))
    }

    @Test("an empty list, a missing value and a joined list are what they say")
    func corners() {
        #expect(("x IN \(list: [Int64]())" as SQL).text == "x IN ()")
        #expect(("x = \(Int64?.none)" as SQL).values == [.null])
        let parts: [SQL] = ["a = \(1)", "b = \(2)"]
        let joined = parts.joined(separator: " AND ")
        #expect(joined.text == "a = ? AND b = ?" && joined.placeholders == [4, 14])
    }

    @Test("an identifier with anything but letters, digits and underscores ends the program")
    func identifiers() async {
        await #expect(processExitsWith: .failure) { _ = "SELECT \(identifier: "a b")" as SQL }
        await #expect(processExitsWith: .failure) { _ = "SELECT \(identifier: "")" as SQL }
        await #expect(processExitsWith: .failure) { _ = "SELECT \(identifier: "a\"")" as SQL }
    }
}
