//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Writes JSON into a byte buffer, member by member; the caller keeps the nesting right.
///
/// Source: RFC 8259; strings are UTF-8, escaped as section 7 asks and no further.
struct JSONWriter: Sendable {
    /// The bytes written so far.
    private(set) var bytes: [UInt8] = []
    /// Whether the next member or element follows another.
    private var needsComma = false

    /// Makes an empty writer.
    ///
    /// - Parameter capacity: How many bytes to make room for.
    init(capacity: Int = 0) {
        self.bytes.reserveCapacity(capacity)
    }

    /// Writes an object.
    mutating func object(_ members: (inout JSONWriter) -> Void) {
        self.nested("{", "}", members)
    }

    /// Writes a member whose value is an object.
    mutating func object(_ key: String, _ members: (inout JSONWriter) -> Void) {
        self.key(key)
        self.object(members)
    }

    /// Writes a member whose value is an array.
    mutating func array(_ key: String, _ elements: (inout JSONWriter) -> Void) {
        self.key(key)
        self.nested("[", "]", elements)
    }

    /// Writes a member whose value is a string, or null.
    mutating func member(_ key: String, _ value: String?) {
        self.key(key)
        if let value { self.string(value) } else { self.literal("null") }
    }

    /// Writes a member whose value is a whole number, or null.
    mutating func member(_ key: String, _ value: Int64?) {
        self.key(key)
        if let value { self.literal(String(value)) } else { self.literal("null") }
    }

    /// Writes a member whose value is true or false.
    mutating func member(_ key: String, _ value: Bool) {
        self.key(key)
        self.literal(value ? "true" : "false")
    }

    /// Writes a member whose value is a time, given in milliseconds since the epoch, or null.
    mutating func time(_ key: String, _ milliseconds: Int64?) {
        self.key(key)
        guard let milliseconds else { return self.literal("null") }
        self.separate()
        self.bytes.append(UInt8(ascii: "\""))
        DemoCalendar.append(milliseconds, to: &self.bytes)
        self.bytes.append(UInt8(ascii: "\""))
        self.needsComma = true
    }

    /// Writes a member whose value is JSON already.
    mutating func raw(_ key: String, _ json: [UInt8]) {
        self.key(key)
        self.separate()
        self.bytes.append(contentsOf: json)
        self.needsComma = true
    }

    /// Writes a string, as an element or as a member's value.
    mutating func string(_ value: String) {
        self.separate()
        self.bytes.append(UInt8(ascii: "\""))
        if value.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
            self.appendEscaped(value)
        } else {
            self.bytes.append(contentsOf: value.utf8)
        }
        self.bytes.append(UInt8(ascii: "\""))
        self.needsComma = true
    }

    /// Writes brackets and what is between them.
    private mutating func nested(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void) {
        self.separate()
        self.bytes.append(UInt8(ascii: open))
        self.needsComma = false
        body(&self)
        self.bytes.append(UInt8(ascii: close))
        self.needsComma = true
    }

    /// Writes a member's key, which must not need escaping.
    private mutating func key(_ key: String) {
        self.separate()
        self.bytes.append(UInt8(ascii: "\""))
        self.bytes.append(contentsOf: key.utf8)
        self.bytes.append(UInt8(ascii: "\""))
        self.bytes.append(UInt8(ascii: ":"))
        self.needsComma = false
    }

    /// Writes a number or a word.
    private mutating func literal(_ text: String) {
        self.separate()
        self.bytes.append(contentsOf: text.utf8)
        self.needsComma = true
    }

    /// Writes a comma where one is due.
    private mutating func separate() {
        if self.needsComma { self.bytes.append(UInt8(ascii: ",")) }
    }

    /// Appends a string with quotation marks, backslashes and control characters escaped.
    private mutating func appendEscaped(_ value: String) {
        let digits = Array("0123456789abcdef".utf8)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                self.bytes.append(UInt8(ascii: "\\"))
                self.bytes.append(byte)
            case 0..<0x20:
                self.bytes.append(contentsOf: "\\u00".utf8)
                self.bytes.append(digits[Int(byte >> 4)])
                self.bytes.append(digits[Int(byte & 15)])
            default:
                self.bytes.append(byte)
            }
        }
    }
}
