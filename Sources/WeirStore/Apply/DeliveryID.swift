//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A delivery's id as it is stored: a UUID in 16 bytes, anything else as its text.
///
/// GitHub's are UUIDs of version 1, which hold the time they were made at, its fastest part first. They are stored
/// behind a 1, slowest part first (as version 6 has it, RFC 9562, 5.6), so that new ones lie together at the end of the
/// table instead of each on a page of its own.
package struct DeliveryID: Hashable {
    let bytes: [UInt8]

    private static let textMark = UInt8(ascii: "t")
    private static let timeMark: UInt8 = 1

    init(_ text: String) {
        guard let uuid = Self.uuid(text) else {
            self.bytes = [Self.textMark] + Array(text.utf8)
            return
        }
        self.bytes = uuid[6] >> 4 == 1 ? [Self.timeMark] + uuid[6..<8] + uuid[4..<6] + uuid[0..<4] + uuid[8...] : uuid
    }

    /// What is stored.
    init(stored bytes: [UInt8]) { self.bytes = bytes }

    /// The id as the source writes it.
    var text: String {
        if self.bytes.count == 16 { return Self.text(uuid: self.bytes[...]) }
        if self.bytes.first == Self.timeMark, self.bytes.count == 17 {
            let time = self.bytes[1..<9]
            return Self.text(uuid: time[5..<9] + time[3..<5] + time[1..<3] + self.bytes[9...])
        }
        return String(decoding: self.bytes.dropFirst(), as: UTF8.self)
    }

    private static func text(uuid: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        for (index, byte) in uuid.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            for digit in [byte >> 4, byte & 15] {
                text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The 16 bytes of a UUID in its usual form, lower case; another spelling is another id.
    package static func uuid(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count == 36 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(16)
        var high: UInt8?
        for (index, character) in characters.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard character == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let known = high {
                result.append(known << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return result
    }
}
