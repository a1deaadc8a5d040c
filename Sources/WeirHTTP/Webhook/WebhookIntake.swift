//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import GitHubWebhooks
import HTTPTypes
import Logging
import Metrics
import NIOCore
import WeirIngest
import WeirModel

/// `POST /webhook`: checks a delivery, hands it to ingest, and answers when it is committed.
struct WebhookIntake: Sendable {
    let signature: WebhookSignature
    let ingest: Ingest
    let policy: AccessPolicy
    let logger: Logger
    let now: @Sendable () -> Timestamp
    let date: AnswerDate
    let counters: DeliveryCounters

    /// GitHub waits for 10 s; this leaves one for the way.
    static let answerTimeout: Duration = .seconds(9)

    init(
        signature: WebhookSignature, ingest: Ingest, policy: AccessPolicy, logger: Logger,
        now: @escaping @Sendable () -> Timestamp, counters: DeliveryCounters
    ) {
        self.signature = signature
        self.ingest = ingest
        self.policy = policy
        self.logger = logger
        self.now = now
        self.date = AnswerDate(now: now)
        self.counters = counters
    }

    /// Whether a request is for this address: `/webhook`, with or without a query.
    func isDelivery(_ head: HTTPRequest) -> Bool {
        guard head.method == .post, let path = head.path else { return false }
        return path == "/webhook" || path.hasPrefix("/webhook?")
    }

    /// What is wrong with the head alone.
    func refusal(of head: DeliveryHead) -> Problem? {
        if let length = head.contentLength, length > DeliveryBody.bytesMax { return self.tooLarge(head) }
        let problem = self.policy.problem(
            isWebhook: true, isSafe: false, authority: head.authority, origin: head.origin, fetchSite: head.fetchSite)
        if problem != nil { self.count(head, .rejected) }
        return problem
    }

    func tooLarge(_ head: DeliveryHead) -> Problem {
        self.count(head, .rejected)
        return Problem(
            .contentTooLarge, "too-large", "The body is too large", "a delivery has at most 25 MiB",
            closesConnection: true)
    }

    /// There is no room for the delivery.
    func full(_ head: DeliveryHead, closesConnection: Bool) -> WebhookAnswer {
        self.noteServerFault(head, "\(IngestError.full)")
        self.count(head, .refused)
        return closesConnection ? Self.fullAndClosed : Self.full
    }

    /// Made once: refusals come by the thousand, and should cost little.
    private static let full = Self.fullAnswer(closesConnection: false)
    private static let fullAndClosed = Self.fullAnswer(closesConnection: true)

    private static func fullAnswer(closesConnection: Bool) -> WebhookAnswer {
        var problem = Problem(IngestError.full) ?? .internal
        problem.closesConnection = closesConnection
        return WebhookAnswer(problem)
    }

    /// What became of a complete delivery.
    enum Outcome: Sendable {
        case pong
        case ignored(event: String)
        case taken(id: String, Ingest.Receipt)
        case refused(any Error)
    }

    /// Checks a complete delivery and has it applied.
    ///
    /// - Parameters:
    ///   - reserved: What of the budget its body has taken; not the caller's any more.
    ///   - tell: Called once, on any thread, also on the caller's; it must not wait.
    func take(
        _ head: DeliveryHead, _ body: Data, reserved: Int, deadline: ContinuousClock.Instant,
        tell: @escaping @Sendable (Outcome) -> Void
    ) {
        let checked: Checked
        do throws(Problem) { checked = try self.check(head, body) } catch {
            self.ingest.release(reserved)
            return tell(.refused(error))
        }
        switch checked {
        case .pong:
            self.ingest.release(reserved)
            tell(.pong)
        case .ignored(let event):
            self.ingest.release(reserved)
            tell(.ignored(event: event))
        case .delivery(let delivery, let json):
            let id = delivery.id
            self.ingest.submit(delivery, body: json, bytes: reserved, deadline: deadline) { result in
                switch result {
                case .success(let receipt): tell(.taken(id: id, receipt))
                case .failure(let error): tell(.refused(error))
                }
            }
        }
    }

