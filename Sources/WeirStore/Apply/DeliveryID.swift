//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A delivery's id as it is stored: a UUID in 16 bytes, anything else as its text.
struct DeliveryID: Hashable {
    let bytes: [UInt8]

    init(_ text: String) { self.bytes = Self.uuid(text) ?? [UInt8(ascii: "t")] + Array(text.utf8) }

    /// The 16 bytes of a UUID in its usual form, lower case; another spelling is another id.
    private static func uuid(_ text: String) -> [UInt8]? {
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
