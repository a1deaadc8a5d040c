//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

/// Any JSON, so that tests can change parts of it.
indirect enum JSONValue: Decodable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            // Each attempt fails but one: that is how a value of any type is read.
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    init(_ data: Data) throws { self = try JSONDecoder().decode(JSONValue.self, from: data) }

    /// The value behind some keys, the positions in arrays among them; setting nil removes it.
    subscript(path: ArraySlice<String>) -> JSONValue? {
        get {
            guard let key = path.first else { return self }
            switch self {
            case .object(let members): return members[key]?[path.dropFirst()]
            case .array(let elements):
                guard let index = Int(key), elements.indices.contains(index) else { return nil }
                return elements[index][path.dropFirst()]
            case .null, .bool, .integer, .number, .text: return nil
            }
        }
        set {
            guard let key = path.first else {
                self = newValue ?? .null
                return
            }
            switch self {
            case .object(var members):
                if path.count == 1 { members[key] = newValue } else { members[key]?[path.dropFirst()] = newValue }
                self = .object(members)
            case .array(var elements):
                guard let index = Int(key), elements.indices.contains(index) else { return }
                if path.count > 1 {
                    elements[index][path.dropFirst()] = newValue
                } else if let newValue {
                    elements[index] = newValue
                } else {
                    elements.remove(at: index)
                }
                self = .array(elements)
            case .null, .bool, .integer, .number, .text: break
            }
        }
    }

    /// The value behind dotted keys.
    subscript(path: String) -> JSONValue? {
        get { self[path.split(separator: ".").map(String.init)[...]] }
        set { self[path.split(separator: ".").map(String.init)[...]] = newValue }
    }

    /// The paths of everything in it.
    var paths: [[String]] {
        let parts: [(String, JSONValue)] =
            switch self {
            case .object(let members): members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            case .array(let elements): elements.enumerated().map { (String($0.offset), $0.element) }
            case .null, .bool, .integer, .number, .text: []
            }
        return parts.flatMap { key, value in [[key]] + value.paths.map { [key] + $0 } }
    }

    /// As JSON, members in order of their keys.
    var json: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): Self.quote(value)
        case .array(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map { "\(Self.quote($0.key)):\($0.value.json)" }
                .joined(separator: ",") + "}"
        }
    }

    var data: Data { Data(self.json.utf8) }

    private static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