    /// Counts what became of a delivery, logs what is this server's fault, and puts it into words.
    func answer(to head: DeliveryHead, _ outcome: Outcome) -> WebhookAnswer {
        switch outcome {
        case .pong: return WebhookAnswer(.ok, .object([("status", .string("pong"))]))
        case .ignored(let event):
            self.count(head, .ignored)
            let name = String(event.prefix(60))
            return WebhookAnswer(.ok, .object([("status", .string("ignored")), ("event", .string(name))]))
        case .taken(let id, let receipt):
            let outcome: DeliveryCounters.Outcome = receipt == .duplicate ? .duplicate : .accepted
            self.count(head, outcome)
            return WebhookAnswer(
                .accepted, .object([("status", .string(outcome.rawValue)), ("delivery", .string(id))]))
        case .refused(let error): return WebhookAnswer(self.problem(with: head, error))
        }
    }

    // MARK: - Checks, in the order of the contract

    private enum Checked {
        case pong
        case ignored(String)
        case delivery(Delivery, json: Data)
    }

    private func check(_ head: DeliveryHead, _ body: Data) throws(Problem) -> Checked {
        guard self.signature.isConfigured else {
            throw Problem(
                .serviceUnavailable, "no-secret", "No webhook secret is configured",
                "set WEIR_WEBHOOK_SECRET to the secret of the webhook, and restart", retryAfter: 60)
        }
        guard let header = head.signature, self.signature.isValid(header, for: body) else {
            throw Problem(
                .unauthorized, "signature", "The signature is missing or wrong",
                "X-Hub-Signature-256 must be the HMAC-SHA256 of the body under a secret of this server")
        }
        guard let event = head.event, !event.isEmpty else {
            throw Problem.badRequest("the header X-GitHub-Event is missing")
        }
        guard let id = head.delivery, !id.isEmpty, id.utf8.count <= 200 else {
            throw Problem.badRequest("the header X-GitHub-Delivery is missing, or longer than 200 bytes")
        }
        guard let kind = head.contentType.flatMap(WebhookBody.init(contentType:)) else {
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

    // MARK: - Words

    /// Counts and logs a delivery that is not taken. A sender's fault is its own business and has no line.
    private func problem(with head: DeliveryHead, _ error: any Error) -> Problem {
        let problem = Problem(error) ?? .internal
        self.count(head, error is IngestError ? .refused : .rejected)
        if problem.status.code >= 500 { self.noteServerFault(head, error is IngestError ? "\(error)" : problem.title) }
        return problem
    }

    private func noteServerFault(_ head: DeliveryHead, _ cause: String) {
        self.logger.warning(
            "delivery refused",
            metadata: [
                "delivery": "\((head.delivery ?? "none").prefix(200))",
                "event": "\((head.event ?? "none").prefix(60))", "cause": "\(cause)",
            ])
    }

    private func count(_ head: DeliveryHead, _ outcome: DeliveryCounters.Outcome) {
        self.counters.count(event: head.event, outcome)
    }
}

/// `weir_deliveries_total{event,outcome}`: outcomes are accepted, duplicate, ignored, rejected (the sender's fault)
/// and refused (ours).
struct DeliveryCounters: Sendable {
    enum Outcome: String, CaseIterable {
        case accepted
        case duplicate
        case ignored
        case rejected
        case refused
    }

    private typealias Series = [Outcome: Counter]
    private let job: Series
    private let run: Series
    private let other: Series

    init(_ metrics: any MetricsFactory) {
        func series(_ event: String) -> Series {
            let counters = Outcome.allCases.map { outcome in
                Counter(
                    label: "weir_deliveries_total", dimensions: [("event", event), ("outcome", outcome.rawValue)],
                    factory: metrics)
            }
            return Dictionary(uniqueKeysWithValues: zip(Outcome.allCases, counters))
        }
        self.job = series("workflow_job")
        self.run = series("workflow_run")
        self.other = series("other")
    }

    func count(event: String?, _ outcome: Outcome) {
        let series =
            switch event {
            case "workflow_job": self.job
            case "workflow_run": self.run
            default: self.other
            }
        series[outcome]?.increment()
    }
}
