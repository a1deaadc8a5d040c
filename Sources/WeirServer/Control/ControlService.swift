//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Logging
import NIOCore
import NIOPosix
import SQLiteDriver
import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Listens on a Unix socket beside the database, for tools of the server's own user.
///
/// To be run while the database's lock is held: a socket found at the path is then a dead server's, and is replaced.
/// A server whose socket cannot be made runs without one.
struct ControlService: Service {
    let path: String
    let dispatcher: ControlDispatcher
    let logger: Logger
    private let connections = Count()

    init(path: String, dispatcher: ControlDispatcher, logger: Logger) {
        self.path = path
        self.dispatcher = dispatcher
        self.logger = logger
    }

    func run() async throws {
        // A stream between the channels and the tasks that answer: nothing is lost or left open when one side ends.
        let (calls, input) = AsyncStream.makeStream(
            of: ControlCall.self, bufferingPolicy: .bufferingOldest(ControlProtocol.connectionsMax))
        do {
            let server = try await self.bind(input)
            let identity = FileFacts(self.path)?.identity
            await cancelWhenGracefulShutdown {
                await withDiscardingTaskGroup { group in
                    for await call in calls { group.addTask { await self.answer(call) } }
                }
            }
            // Closed by itself at the latest when the process ends.
            try? await server.close()
            // Somebody may have put another there; what cannot be removed is replaced by the next server.
            if FileFacts(self.path)?.identity == identity { unlink(self.path) }
        } catch {
            self.logger.warning(
                "tools cannot reach this server", metadata: ["socket": "\(self.path)", "cause": "\(error)"])
            // The end of a service ends the server.
            try? await gracefulShutdown()
        }
    }

    // MARK: - Listening

    private func bind(_ input: AsyncStream<ControlCall>.Continuation) async throws -> any Channel {
        let count = self.path.utf8.count
        guard count <= ControlProtocol.pathBytesMax else {
            throw ControlError(
                "the path has \(count) bytes, and a socket's has \(ControlProtocol.pathBytesMax) at most; "
                    + "name the database by a shorter path")
        }
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // A tool may say that it has nothing more to send and still wants its answer.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in self.accept(channel, input) }
            .bind(unixDomainSocketPath: self.path, cleanupExistingSocketFile: true).get()
        guard chmod(self.path, 0o600) == 0 else {
            let cause = String(cString: strerror(errno))
            try await server.close()
            throw ControlError("its permissions cannot be set: \(cause)")
        }
        return server
    }

    private func accept(
        _ channel: any Channel, _ input: AsyncStream<ControlCall>.Continuation
    ) -> EventLoopFuture<Void> {
        let connections = self.connections
        let isFull = connections.value.add(1, ordering: .relaxed).newValue > ControlProtocol.connectionsMax
        channel.closeFuture.whenComplete { _ in connections.value.subtract(1, ordering: .relaxed) }
        return Self.isOwn(channel).flatMapThrowing { isOwn in
            let refusal: String? =
                if !isOwn {
                    "only the server's own user may ask; run the tool as that user"
                } else if isFull {
                    "too many tools are connected; try again later"
                } else {
                    nil
                }
            try channel.pipeline.syncOperations.addHandler(
                ControlHandler(refusal: refusal) { call in
                    if case .enqueued = input.yield(call) { true } else { false }
                })
        }
    }

    /// Whether the tool is run by the server's user, or by root. The socket's permissions say the same; this holds for
    /// whoever was let in by a mistake with them.
    private static func isOwn(_ channel: any Channel) -> EventLoopFuture<Bool> {
        #if os(Linux)
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(false)
        }
        let peer: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return peer.map { $0.user == geteuid() || $0.user == 0 }
        #else
        return channel.eventLoop.makeSucceededFuture(true)
        #endif
    }

    /// The C structure `ucred`. Source: unix(7).
    private struct PeerCredentials: Sendable {
        var process: pid_t
        var user: uid_t
        var group: gid_t
    }

    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }

    // MARK: - Answering

    /// What one of the tasks of a call came to.
    private enum Step: Sendable {
        case answered(ControlAnswer)
        case reported
        case left
    }

    /// Runs a command, sending how far it is while it runs and its result at the end. It is cancelled when the tool
    /// leaves.
    private func answer(_ call: ControlCall) async {
        // A tool that does not read gets the latest only, and holds up nothing.
        let (progress, reports) = AsyncStream.makeStream(of: ControlProgress.self, bufferingPolicy: .bufferingNewest(1))
        await withTaskCancellationHandler {
            await withTaskGroup(of: Step.self) { group in
                group.addTask {
                    defer { reports.finish() }
                    return .answered(await self.dispatcher.answer(call.line) { reports.yield($0) })
                }
                group.addTask {
                    // A line that cannot be sent closes the channel, which the third task sees.
                    for await one in progress { try? await call.channel.sendControl(.progress(one)).get() }
                    return .reported
                }
                group.addTask {
                    try? await call.channel.closeFuture.get()
                    return .left
                }
                var answer: ControlAnswer?
                var isReported = false
                for await step in group {
                    switch step {
                    case .answered(let value): answer = value
                    case .reported: isReported = true
                    case .left: group.cancelAll()
                    }
                    // What was reported stands before the end.
                    guard isReported, let last = answer else { continue }
                    answer = nil
                    try? await call.channel.sendControl(last).get()
                    try? await call.channel.close()
                }
            }
        } onCancel: {
            // The server stops: a tool that does not read must not hold it up.
            call.channel.eventLoop.scheduleTask(in: ControlProtocol.stopTimeout) { call.channel.close(promise: nil) }
        }
    }
}
