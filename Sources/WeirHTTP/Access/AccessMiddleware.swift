//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import Hummingbird

/// Applies the ``AccessPolicy``.
struct AccessMiddleware<Context: RequestContext>: RouterMiddleware {
    let policy: AccessPolicy

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let problem = self.policy.problem(
            isWebhook: false, isSafe: [.get, .head, .options].contains(request.method),
            authority: request.head.authority, origin: request.headers[.origin], fetchSite: request.headers[.fetchSite])
        if let problem { throw problem }
        return try await next(request, context)
    }
}

extension AccessPolicy {
    /// What a caller that may not call is told; nil for one that may.
    func problem(
        isWebhook: Bool, isSafe: Bool, authority: String?, origin: String?, fetchSite: String?
    ) -> Problem? {
        let decision = self.decide(
            isWebhook: isWebhook, isSafe: isSafe, authority: authority, origin: origin, fetchSite: fetchSite)
        switch decision {
        case .allow: return nil
        case .misdirected(let host):
            return Problem(
                .misdirectedRequest, "misdirected", "The request was meant for another host",
                "\"\(host.prefix(100))\" is not a name of this server: use localhost, or set WEIR_PUBLIC_URL",
                closesConnection: true)
        case .crossSite(let origin):
            return Problem(
                .forbidden, "cross-site", "The request came from another site",
                "\(origin.prefix(100)) may not change anything here", closesConnection: true)
        }
    }
}

/// Adds the headers that keep a browser from doing more than the page needs.
struct SecurityHeadersMiddleware<Context: RequestContext>: RouterMiddleware {
    private static var fields: [(HTTPField.Name, String)] {
        [
            (
                .contentSecurityPolicy,
                """
                default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                base-uri 'none'; form-action 'self'; frame-ancestors 'none'
                """
            ), (.xContentTypeOptions, "nosniff"), (.referrerPolicy, "no-referrer"),
            (.frameOptions, "DENY"), (.openerPolicy, "same-origin"),
            (.resourcePolicy, "same-origin"),
            (.permissionsPolicy, "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ]
    }

    private let fields = Self.fields

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        for (name, value) in self.fields { response.headers[name] = value }
        return response
    }
}
