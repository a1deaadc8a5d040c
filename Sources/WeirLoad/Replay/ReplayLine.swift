//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

/// One line of a file of deliveries: `{"event": …, "delivery": …, "body": …}`.
struct ReplayLine: Sendable, Equatable {
    var event: String
    var delivery: String
    /// The body as it is sent. A body given as an object is sent as it stands in the line, byte for byte; one given as
    /// a text is the text.
    var body: Data

    /// - Throws: ``LoadError`` that says what is missing; without a line number, which the caller knows.
    init(_ line: Data) throws(LoadError) {
        var scanner = MemberScanner(line)
        var members: [String: Data] = [:]
        guard scanner.members({ members[$0] = $1 }) else { throw LoadError("the line is not a JSON object") }
        func text(_ name: String) throws(LoadError) -> String {
            guard let data = members[name], let text = try? JSONDecoder().decode(String.self, from: data) else {
                throw LoadError("\"\(name)\" is missing, or not a text")
            }
            // It goes into a header.
            guard !text.isEmpty, text.utf8.count <= 200, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                throw LoadError("\"\(name)\" must have 1 to 200 visible characters of ASCII")
            }
            return text
        }
        self.event = try text("event")
        self.delivery = try text("delivery")
        guard let body = members["body"] else { throw LoadError("\"body\" is missing") }
        if body.first == UInt8(ascii: "\"") {
            guard let text = try? JSONDecoder().decode(String.self, from: body) else {
                throw LoadError("\"body\" is not a text")
            }
            self.body = Data(text.utf8)
        } else {
            self.body = body
        }
    }
}

/// Finds the members of a JSON object without reading their values, so that a value keeps its bytes.
private struct MemberScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ data: Data) { self.bytes = Array(data) }

    private var next: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    private mutating func skipBlanks() {
        while let byte = self.next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { self.position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        self.skipBlanks()
        guard let byte = self.next, UInt32(byte) == character.value else { return false }
        self.position += 1
        return true
    }

    /// - Returns: Whether the bytes are an object, as far as can be seen from outside its values.
    mutating func members(_ body: (String, Data) -> Void) -> Bool {
        guard self.take("{") else { return false }
        if self.take("}") { return self.isAtEnd }
        repeat {
            self.skipBlanks()
            let start = self.position
            guard self.next == UInt8(ascii: "\""), self.skipText() else { return false }
            let key = try? JSONDecoder().decode(String.self, from: Data(self.bytes[start..<self.position]))
            guard let key, self.take(":"), let value = self.value() else { return false }
            body(key, value)
        } while self.take(",")
        return self.take("}") && self.isAtEnd
    }

    private var isAtEnd: Bool {
        var copy = self
        copy.skipBlanks()
        return copy.next == nil
    }

    private mutating func skipText() -> Bool {
        self.position += 1
        while let byte = self.next {
            self.position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    private mutating func value() -> Data? {
        self.skipBlanks()
        let start = self.position
        var depth = 0
        while let byte = self.next {
            switch byte {
            case UInt8(ascii: "\""):
                guard self.skipText() else { return nil }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
                if depth == 0 { return self.slice(from: start) }
                if byte != UInt8(ascii: ",") { depth -= 1 }
            default: break
            }
            self.position += 1
        }
        return nil
    }

    private func slice(from start: Int) -> Data? {
        var end = self.position
        while end > start, self.bytes[end - 1] <= 0x20 { end -= 1 }
        return end > start ? Data(self.bytes[start..<end]) : nil
    }
}
