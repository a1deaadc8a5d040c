//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import NIOCore
import NIOPosix

/// Sends a load and gathers the answers, on one thread of its own.
///
/// An open loop: each delivery is sent when the schedule says so, whether or not the others were answered. One that finds
/// no connection free waits, and its latency counts from when it was to be sent.
package final class LoadRunner: @unchecked Sendable {
    // All that changes belongs to `loop`.
    private let parameters: LoadParameters
    private let options: LoadOptions
    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let done: EventLoopPromise<Void>
    private let onProgress: @Sendable (LoadProgress) -> Void
    private let schedule: ArrivalSchedule
    private let ledger: LoadLedgerWriter?
    private var sequence: DeliverySequence
    private var writer: RequestWriter
    private var queue: SendQueue
    private var figures = LoadFigures()
    /// The number of the next send, and of the one after the last.
    private var next = 0
    private var end: Int
    /// When the schedule began; nil before that, on the clock of the event loop.
    private var start: NIODeadline?
    private var address: SocketAddress?
    private var connections: [Int: LoadConnection] = [:]
    private var free: [LoadConnection] = []
    private var connecting = 0
    private var connectionNumber = 0
    private var inFlight = 0
    private var isInterrupted = false
    private var isOver = false
    private var endedAt: Int64 = 0

    /// Connections opened before the schedule begins, so that the first deliveries do not wait for them.
    private static let warmConnections = 8
    /// Deliveries sent before answers are looked at again.
    private static let burstMax = 32
    /// Between two wake-ups: what is due meanwhile is sent together. The wait is in every latency, as any lateness is.
    private static let tickMin: Int64 = 500_000

    /// - Throws: ``LoadError`` when the ledger cannot be made.
    package init(
        _ parameters: LoadParameters, source: DeliverySource, options: LoadOptions,
        onProgress: @escaping @Sendable (LoadProgress) -> Void
    ) throws {
        self.parameters = parameters
        self.options = options
        self.onProgress = onProgress
        self.schedule = parameters.schedule
        self.end = parameters.sends
        self.sequence = DeliverySequence(parameters)
        self.writer = RequestWriter(source, target: options.target, secret: options.secret)
        self.queue = SendQueue(timeout: options.timeout)
        self.ledger = try options.ledgerPath.map { try LoadLedgerWriter(path: $0, parameters) }
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.loop = self.group.next()
        self.done = self.loop.makePromise()
    }

    /// Sends the load and waits for the last answer. A cancellation ends it early, with what there is.
    ///
    /// - Throws: ``LoadError`` when no connection can be had at the beginning, or the ledger cannot be written.
    package func run(conditions: LoadResults.Conditions) async throws -> LoadResults {
        let before = ProcessTimes.now
        let result: Result<Void, any Error>
        do {
            try await withTaskCancellationHandler {
                self.loop.execute { self.connectFirst() }
                try await self.done.futureResult.get()
            } onCancel: {
                self.loop.execute { self.interrupt() }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        let results = try? await self.loop.submit { self.results(conditions, since: before) }.get()
        try await self.group.shutdownGracefully()
        try result.get()
        guard let results else { throw LoadError("the load was stopped before it began") }
        return results
    }

    private func results(_ conditions: LoadResults.Conditions, since before: ProcessTimes) -> LoadResults {
        let times = ProcessTimes.now
        let last = self.next > 0 ? self.schedule.offset(self.next) : 0
        return LoadResults(
            self.figures, parameters: self.parameters, conditions: conditions, isInterrupted: self.isInterrupted,
            scheduleSeconds: Double(last) / 1e9, elapsedSeconds: Double(self.endedAt) / 1e9,
            userSeconds: times.user - before.user, systemSeconds: times.system - before.system)
    }

    private func fail(_ error: any Error) {
        guard !self.isOver else { return }
        self.isOver = true
        self.done.fail(error)
    }

    // MARK: - Beginning and end

    private func connectFirst() {
        do {
            self.address = try SocketAddress.makeAddressResolvingHost(
                self.options.target.host, port: self.options.target.port)
        } catch {
            return self.fail(LoadError("the host \(self.options.target.host) is unknown; see --url"))
        }
        for _ in 0..<min(Self.warmConnections, self.options.connectionsMax) { self.openConnection() }
    }

    /// The first connections are there: the schedule begins.
    private func begin() {
        self.start = .now()
        self.loop.scheduleRepeatedTask(initialDelay: .milliseconds(100), delay: .milliseconds(100)) { task in
            if self.isOver { task.cancel() } else { self.housekeeping() }
        }
        self.tick()
    }

    /// Nanoseconds since the schedule began.
    private var now: Int64 {
        guard let start = self.start else { return 0 }
        return (NIODeadline.now() - start).nanoseconds
    }

    private func interrupt() {
        guard !self.isOver else { return }
        self.isInterrupted = true
        self.end = self.next
        self.queue.forgetRedeliveries()
        while let pending = self.queue.next() { self.finish(pending, status: LedgerEntry.notSent) }
        if self.start == nil { self.fail(LoadError("interrupted before the first delivery")) }
        self.endIfDone()
    }

    private func endIfDone() {
        guard !self.isOver, self.start != nil, self.next >= self.end, self.inFlight == 0,
            self.queue.backlogCount == 0, self.queue.redeliveryCount == 0
        else { return }
        self.isOver = true
        self.endedAt = self.now
        self.report()
        for connection in self.connections.values { connection.close() }
        do {
            try self.ledger?.flush()
            self.done.succeed(())
        } catch {
            self.done.fail(error)
        }
    }

    // MARK: - Schedule

    /// Sends what is due, and comes back for the next.
    private func tick() {
        guard !self.isOver else { return }
        var sent = 0
        while self.next < self.end, sent < Self.burstMax {
            let due = self.schedule.offset(self.next)
            let now = self.now
            guard due <= now else { break }
            self.figures.offered(atNanoseconds: due, lagNanoseconds: now - due)
            self.dispatch(PendingSend(send: self.next, attempt: 0, due: due))
            self.next += 1
            sent += 1
        }
        guard self.next < self.end else { return self.endIfDone() }
        let now = self.now
        let due = self.schedule.offset(self.next)
        if due <= now {
            self.loop.execute { self.tick() }
        } else {
            self.loop.scheduleTask(in: .nanoseconds(max(due - now, Self.tickMin))) { self.tick() }
        }
    }

    /// What is done ten times a second: time-outs, redeliveries, the ledger, progress.
    private func housekeeping() {
        let now = self.now
        while let pending = self.queue.expired(at: now) { self.finish(pending, status: LedgerEntry.notSent) }
        while let overdue = self.queue.overdue(at: now) {
            guard let connection = self.connections[overdue.connection], connection.requests == overdue.request,
                connection.current != nil
            else { continue }
            connection.close()
        }
        let isLate = self.next >= self.end && now > self.schedule.offset(self.end) + self.redeliverNanoseconds
        if isLate { self.queue.forgetRedeliveries() }
        while let pending = self.queue.redelivery(at: now) { self.dispatch(pending) }
        do {
            try self.ledger?.flush()
        } catch {
            self.fail(error)
        }
        self.report()
        self.endIfDone()
    }

    private var redeliverNanoseconds: Int64 { Int64(self.options.redeliverTimeout / .nanoseconds(1)) }

    private func report() {
        self.onProgress(
            LoadProgress(
                elapsed: .nanoseconds(self.now), total: .nanoseconds(self.schedule.offset(self.parameters.sends)),
                offered: self.next, sends: self.parameters.sends, accepted: self.figures.statuses[202, default: 0],
                unavailable: self.figures.statuses[503, default: 0], other: self.figures.otherAnswers,
                failed: self.figures.failed, backlog: self.queue.backlogCount, inFlight: self.inFlight,
                toRedeliver: self.queue.redeliveryCount, p50Microseconds: self.figures.percentile(50),
                p99Microseconds: self.figures.percentile(99)))
    }

    // MARK: - Sending

    private func dispatch(_ pending: PendingSend) {
        if let connection = self.free.popLast() { return self.send(pending, on: connection) }
        self.queue.wait(pending)
        self.figures.backlogMax = max(self.figures.backlogMax, self.queue.backlogCount)
        if self.connecting < self.queue.backlogCount { self.openConnection() }
    }

    private func send(_ pending: PendingSend, on connection: LoadConnection) {
        let delivery = self.sequence.delivery(ofSend: pending.send)
        self.inFlight += 1
        connection.sentAt = self.now
        self.figures.bytesSent += connection.send(pending) { self.writer.write(delivery, into: &$0) }
        self.queue.sent(on: connection.number, request: connection.requests, at: connection.sentAt)
    }

    /// An attempt is over: it goes into the figures and the ledger, and perhaps is to be made again.
    private func finish(_ pending: PendingSend, status: UInt16, hasRetryAfter: Bool = false) {
        let now = self.now
        let entry = LedgerEntry(
            send: UInt32(pending.send), attempt: pending.attempt, status: status,
            microseconds: UInt32(clamping: (now - pending.due) / 1_000))
        self.figures.ended(entry, dueNanoseconds: pending.due, hasRetryAfter: hasRetryAfter)
        do {
            try self.ledger?.append(entry)
        } catch {
            self.fail(error)
        }
        let isTaken = status != LedgerEntry.notSent && status != LedgerEntry.noAnswer && status != 503
        if self.options.redelivers, !isTaken, !self.isInterrupted { self.queue.redeliver(pending, at: now) }
    }

    // MARK: - Connections

    private func openConnection() {
        guard let address = self.address, self.connections.count + self.connecting < self.options.connectionsMax else {
            return
        }
        self.connecting += 1
        self.connectionNumber += 1
        let number = self.connectionNumber
        ClientBootstrap(group: self.loop)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LoadConnection(number, runner: self))
                }
            }
            .connect(to: address)
            .whenFailure { self.connectFailed($0) }
    }

    private func connectFailed(_ error: any Error) {
        self.connecting -= 1
        if self.start == nil {
            guard self.connecting == 0, self.connections.isEmpty else { return self.beginWhenConnected() }
            let target = self.options.target
            return self.fail(
                LoadError("nothing answers at \(target.host), port \(target.port) (\(error)); is weir serve running?"))
        }
        // Each attempt was made for one delivery that waited.
        if let pending = self.queue.next() { self.finish(pending, status: LedgerEntry.notSent) }
        self.endIfDone()
    }

    private func beginWhenConnected() {
        if self.start == nil, self.connecting == 0, !self.isOver { self.begin() }
    }

    func connected(_ connection: LoadConnection) {
        self.connecting -= 1
        self.connections[connection.number] = connection
        self.figures.connectionsOpened += 1
        self.figures.connectionsMax = max(self.figures.connectionsMax, self.connections.count)
        self.release(connection)
        self.beginWhenConnected()
    }

    /// A connection is free: whoever has waited longest gets it.
    private func release(_ connection: LoadConnection) {
        if let pending = self.queue.next() {
            self.send(pending, on: connection)
        } else {
            self.free.append(connection)
        }
    }

    func received(bytes: Int) { self.figures.bytesReceived += bytes }

    func answered(_ connection: LoadConnection, _ pending: PendingSend, _ response: ResponseParser.Response) {
        self.inFlight -= 1
        self.figures.exchanged(nanoseconds: self.now - connection.sentAt)
        self.finish(pending, status: response.status, hasRetryAfter: response.hasRetryAfter)
        if response.staysOpen, self.connections[connection.number] != nil { self.release(connection) }
        self.endIfDone()
    }

    func closed(_ connection: LoadConnection, unanswered: PendingSend?) {
        guard self.connections.removeValue(forKey: connection.number) != nil else { return }
        self.free.removeAll { $0 === connection }
        if let unanswered {
            self.inFlight -= 1
            self.finish(unanswered, status: LedgerEntry.noAnswer)
        }
        if self.queue.backlogCount > self.connecting { self.openConnection() }
        self.endIfDone()
    }
}
