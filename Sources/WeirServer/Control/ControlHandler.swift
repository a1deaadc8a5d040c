//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import NIOCore

/// A tool's request, and the channel its answer goes to.
struct ControlCall: Sendable {
    let line: [UInt8]
    let channel: any Channel
}

/// Reads one line from a tool, in bounded time and space, and hands it over.
final class ControlHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let refusal: String?
    /// Takes a call; false when nobody is there to answer it.
    private let onCall: @Sendable (ControlCall) -> Bool
    private var line: [UInt8] = []
    private var deadline: Scheduled<Void>?
    /// Whether the request is complete or the tool refused: what else comes is thrown away.
    private var isDone = false

    /// - Parameter refusal: Why this tool is not answered; nil for one that is.
    init(refusal: String?, onCall: @escaping @Sendable (ControlCall) -> Bool) {
        self.refusal = refusal
        self.onCall = onCall
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        if let refusal = self.refusal { return self.refuse(refusal, channel) }
        self.deadline = context.eventLoop.scheduleTask(in: ControlProtocol.clientTimeout) {
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isDone else { return }
        let bytes = self.unwrapInboundIn(data).readableBytesView
        guard let end = bytes.firstIndex(of: 0x0a) else {
            self.line += bytes
            if self.line.count > ControlProtocol.requestBytesMax {
                self.refuse("a request has \(ControlProtocol.requestBytesMax) bytes at most", context.channel)
            }
            return
        }
        let line = self.line + bytes[..<end]
        guard line.count < ControlProtocol.requestBytesMax else {
            return self.refuse("a request has \(ControlProtocol.requestBytesMax) bytes at most", context.channel)
        }
        self.finish()
        if !self.onCall(ControlCall(line: line, channel: context.channel)) {
            self.refuse("the server is ending", context.channel)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A tool may say that it has nothing more to send; without a request there is nothing to wait for.
        if case ChannelEvent.inputClosed = event, !self.isDone { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) { self.finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func finish() {
        self.isDone = true
        self.line = []
        self.deadline?.cancel()
    }

    private func refuse(_ words: String, _ channel: any Channel) {
        self.finish()
        channel.sendControl(.error(words)).whenComplete { _ in channel.close(promise: nil) }
    }
}

extension Channel {
    /// Sends a line of an answer; a tool that does not take it in time loses its connection.
    func sendControl(_ answer: ControlAnswer) -> EventLoopFuture<Void> {
        let line: Data
        do {
            line = try JSONEncoder().encode(answer)
        } catch {
            return self.eventLoop.makeFailedFuture(error)
        }
        var bytes = self.allocator.buffer(capacity: line.count + 1)
        bytes.writeBytes(line)
        bytes.writeInteger(UInt8(0x0a))
        let limit = self.eventLoop.scheduleTask(in: ControlProtocol.clientTimeout) { self.close(promise: nil) }
        let sent = self.writeAndFlush(bytes)
        sent.whenComplete { _ in limit.cancel() }
        return sent
    }
}
