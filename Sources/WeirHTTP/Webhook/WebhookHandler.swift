//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import NIOCore
import NIOHTTPTypes
import NIOPosix
import WeirIngest

/// Takes deliveries off a connection before the routes see them, and answers them.
///
/// They come by the thousand and need none of what a route is given: a task, its body as a stream, a chain of
/// middleware. See docs/decisions/018.
///
/// Isolation: the channel's event loop.
final class WebhookHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Longer bodies are checked on another thread: an event loop serves many connections.
    private static let checkedHereBytesMax = 256 << 10

    private let intake: WebhookIntake
    private var turns = RequestTurns()
    /// The delivery that comes in.
    private var head: DeliveryHead?
    private var body = DeliveryBody(length: nil)
    /// Whether the client wants the connection to end with the answer.
    private var closesAfterAnswer = false
    /// What came before its turn: at most what one read has brought.
    private var held = CircularBuffer<HTTPRequestPart>()
    private var heldEvents: [Any] = []
    private var isReadHeld = false
    private var isReading = false
    private var isOpen = true

    init(intake: WebhookIntake) { self.intake = intake }

    func channelInactive(context: ChannelHandlerContext) {
        self.leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.leave() }

    private func leave() {
        self.isOpen = false
        self.held.removeAll()
        self.body.giveBack(to: self.intake.ingest)
    }

    // MARK: - Turns

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.isOpen else { return }
        self.isReading = true
        let isFirst = self.held.isEmpty
        self.held.append(self.unwrapInboundIn(data))
        if isFirst { self.proceed(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        // Else a client that sends ahead could fill the memory.
        if self.held.isEmpty { context.read() } else { self.isReadHeld = true }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Both make the server close the connection: what is under way is answered first.
        let ends = event is ChannelShouldQuiesceEvent || (event as? ChannelEvent) == .inputClosed
        if ends, self.turns.hasDelivery || !self.held.isEmpty {
            self.heldEvents.append(event)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        if case .end = self.unwrapOutboundIn(data) {
            self.turns.routesAnswered()
            self.proceed(context)
        }
    }

    /// Goes through what has come, as far as it is its turn.
    private func proceed(_ context: ChannelHandlerContext) {
        var hasPassed = false
        turns: while self.isOpen, let part = self.held.first {
            let turn =
                switch part {
                case .head(let head): self.turns.part(.head(isDelivery: self.intake.isDelivery(head)))
                case .body: self.turns.part(.body)
                case .end: self.turns.part(.end)
                }
            switch turn {
            case .hold: break turns
            case .take:
                self.held.removeFirst()
                self.take(part, context)
            case .pass:
                self.held.removeFirst()
                hasPassed = true
                context.fireChannelRead(self.wrapInboundOut(part))
            }
        }
        // The routes look at what they were passed when a read is complete; that of what was held is long past.
        if hasPassed, !self.isReading { context.fireChannelReadComplete() }
        guard self.isOpen, self.held.isEmpty, !self.turns.hasDelivery else { return }
        if self.isReadHeld {
            self.isReadHeld = false
            context.read()
        }
        let events = self.heldEvents
        self.heldEvents = []
        for event in events { context.fireUserInboundEventTriggered(event) }
    }

    // MARK: - A delivery

    private func take(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let request):
            let head = DeliveryHead(request)
            self.closesAfterAnswer = head.closesConnection
            if let problem = self.intake.refusal(of: head) {
                self.answer(.init(problem), context)
            } else {
                self.head = head
                self.body = DeliveryBody(length: head.contentLength)
            }
        case .body(let buffer):
            guard let head = self.head else { return }
            switch self.body.append(buffer, to: self.intake.ingest) {
            case .goesOn: break
            case .tooLarge: self.answer(.init(self.intake.tooLarge(head)), context)
            case .full: self.answer(self.intake.full(head, closesConnection: true), context)
            }
        case .end:
            guard let head = self.head.take() else { return }
            self.finish(head, context)
        }
    }

    private func finish(_ head: DeliveryHead, _ context: ChannelHandlerContext) {
        if self.body.isRefused { return self.answer(self.intake.full(head, closesConnection: false), context) }
        let deadline = ContinuousClock.now.advanced(by: WebhookIntake.answerTimeout)
        let (bytes, reserved) = self.body.handOver()
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        let intake = self.intake
        let tell: @Sendable (WebhookIntake.Outcome) -> Void = { outcome in
            loop.execute {
                let (handler, context) = bound.value
                handler.answer(intake.answer(to: head, outcome), context)
            }
        }
        if bytes.count <= Self.checkedHereBytesMax {
            intake.take(head, bytes, reserved: reserved, deadline: deadline, tell: tell)
        } else {
            NIOThreadPool.singleton.submit { _ in
                intake.take(head, bytes, reserved: reserved, deadline: deadline, tell: tell)
            }
        }
    }

    private func answer(_ answer: WebhookAnswer, _ context: ChannelHandlerContext) {
        guard self.isOpen else { return }
        let closes = answer.closesConnection || self.closesAfterAnswer
        if closes { self.leave() }
        self.head = nil
        let head = answer.head(date: self.intake.date.text, closesConnection: closes)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(answer.body)), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        self.turns.answered()
        self.proceed(context)
    }
}
