//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import NIOCore

/// One connection to the server, with at most one request at a time on it. Belongs to the runner's event loop.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Its number among the load's connections.
    let number: Int
    /// How many requests it has carried.
    private(set) var requests = 0
    /// What it waits to be answered.
    private(set) var current: PendingSend?
    /// When the request under way was written, by the runner's clock.
    var sentAt: Int64 = 0
    private let runner: LoadRunner
    private var context: ChannelHandlerContext?
    private var parser = ResponseParser()
    /// Kept from request to request: the last one was written long before its answer came.
    private var buffer = ByteBuffer()

    init(_ number: Int, runner: LoadRunner) {
        self.number = number
        self.runner = runner
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) { self.runner.connected(self) }

    func channelInactive(context: ChannelHandlerContext) {
        let pending = self.current
        self.current = nil
        self.runner.closed(self, unanswered: pending)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        do {
            let response = try bytes.withUnsafeReadableBytes { try self.parser.take($0) }
            self.runner.received(bytes: bytes.readableBytes)
            guard let response, let pending = self.current else { return }
            self.current = nil
            if !response.staysOpen { context.close(promise: nil) }
            self.runner.answered(self, pending, response)
        } catch {
            context.close(promise: nil)
        }
    }

    /// Sends a request that `write` puts into the buffer.
    ///
    /// - Returns: The request's bytes.
    func send(_ pending: PendingSend, _ write: (inout ByteBuffer) -> Void) -> Int {
        precondition(self.current == nil, "a connection carries one request at a time")
        self.current = pending
        self.requests += 1
        self.buffer.clear()
        write(&self.buffer)
        let bytes = self.buffer.readableBytes
        self.context?.writeAndFlush(self.wrapOutboundOut(self.buffer), promise: nil)
        return bytes
    }

    /// Gives the connection up; what it waits for stays unanswered.
    func close() { self.context?.close(promise: nil) }
}
