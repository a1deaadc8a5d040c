//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Who may call while no token exists: this machine, and pages that this server has sent.
///
/// A loopback address alone keeps nobody out: any web page can send the browser there (cross-site requests), or point
/// a name of its own at it (DNS rebinding). So the `Host` must be one of the server's names, and a request that
/// changes something must not come from another site.
public struct AccessPolicy: Sendable {
    enum Decision: Equatable {
        case allow
        /// 421: the request was meant for another host.
        case misdirected(String)
        /// 403: another site's page sent it.
        case crossSite(String)
    }

    private let hosts: Set<String>
    private let publicOrigin: String?

    /// - Parameters:
    ///   - host: The address or name the server listens on.
    ///   - publicURL: The address users see, when a proxy stands before the server.
    public init(host: String, publicURL: String?) {
        var hosts: Set<String> = ["localhost", Self.normalized(host)]
        self.publicOrigin = publicURL.flatMap(Self.origin)
        if let origin = self.publicOrigin { hosts.insert(Self.hostOnly(Self.authority(origin))) }
        self.hosts = hosts
    }

    /// Decides from the request's head.
    ///
    /// - Parameters:
    ///   - isWebhook: The webhook is called by its public name; its signature is its pass.
    ///   - isSafe: Whether the method changes nothing.
    ///   - authority: The `Host` header.
    ///   - origin: The `Origin` header.
    ///   - fetchSite: The `Sec-Fetch-Site` header.
    func decide(
        isWebhook: Bool, isSafe: Bool, authority: String?, origin: String?, fetchSite: String?
    ) -> Decision {
        if !isWebhook {
            let host = Self.hostOnly(authority ?? "")
            guard self.hosts.contains(host) || Self.isLoopback(host) else { return .misdirected(host) }
        }
        if isSafe { return .allow }
        if fetchSite == "cross-site" { return .crossSite("cross-site request") }
        guard let origin else { return .allow }
        let isOwn = authority.map { Self.authority(origin) == $0.lowercased() } ?? false
        let isPublic = self.publicOrigin != nil && Self.origin(origin) == self.publicOrigin
        return isOwn || isPublic ? .allow : .crossSite(origin)
    }

    /// Whether a server on this address can be reached from this machine only.
    public static func isLoopback(_ host: String) -> Bool {
        let host = Self.normalized(host)
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func normalized(_ host: String) -> String {
        host.lowercased().filter { $0 != "[" && $0 != "]" }
    }

    /// The host of `host:port`, `[address]:port` or `host`.
    private static func hostOnly(_ authority: String) -> String {
        if authority.hasPrefix("[") { return Self.normalized(String(authority.prefix { $0 != "]" })) }
        return Self.normalized(String(authority.prefix { $0 != ":" }))
    }

    /// `scheme://authority`, lower case; nil when it is not an address.
    private static func origin(_ url: String) -> String? {
        let parts = url.lowercased().split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0].hasSuffix(":"), parts[1].isEmpty, !parts[2].isEmpty else { return nil }
        return "\(parts[0])//\(parts[2])"
    }

    private static func authority(_ origin: String) -> String {
        let parts = origin.lowercased().split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count >= 3 ? String(parts[2]) : ""
    }
}
