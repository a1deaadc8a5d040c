//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import SQLCore
import Testing

@Suite("Rows as Codable values")
struct RowDecoderTests {
    /// Conforms to nothing but `Decodable`.
    enum State: String, Decodable {
        case running
        case done
    }

    struct Job: Decodable, Equatable {
        var id: Int64
        var name: String
        var state: State
        var cost: Double?
        var attempt: UInt8
        var log: [UInt8]?
        var isLate: Bool
        var parent: State?

        enum CodingKeys: String, CodingKey {
            case id, name, state, cost, attempt, log, parent
            case isLate = "is_late"
        }
    }

    private static let row = ValuesRow([
        "parent": .null, "is_late": .integer(1), "log": .blob([1, 2]), "ignored": .text("x"), "attempt": .integer(2),
        "cost": .real(1.5), "state": .text("done"), "name": .text("build"), "id": .integer(7),
    ])

    /// The error of decoding, as a reader sees it.
    private func error<Value: Decodable>(_ type: Value.Type, _ columns: KeyValuePairs<String, SQLValue>) -> String {
        do {
            return "\(try ValuesRow(columns).decode(type))"
        } catch let error as ColumnError {
            return "\(error)"
        } catch {
            return "untyped: \(error)"
        }
    }

    @Test("properties are read from the columns of their names, whatever the order")
    func whole() throws {
        let job = try Self.row.decode(Job.self)
        #expect(
            job
                == Job(
                    id: 7, name: "build", state: .done, cost: 1.5, attempt: 2, log: [1, 2], isLate: true, parent: nil))
    }

    @Test("a type that a column can become is read from the only column")
    func onlyColumn() throws {
        #expect(try ValuesRow(["max": .integer(3)]).decode(Int64.self) == 3)
        #expect(try ValuesRow(["max": .null]).decode(Int64?.self) == nil)
        #expect(try ValuesRow(["max": .integer(3)]).decode(Int64?.self) == 3)
        #expect(try ValuesRow(["name": .text("a")]).decode(String.self) == "a")
        #expect(try ValuesRow(["state": .text("running")]).decode(State.self) == .running)
        #expect(try ValuesRow(["log": .blob([1])]).decode([UInt8].self) == [1])
        #expect(self.error(Int64.self, ["a": .integer(1), "b": .integer(2)]).contains("Int64 was asked for"))
    }

    @Test("a column that is missing is an error, for an optional property too")
    func missing() {
        struct Some: Decodable {
            var id: Int64
            var note: String?
        }
        #expect(self.error(Some.self, ["id": .integer(1)]).contains("no column \"note\""))
        #expect(self.error(Some.self, ["note": .null]).contains("no column \"id\""))
        #expect(self.error(Some.self, ["id": .integer(1), "note": .null]).contains("Some(id: 1, note: nil)"))
    }

    @Test("null, another kind and an unknown raw value are errors that name the column")
    func mismatch() {
        struct Some: Decodable {
            var state: State
        }
        #expect(self.error(Some.self, ["state": .null]).contains("\"state\" holds null, which State cannot be"))
        #expect(self.error(Some.self, ["state": .integer(1)]).contains("\"state\" holds an integer"))
        #expect(self.error(Some.self, ["state": .text("lost")]).contains("\"state\" holds text, which cannot be read"))
    }

    @Test("a date has no hidden policy, in a row or alone")
    func dates() {
        struct Some: Decodable {
            var at: Date
        }
        let numbers: [SQLValue] = [.integer(1_700_000_000_000), .real(1_700_000_000), .text("2023-11-14T22:13:20Z")]
        for value in numbers {
            let text = self.error(Some.self, ["at": value])
            #expect(text.contains("\"at\" cannot become Date") && text.contains("Int64 milliseconds"))
            #expect(self.error(Date.self, ["at": value]).contains("Date was asked for"))
        }
        struct Stated: Decodable, Equatable {
            var at: Milliseconds
        }
        #expect(self.error(Stated.self, ["at": .integer(5)]).contains("Stated(at:"))
    }

    /// A time with the rule that its column has, said once.
    struct Milliseconds: Decodable, Equatable, RawRepresentable, SQLDecodable {
        var rawValue: Int64
    }

    @Test("values inside values are errors that say so")
    func nested() {
        struct Inner: Decodable {
            var x: Int64
        }
        struct Outer: Decodable {
            var inner: Inner
        }
        struct List: Decodable {
            var tags: [String]
        }
        struct Container: Decodable {
            init(from decoder: any Decoder) throws {
                _ = try decoder.container(keyedBy: Key.self).nestedContainer(keyedBy: Key.self, forKey: .inner)
            }

            enum Key: CodingKey { case inner }
        }
        #expect(self.error(Outer.self, ["inner": .text("{}")]).contains("\"inner\" cannot become Inner"))
        #expect(self.error(Outer.self, ["x": .integer(1)]).contains("\"inner\" cannot become Inner"))
        #expect(self.error(List.self, ["tags": .text("[]")]).contains("cannot become Array<String>"))
        #expect(self.error(Container.self, ["inner": .null]).contains("a container inside \"inner\" was asked for"))
        #expect(self.error([String].self, ["tags": .text("a"), "b": .null]).contains("Array<String> was asked for"))
        #expect(self.error(Float.self, ["x": .real(1)]).contains("Float was asked for"))
    }
}
