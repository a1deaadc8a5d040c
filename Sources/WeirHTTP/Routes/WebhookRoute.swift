//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import GitHubWebhooks
import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import WeirIngest
import WeirModel

/// `POST /webhook`: checks a delivery, hands it to ingest, and answers when it is committed.
struct WebhookRoute: Sendable {
    let signature: WebhookSignature
    let ingest: Ingest
    let logger: Logger
    let now: @Sendable () -> Timestamp
    let counters: DeliveryCounters

    /// GitHub's own limit for a payload.
    static let bytesMax = 25 << 20
    /// GitHub waits for 10 s; this leaves one for the way.
    static let answerTimeout: Duration = .seconds(9)
    /// A refused body of this length is read to its end, so that its connection can go on: a new one costs both sides
    /// more.
    private static let drainedBytesMax = 64 << 10

    func add(to router: Router<WeirContext>) { router.post("webhook", use: self.receive) }

    /// Refuses a delivery for which there is no room, before it becomes a task; one without a length, or with a long
    /// body, is left to the route.
    @Sendable func refuse(_ request: HTTPRequest) -> Refusal? {
        guard request.method == .post, request.path == "/webhook",
            let length = request.headerFields[.contentLength].flatMap({ Int($0) }), length <= Self.drainedBytesMax,
            !self.ingest.hasRoom(for: length)
        else { return nil }
        self.logRefusal(request.headerFields, IngestError.full)
        return Problem(IngestError.full).map(Refusal.init)
    }

    @Sendable private func receive(_ request: Request, _ context: WeirContext) async throws -> Response {
        // Ingest gives the bytes back once it has the delivery; until then they are ours to give back.
        var reserved = 0
        defer { self.ingest.release(reserved) }
        let body = try await self.body(of: request, &reserved)
        let deadline = ContinuousClock.now.advanced(by: Self.answerTimeout)
        do {
            switch try self.check(request, body) {
            case .pong: return Response(json: .object([("status", .string("pong"))]))
            case .ignored(let event):
                self.counters.count(event: event, outcome: "ignored")
                return Response(
                    json: .object([("status", .string("ignored")), ("event", .string(String(event.prefix(60))))]))
            case .delivery(let delivery, let json):
                let bytes = reserved
                reserved = 0
                let receipt = try await self.ingest.submit(delivery, body: json, bytes: bytes, deadline: deadline)
                let status = receipt == .duplicate ? "duplicate" : "accepted"
                self.counters.count(event: delivery.eventType, outcome: status)
                return Response(
                    json: .object([("status", .string(status)), ("delivery", .string(delivery.id))]), status: .accepted)
            }
        } catch {
            self.logRefusal(request.headers, error)
            throw error
        }
    }

    // MARK: - Checks, in the order of the contract

    private enum Checked {
        case pong
        case ignored(String)
        case delivery(Delivery, json: Data)
    }

    /// Reads the body, within the limit and the budget.
    ///
    /// - Parameter reserved: What of the budget it has taken, also when it throws.
    private func body(of request: Request, _ reserved: inout Int) async throws -> Data {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        if let length, length > Self.bytesMax { throw self.tooLarge(request) }
        var body = Data()
        var isRefused = false
        do {
            for try await buffer in request.body {
                guard body.count + buffer.readableBytes <= Self.bytesMax else { throw self.tooLarge(request) }
                if isRefused { continue }
                if let bytes = self.ingest.reserve(buffer.readableBytes, isNew: reserved == 0) {
                    reserved += bytes
                    body.append(contentsOf: buffer.readableBytesView)
                } else if let length, length <= Self.drainedBytesMax {
                    isRefused = true
                    self.ingest.release(reserved)
                    reserved = 0
                    body = Data()
                } else {
                    throw IngestError.full
                }
            }
        } catch {
            if case IngestError.full = error {
                self.logRefusal(request.headers, error)
                // The rest of the body is not wanted.
                var problem = Problem(error)
                problem?.closesConnection = true
                throw problem ?? error
            }
            throw error
        }
        if isRefused {
            self.logRefusal(request.headers, IngestError.full)
            throw IngestError.full
        }
        return body
    }

