//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Runs a ``ConnectionGuard`` on a channel, and tells the registry when the client has left.
///
/// Isolation: the channel's event loop.
final class ConnectionGuardHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var machine: ConnectionGuard
    private var clocks: [ConnectionGuard.Clock: Scheduled<Void>] = [:]
    private let registry: ConnectionRegistry
    /// The answer to a request that is not to reach the routes; nil for one that is.
    private let refuse: @Sendable (HTTPRequest) -> Refusal?
    /// What the request that comes in is answered when it is complete.
    private var refusal: Refusal?

    init(
        limits: ConnectionGuard.Limits, registry: ConnectionRegistry,
        refuse: @escaping @Sendable (HTTPRequest) -> Refusal? = { _ in nil }
    ) {
        self.machine = ConnectionGuard(limits: limits)
        self.registry = registry
        self.refuse = refuse
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.registry.opened(context.channel)
        self.perform(self.machine.opened(), context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.stopAll(context) }

    func channelInactive(context: ChannelHandlerContext) {
        self.stopAll(context)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The server allows half-closed connections, so a client's close arrives as this event; one that only ends its
        // sending side is not told apart, and gets no answer to a query it did not wait for.
        if let event = event as? ChannelEvent, event == .inputClosed { self.registry.left(context.channel) }
        context.fireUserInboundEventTriggered(event)
    }

    private func stopAll(_ context: ChannelHandlerContext) {
        for clock in self.clocks.values { clock.cancel() }
        self.clocks.removeAll()
        self.registry.closed(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let effects: [ConnectionGuard.Effect]
        let passes = self.machine.passesInput
        switch self.unwrapInboundIn(data) {
        case .head(let request):
            // Behind a request whose answer is to come, an answer here would come too early.
            if self.machine.isIdle { self.refusal = self.refuse(request) }
            effects = self.machine.requestHead()
        case .body(let buffer): effects = self.machine.requestBody(bytes: buffer.readableBytes)
        case .end:
            effects = self.machine.requestEnd()
            if let refusal = self.refusal.take() {
                self.perform(effects, context)
                return self.answer(refusal, context)
            }
        }
        if passes, self.refusal == nil { context.fireChannelRead(data) }
        self.perform(effects, context)
    }

    private func answer(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        context.write(self.wrapOutboundOut(.head(refusal.head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(refusal.body)), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        self.machine.responseHead(closes: false)
        self.perform(self.machine.responseEnd(), context)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .head(let head):
            self.machine.responseHead(closes: head.headerFields[.connection] == "close")
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            context.writeAndFlush(data, promise: promise)
            self.perform(self.machine.responseEnd(), context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.perform(self.machine.writability(context.channel.isWritable), context)
        context.fireChannelWritabilityChanged()
    }

    private func perform(_ effects: [ConnectionGuard.Effect], _ context: ChannelHandlerContext) {
        for effect in effects {
            switch effect {
            case .start(let clock, let duration):
                self.clocks[clock]?.cancel()
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                self.clocks[clock] = context.eventLoop.scheduleTask(in: TimeAmount(duration)) {
                    let (handler, context) = bound.value
                    handler.perform(handler.machine.expired(clock), context)
                }
            case .stop(let clock): self.clocks.removeValue(forKey: clock)?.cancel()
            case .close: context.close(promise: nil)
            }
        }
    }
}

/// An answer made before a request has become a task: what is refused in thousands a second must cost little.
struct Refusal: Sendable {
    let head: HTTPResponse
    let body: ByteBuffer

    init(_ problem: Problem) {
        let body = ByteBuffer(bytes: problem.body)
        var fields = problem.headers
        fields[.contentLength] = String(body.readableBytes)
        self.head = HTTPResponse(status: problem.status, headerFields: fields)
        self.body = body
    }
}
