//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import Testing

@Suite("SQLDecodable")
struct SQLDecodableTests {
    enum State: String, SQLBindable, SQLDecodable {
        case running
        case done
    }

    enum Level: UInt8, SQLBindable, SQLDecodable {
        case low = 1
        case high = 255
    }

    /// One value of each kind, and those at the edges.
    private static let row = ValuesRow([
        "null": .null, "zero": .integer(0), "one": .integer(1), "large": .integer(.max), "negative": .integer(-1),
        "byte": .integer(255), "exact": .integer(1 << 53), "half": .real(0.5), "whole": .real(2), "text": .text("done"),
        "number": .text("1"), "empty": .text(""), "blob": .blob([1]), "nothing": .blob([]),
    ])

    /// The columns that can be read as a type.
    private func readable<Value: SQLDecodable>(as type: Value.Type) -> [String] {
        Self.row.columns.names.filter { (try? Self.row.value($0, as: type)) != nil }
    }

    @Test("each type takes what it can hold without loss, and nothing else")
    func conversions() throws {
        let integers = ["zero", "one", "large", "negative", "byte", "exact"]
        #expect(self.readable(as: Int64.self) == integers)
        #expect(self.readable(as: Int.self) == integers)
        #expect(self.readable(as: UInt64.self) == integers.filter { $0 != "negative" })
        #expect(self.readable(as: UInt8.self) == ["zero", "one", "byte"])
        #expect(self.readable(as: Int8.self) == ["zero", "one", "negative"])
        #expect(self.readable(as: Bool.self) == ["zero", "one"])
        // Int64.max has no exact floating-point value; 2⁵³ has.
        #expect(self.readable(as: Double.self) == ["zero", "one", "negative", "byte", "exact", "half", "whole"])
        #expect(self.readable(as: String.self) == ["text", "number", "empty"])
        #expect(self.readable(as: [UInt8].self) == ["blob", "nothing"])
        #expect(self.readable(as: State.self) == ["text"])
        #expect(self.readable(as: Level.self) == ["one", "byte"])
        #expect(self.readable(as: SQLValue.self) == Self.row.columns.names)
    }

    @Test("a value is what went in")
    func values() throws {
        #expect(try Self.row.value("large") == Int64.max)
        #expect(try Self.row.value("byte") == UInt8.max)
        #expect(try Self.row.value("exact") == 9_007_199_254_740_992.0)
        #expect(try Self.row.value("text") == State.done)
        #expect(try Self.row.value(11, as: String.self).isEmpty)
        #expect(try Self.row.value("blob") == SQLValue.blob([1]))
    }

    @Test("an optional is nil for null, and as strict as its type for everything else")
    func optionals() throws {
        #expect(try Self.row.value("null", as: Int64?.self) == nil)
        #expect(try Self.row.value("null", as: State?.self) == nil)
        #expect(try Self.row.value("one", as: Int64?.self) == 1)
        #expect(throws: ColumnError.self) { try Self.row.value("text", as: Int64?.self) }
        #expect(throws: ColumnError.self) { try Self.row.value("number", as: State?.self) }
    }

    @Test("what is bound can be read back as what it was")
    func roundTrip() throws {
        func goes<Value: SQLBindable & SQLDecodable & Equatable>(_ value: Value) throws -> Bool {
            try ValuesRow(["value": value.sqlValue]).value("value", as: Value.self) == value
        }
        #expect(try goes(Int32.min) && goes(UInt32.max) && goes(true) && goes(1.5) && goes("ü") && goes([UInt8(0)]))
        #expect(try goes(State.running) && goes(Level.high) && goes(Int64?.none) && goes(State?.some(.done)))
    }
}
