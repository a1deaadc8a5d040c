//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import WeirHTTP

@Suite("AccessPolicy")
struct AccessPolicyTests {
    private let policy = AccessPolicy(host: "127.0.0.1", publicURL: "https://CI.example.org:8443/board")

    private func decide(
        _ host: String?, safe: Bool = true, webhook: Bool = false, origin: String? = nil, site: String? = nil
    ) -> Bool {
        self.policy.decide(isWebhook: webhook, isSafe: safe, authority: host, origin: origin, fetchSite: site) == .allow
    }

    @Test(
        "names of this server are answered, others are not",
        arguments: [
            ("localhost", true), ("LOCALHOST:8080", true), ("127.0.0.1", true), ("127.255.0.1:1", true),
            ("[::1]", true), ("[::1]:8080", true), ("ci.example.org", true), ("ci.example.org:8443", true),
            ("example.org", false), ("localhost.example.org", false), ("127.0.0.1.example.org", false),
            ("127.0.0.300", false), ("128.0.0.1", false), ("[::2]", false), ("", false), ("0.0.0.0", false),
        ])
    func hosts(_ host: String, _ isAllowed: Bool) {
        #expect(self.decide(host) == isAllowed)
        #expect(self.decide(host, webhook: true))
    }

    @Test("a missing host is refused")
    func missing() { #expect(!self.decide(nil)) }

    @Test("a request that changes something must not come from another site")
    func origins() {
        #expect(self.decide("localhost:8080", safe: false, origin: "http://localhost:8080"))
        #expect(self.decide("localhost:8080", safe: false, origin: "https://ci.example.org:8443"))
        #expect(self.decide("localhost:8080", safe: false))
        #expect(self.decide("localhost:8080", safe: false, site: "same-origin"))
        #expect(!self.decide("localhost:8080", safe: false, origin: "http://localhost:9090"))
        #expect(!self.decide("localhost:8080", safe: false, origin: "null"))
        #expect(!self.decide("localhost:8080", safe: false, site: "cross-site"))
        #expect(!self.decide("x", safe: false, webhook: true, origin: "https://evil.example"))
        // Reading is the browser's to keep apart, and it does.
        #expect(self.decide("localhost:8080", origin: "https://evil.example"))
        let bare = AccessPolicy(host: "127.0.0.1", publicURL: nil)
        let decision = bare.decide(
            isWebhook: false, isSafe: false, authority: "localhost", origin: "null", fetchSite: nil)
        #expect(decision != .allow)
    }
}
