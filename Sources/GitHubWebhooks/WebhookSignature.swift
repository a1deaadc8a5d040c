//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Crypto
public import FoundationEssentials

/// Checks `X-Hub-Signature-256` against the secrets that are valid.
///
/// Several may be valid at once, so that a secret can be rotated without losing a delivery.
public struct WebhookSignature: Sendable {
    /// For each secret, the code that has seen nothing of a body yet.
    private let codes: [HMAC<SHA256>]

    /// - Parameter secrets: The valid secrets; empty ones are left out.
    public init(secrets: [String]) {
        self.codes = secrets.filter { !$0.isEmpty }.map { HMAC(key: SymmetricKey(data: Array($0.utf8))) }
    }

    /// Whether a secret is configured at all.
    public var isConfigured: Bool { !self.codes.isEmpty }

    /// Whether a header's value is the HMAC-SHA256 of the body under one of the secrets.
    ///
    /// Every secret is tried and digests are compared in constant time, so the time taken tells nothing about either.
    ///
    /// - Parameters:
    ///   - header: `sha256=` and 64 hexadecimal digits.
    ///   - body: The body as it was received, before any decoding.
    public func isValid(_ header: String, for body: Data) -> Bool {
        guard let code = Self.bytes(header) else { return false }
        var isValid = false
        for var known in self.codes {
            known.update(data: body)
            // The library compares codes in constant time.
            let matches = known.finalize() == code
            isValid = isValid || matches
        }
        return isValid
    }

    /// The value a sender puts into the header for the first secret.
    public func header(for body: Data) -> String? {
        guard var code = self.codes.first else { return nil }
        code.update(data: body)
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("sha256=".utf8)
        for byte in code.finalize() {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func bytes(_ header: String) -> [UInt8]? {
        guard header.hasPrefix("sha256=") else { return nil }
        let digits = header.utf8.dropFirst(7)
        guard digits.count == 64 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(32)
        var high: UInt8?
        for digit in digits {
            guard let value = digit.hexDigitValue else { return nil }
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
