//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import GitHubWebhooks
import TestSupport
import Testing

@Suite struct WebhookSignatureTests {
    private struct Vector: Sendable {
        let secret: String
        let body: String
        let digest: String
    }

    /// The first is GitHub's own example, the second test case 2 of RFC 4231, the rest were computed with Python's hmac.
    private static let vectors = [
        Vector(
            secret: "It's a Secret to Everybody", body: "Hello, World!",
            digest: "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
        Vector(
            secret: "Jefe", body: "what do ya want for nothing?",
            digest: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Vector(
            secret: "key", body: "",
            digest: "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0"),
        Vector(
            secret: "schlüssel", body: #"{"zen":"x"}"#,
            digest: "aa1b0a1905a5426eed2fb847ee742da4641b1425329d9594d415bfbbd72138e1"),
        // Longer than a block, so it is hashed first.
        Vector(
            secret: String(repeating: "k", count: 100), body: #"{"zen":"x"}"#,
            digest: "9aba0aa5790ba0aebb4f3e28f5dffc3b119d2d343ec3750ea86c9a62f4ed4a3b"),
    ]

    private static let body = Data(#"{"zen":"x"}"#.utf8)
    /// Of ``body``, under "new secret".
    private static let digest = "365427a10a3451eb51120560d0127ce4283f4b6d536abe9837c0805e5ee7d664"

    @Test("Known signatures are valid, and are what a sender would send", arguments: Self.vectors)
    private func known(vector: Vector) {
        let signature = WebhookSignature(secrets: [vector.secret])
        let body = Data(vector.body.utf8)
        #expect(signature.isConfigured)
        #expect(signature.isValid("sha256=\(vector.digest)", for: body))
        #expect(signature.header(for: body) == "sha256=\(vector.digest)")
        #expect(signature.isValid("sha256=\(vector.digest.uppercased())", for: body))
        #expect(!signature.isValid("sha256=\(vector.digest)", for: body + Data([10])))
        #expect(!WebhookSignature(secrets: [vector.secret + " "]).isValid("sha256=\(vector.digest)", for: body))
    }

    @Test("Any of several secrets will do, the first is the sender's")
    func rotation() {
        let header = "sha256=\(Self.digest)"
        #expect(WebhookSignature(secrets: ["old secret", "new secret"]).isValid(header, for: Self.body))
        #expect(WebhookSignature(secrets: ["new secret", "old secret"]).isValid(header, for: Self.body))
        #expect(!WebhookSignature(secrets: ["old secret", "older secret"]).isValid(header, for: Self.body))
        #expect(WebhookSignature(secrets: ["new secret", "old secret"]).header(for: Self.body) == header)
        #expect(WebhookSignature(secrets: ["old secret", "new secret"]).header(for: Self.body) != header)
    }

    @Test("Without a secret nothing is valid, and an empty secret is none", arguments: [[], [""], ["", ""]])
    func noSecrets(secrets: [String]) {
        let signature = WebhookSignature(secrets: secrets)
        #expect(!signature.isConfigured)
        #expect(signature.header(for: Self.body) == nil)
        #expect(!signature.isValid("sha256=\(Self.digest)", for: Self.body))
        // HMAC-SHA256 of the body under the empty key.
        let empty = WebhookSignature(secrets: ["x"] + secrets)
        #expect(
            !empty.isValid(
                "sha256=fc0e2c319e4cbf8b5381728f710a4d2696a74d1542b0bad0d0a45227b822b44b", for: Self.body))
    }

    @Test(
        "A header that is not a prefix and 64 digits is not valid",
        arguments: [
            "", "sha256=", Self.digest, "sha256:\(Self.digest)", "sha1=\(Self.digest)", "SHA256=\(Self.digest)",
            "sha256=\(Self.digest.dropLast())", "sha256=\(Self.digest)0", "sha256=\(Self.digest.dropLast())g",
            "sha256= \(Self.digest.dropLast())", "sha256=\(Self.digest) ", " sha256=\(Self.digest)",
            "sha256=\(Self.digest.dropLast(2))é", "sha256=\(Self.digest)\(Self.digest)", "sha256=sha256=\(Self.digest)",
        ])
    func malformed(header: String) {
        let signature = WebhookSignature(secrets: ["new secret"])
        #expect(signature.isValid("sha256=\(Self.digest)", for: Self.body))
        #expect(!signature.isValid(header, for: Self.body))
    }

    @Test("One bit changed anywhere, in the body or in the digest, and it is not valid")
    func everyBit() {
        let signature = WebhookSignature(secrets: ["new secret"])
        for index in Self.body.indices {
            for bit in 0..<8 {
                var body = Self.body
                body[index] ^= 1 << bit
                #expect(!signature.isValid("sha256=\(Self.digest)", for: body))
            }
        }
        let digits = Array(Self.digest)
        for index in digits.indices {
            var changed = digits
            changed[index] = digits[index] == "0" ? "1" : "0"
            #expect(!signature.isValid("sha256=\(String(changed))", for: Self.body))
        }
    }

    @Test("A body that is a part of other data is signed as what it is")
    func slice() {
        let whole = Data("xx".utf8) + Self.body + Data("yy".utf8)
        let slice = whole.dropFirst(2).dropLast(2)
        #expect(WebhookSignature(secrets: ["new secret"]).isValid("sha256=\(Self.digest)", for: slice))
        #expect(!WebhookSignature(secrets: ["new secret"]).isValid("sha256=\(Self.digest)", for: whole))
    }
}
