//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import FoundationEssentials

/// How a webhook's body wraps its JSON.
public enum WebhookBody: Sendable, Equatable {
    /// The body is the JSON.
    case json
    /// The body is a form whose field `payload` is the JSON.
    case form

    /// Reads a `Content-Type`; nil for types GitHub does not send.
    public init?(contentType: String) {
        // Nearly every delivery says just this.
        if contentType == "application/json" {
            self = .json
            return
        }
        let type =
            contentType.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
            ?? ""
        switch type.trimmed.lowercased() {
        case "application/json": self = .json
        case "application/x-www-form-urlencoded": self = .form
        default: return nil
        }
    }

    /// The JSON of a body.
    ///
    /// - Throws: ``WebhookError/invalidBody(_:)`` for a form without `payload` or with broken escapes.
    public func json(_ body: Data) throws(WebhookError) -> Data {
        switch self {
        case .json: return body
        case .form:
            switch body.withUnsafeBytes(Self.payload) {
            case .found(let json): return json
            case .missing: throw .invalidBody("the form has no field named payload")
            case .broken: throw .invalidBody("the form field payload has a broken percent escape")
            }
        }
    }

    private enum Payload {
        case found(Data)
        case missing
        case broken
    }

    /// The first field named `payload`, decoded. One pass over the bytes: a form is as large as its JSON, and read
    /// before anything else is known of it.
    private static func payload(in form: UnsafeRawBufferPointer) -> Payload {
        let name = Array("payload=".utf8)
        var start = 0
        while start < form.count {
            let end = form[start...].firstIndex(of: UInt8(ascii: "&")) ?? form.count
            if form[start..<end].starts(with: name) {
                let encoded = UnsafeRawBufferPointer(rebasing: form[(start + name.count)..<end])
                return Self.decode(encoded).map { .found($0) } ?? .broken
            }
            start = end + 1
        }
        return .missing
    }

    /// Undoes percent escapes, and plus signs for spaces; nil when an escape is broken.
    private static func decode(_ bytes: UnsafeRawBufferPointer) -> Data? {
        var result = Data(count: bytes.count)
        let length = result.withUnsafeMutableBytes { (output: UnsafeMutableRawBufferPointer) -> Int? in
            var read = 0
            var written = 0
            while read < bytes.count {
                var byte = bytes[read]
                read += 1
                if byte == UInt8(ascii: "+") {
                    byte = UInt8(ascii: " ")
                } else if byte == UInt8(ascii: "%") {
                    guard read + 2 <= bytes.count, let high = bytes[read].hexDigitValue,
                        let low = bytes[read + 1].hexDigitValue
                    else { return nil }
                    byte = high << 4 | low
                    read += 2
                }
                output[written] = byte
                written += 1
            }
            return written
        }
        return length.map { result.prefix($0) }
    }
}

extension UInt8 {
    /// What a hexadecimal digit stands for; nil for another character.
    var hexDigitValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        String(self.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
