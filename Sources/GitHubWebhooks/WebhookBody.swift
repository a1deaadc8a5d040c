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
            for field in body.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
                guard field.starts(with: "payload=".utf8) else { continue }
                guard let decoded = Self.decode(field.dropFirst("payload=".utf8.count)) else {
                    throw .invalidBody("the form field payload has a broken percent escape")
                }
                return decoded
            }
            throw .invalidBody("the form has no field named payload")
        }
    }

    private static func decode(_ bytes: Data.SubSequence) -> Data? {
        var result = Data(capacity: bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+"): result.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(Self.digit), let low = iterator.next().flatMap(Self.digit)
                else { return nil }
                result.append(high << 4 | low)
            default: result.append(byte)
            }
        }
        return result
    }

    private static func digit(_ byte: UInt8) -> UInt8? { Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init) }
}

extension String {
    fileprivate var trimmed: String {
        String(self.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