    private func tooLarge(_ request: Request) -> Problem {
        self.counters.count(event: request.headers[.gitHubEvent] ?? "none", outcome: "rejected")
        return Problem(
            .contentTooLarge, "too-large", "The body is too large", "a delivery has at most 25 MiB",
            closesConnection: true)
    }

    private func check(_ request: Request, _ body: Data) throws -> Checked {
        guard self.signature.isConfigured else {
            throw Problem(
                .serviceUnavailable, "no-secret", "No webhook secret is configured",
                "set WEIR_WEBHOOK_SECRET to the secret of the webhook, and restart", retryAfter: 60)
        }
        guard let header = request.headers[.hubSignature], self.signature.isValid(header, for: body) else {
            throw Problem(
                .unauthorized, "signature", "The signature is missing or wrong",
                "X-Hub-Signature-256 must be the HMAC-SHA256 of the body under a secret of this server")
        }
        guard let event = request.headers[.gitHubEvent], !event.isEmpty else {
            throw Problem.badRequest("the header X-GitHub-Event is missing")
        }
        guard let id = request.headers[.gitHubDelivery], !id.isEmpty, id.utf8.count <= 200 else {
            throw Problem.badRequest("the header X-GitHub-Delivery is missing, or longer than 200 bytes")
        }
        guard let kind = request.headers[.contentType].flatMap(WebhookBody.init(contentType:)) else {
            throw Problem(
                .unsupportedMediaType, "content-type", "The content type is not one GitHub sends",
                "use application/json or application/x-www-form-urlencoded")
        }
        if event == "ping" { return .pong }
        guard GitHubEvent.handledTypes.contains(event) else { return .ignored(event) }
        do throws(WebhookError) {
            let json = try kind.json(body)
            let what = try GitHubEvent.read(type: event, json: json)
            return .delivery(Delivery(id: id, eventType: event, event: what, receivedAt: self.now()), json: json)
        } catch {
            switch error {
            case .invalidBody(let detail):
                throw Problem(.badRequest, "invalid-body", "The body cannot be read", detail)
            case .unknownStatus(let detail):
                throw Problem(.unprocessableContent, "unknown-status", "The status is unknown", detail)
            }
        }
    }

    private func logRefusal(_ headers: HTTPFields, _ error: any Error) {
        let event = headers[.gitHubEvent] ?? "none"
        let isOverload = error is IngestError
        self.counters.count(event: event, outcome: isOverload ? "refused" : "rejected")
        guard isOverload else { return }
        self.logger.warning(
            "delivery refused",
            metadata: [
                "delivery": "\((headers[.gitHubDelivery] ?? "none").prefix(200))",
                "event": "\(event.prefix(60))", "cause": "\(error)",
            ])
    }
}

/// `weir_deliveries_total{event,outcome}`: outcomes are accepted, duplicate, ignored, rejected (the sender's fault)
/// and refused (ours).
struct DeliveryCounters: Sendable {
    private static let events = ["workflow_job", "workflow_run", "other"]
    private let counters: [String: Counter]

    init(_ metrics: any MetricsFactory) {
        var counters: [String: Counter] = [:]
        for event in Self.events {
            for outcome in ["accepted", "duplicate", "ignored", "rejected", "refused"] {
                counters["\(event) \(outcome)"] = Counter(
                    label: "weir_deliveries_total", dimensions: [("event", event), ("outcome", outcome)],
                    factory: metrics)
            }
        }
        self.counters = counters
    }

    func count(event: String, outcome: String) {
        let known = Self.events.contains(event) ? event : "other"
        self.counters["\(known) \(outcome)"]?.increment()
    }
}
