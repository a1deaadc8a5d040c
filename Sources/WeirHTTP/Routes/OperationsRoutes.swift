//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import Hummingbird
import NIOCore
import PrometheusExposition
import SQLCore
import WeirIngest
import WeirStore

/// `/healthz`, `/readyz` and `/metrics`.
struct OperationsRoutes: Sendable {
    let store: WeirStore
    let ingest: Ingest
    let registry: PrometheusRegistry
    let probeTimeout: Duration

    func add(to router: Router<WeirContext>) {
        router.get("healthz") { _, _ in Response(json: .object([("status", .string("alive"))])) }
        router.get("readyz", use: self.ready)
        router.get("metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
                body: .init(byteBuffer: ByteBuffer(string: self.registry.render())))
        }
    }

    @Sendable private func ready(_ request: Request, _ context: WeirContext) async throws -> Response {
        var reasons: [String] = []
        if self.ingest.load.isSaturated { reasons.append("the ingest queue is more than 95 % full") }
        do {
            try await self.store.probe(timeout: self.probeTimeout)
        } catch {
            reasons.append("\(error)")
        }
        guard reasons.isEmpty else {
            throw Problem(
                .serviceUnavailable, "not-ready", "The server is not ready", reasons.joined(separator: "; "),
                retryAfter: 5, reasons: reasons)
        }
        return Response(json: .object([("status", .string("ready"))]))
    }
}
