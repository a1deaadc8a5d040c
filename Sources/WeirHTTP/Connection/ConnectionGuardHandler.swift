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
    /// When each clock runs out. Most are stopped long before, some with every request: so there is one timer, which
    /// goes off no later than the first of them, and looks.
    private var deadlines = [NIODeadline?](repeating: nil, count: ConnectionGuard.Clock.allCases.count)
    private var timer: (at: NIODeadline, scheduled: Scheduled<Void>)?
    private let registry: ConnectionRegistry

    init(limits: ConnectionGuard.Limits, registry: ConnectionRegistry) {
        self.machine = ConnectionGuard(limits: limits)
        self.registry = registry
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
        self.timer?.scheduled.cancel()
        self.timer = nil
        self.registry.closed(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let passes = self.machine.passesInput
        let effects =
            switch self.unwrapInboundIn(data) {
            case .head: self.machine.requestHead()
            case .body(let buffer): self.machine.requestBody(bytes: buffer.readableBytes)
            case .end: self.machine.requestEnd()
            }
        // First the clocks: what is passed on may be answered before this returns.
        self.perform(effects, context)
        if passes { context.fireChannelRead(data) }
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
                let deadline = NIODeadline.now() + TimeAmount(duration)
                self.deadlines[clock.rawValue] = deadline
                self.look(at: deadline, context)
            case .stop(let clock): self.deadlines[clock.rawValue] = nil
            case .close: context.close(promise: nil)
            }
        }
    }

    private func look(at deadline: NIODeadline, _ context: ChannelHandlerContext) {
        if let timer = self.timer {
            if timer.at <= deadline { return }
            timer.scheduled.cancel()
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let scheduled = context.eventLoop.scheduleTask(deadline: deadline) {
            let (handler, context) = bound.value
            handler.look(context)
        }
        self.timer = (deadline, scheduled)
    }

    private func look(_ context: ChannelHandlerContext) {
        self.timer = nil
        let now = NIODeadline.now()
        for clock in ConnectionGuard.Clock.allCases {
            guard let deadline = self.deadlines[clock.rawValue], deadline <= now else { continue }
            self.deadlines[clock.rawValue] = nil
            self.perform(self.machine.expired(clock), context)
        }
        if context.channel.isActive, let next = self.deadlines.compactMap(\.self).min() { self.look(at: next, context) }
    }
}
