//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
public import FoundationEssentials
public import Logging
public import Metrics
public import SQLCore
import Synchronization
public import WeirModel
public import WeirStore

/// The path from a decoded delivery to its committed row.
///
/// Deliveries that come while a batch is being committed form the next batch; each is answered after the COMMIT of its
/// own. What the database cannot take goes to the outbox, is answered after the outbox's COMMIT, and is applied when
/// the database is back. Nothing is held beyond a budget of bytes, and no sender waits beyond its deadline.
public final class Ingest: Sendable {
    typealias Machine = IngestStateMachine

    /// What a sender is told of a delivery that was taken.
    public enum Receipt: Sendable, Equatable {
        /// It is applied.
        case applied(DeliveryOutcome)
        /// It had been applied before.
        case duplicate
        /// It is in the outbox, and will be applied.
        case kept
    }

    /// Told what became of a delivery, once; it must not wait.
    public typealias Answer = @Sendable (Result<Receipt, IngestError>) -> Void

    /// How ingest is put together.
    public struct Configuration: Sendable {
        /// Bytes of all bodies held at once.
        public var bytesMax: Int
        /// Reads the JSON of a delivery that comes back from the outbox.
        public var decode: @Sendable (_ eventType: String, _ json: Data) throws -> LifecycleEvent
        /// The wall clock.
        public var now: @Sendable () -> Timestamp
        /// Told of every committed batch, before its senders are; it must not wait.
        public var observer: @Sendable (Committed<BatchOutcome>, _ deliveries: Int) -> Void

        public init(
            bytesMax: Int, decode: @escaping @Sendable (_ eventType: String, _ json: Data) throws -> LifecycleEvent,
            now: @escaping @Sendable () -> Timestamp,
            observer: @escaping @Sendable (Committed<BatchOutcome>, _ deliveries: Int) -> Void
        ) {
            self.bytesMax = bytesMax
            self.decode = decode
            self.now = now
            self.observer = observer
        }
    }

    /// A moment's figures.
    public struct Load: Sendable, Equatable {
        /// Bytes held.
        public var bytes: Int
        /// Deliveries waiting for a batch or for the outbox.
        public var queued: Int
        /// Whether the budget is 95 % used.
        public var isSaturated: Bool
        /// Whether deliveries go to the outbox.
        public var isSpilling: Bool
        /// Deliveries in the outbox.
        public var outbox: Int
    }

    /// A delivery that is held. A class: a delivery has dozens of fields, which are not to be copied with each move.
    final class Waiting: @unchecked Sendable {
        let delivery: Delivery
        let body: Data
        // The rest is guarded by `state`.
        /// Nil once it is told.
        var answer: Answer?
        /// Batch and spill that still need the delivery.
        var uses = 0

        init(_ delivery: Delivery, body: Data, _ answer: @escaping Answer) {
            self.delivery = delivery
            self.body = body
            self.answer = answer
        }
    }

    enum Work: Sendable {
        case replay(after: Machine.Sequence, limit: Int)
        case retry(Machine.Sequence)
        case bury(Machine.Sequence)
    }

    struct Spill: Sendable {
        let tickets: [Machine.Ticket]
        let items: [Outbox.Item]
    }

    struct State: ~Copyable {
        var machine: Machine
        var waiting: [Machine.Ticket: Waiting] = [:]
        var nextTicket: UInt64 = 0
        var generator = SystemRandomNumberGenerator()
        /// The last words of each side, for those that neither took.
        var databaseFailure = "it did not answer in time"
        var outboxFailure = ""
        /// Why one in the outbox failed by itself, by its number there.
        var reasons: [Machine.Sequence: String] = [:]
        var ticker: CheckedContinuation<Void, Never>?
        var hasDrained = false
    }

    let store: WeirStore
    let outbox: Outbox
    let configuration: Configuration
    let logger: Logger
    let state: Mutex<State>
    /// Ends when everybody is answered.
    private let ending = Handoff<Never>()
    let works = Handoff<Work>()
    let spills = Handoff<Spill>()
    /// What is applied and to be removed from the outbox.
    let removals = AsyncStream.makeStream(of: [Machine.Sequence].self)
    let counters: IngestCounters

    /// - Parameters:
    ///   - store: Where deliveries are applied.
    ///   - outbox: Where they wait while that is not possible.
    ///   - metrics: Where the sizes of batches and what goes through the outbox are recorded.
    public init(
        store: WeirStore, outbox: Outbox, _ configuration: Configuration, logger: Logger,
        metrics: any MetricsFactory
    ) async throws {
        self.store = store
        self.outbox = outbox
        self.configuration = configuration
        self.logger = logger
        let count = try await outbox.count()
        self.state = Mutex(State(machine: Machine(limits: .init(bytesMax: configuration.bytesMax), outboxCount: count)))
        self.counters = IngestCounters(metrics)
        if count > 0 {
            logger.notice("deliveries are in the outbox and will be applied", metadata: ["deliveries": "\(count)"])
        }
    }

    public var load: Load {
        self.state.withLock { state in
            Load(
                bytes: state.machine.bytes, queued: state.machine.queued, isSaturated: state.machine.isSaturated,
                isSpilling: state.machine.isSpilling, outbox: state.machine.outboxCount)
        }
    }

    /// Counts bytes of a body that is being received.
    ///
    /// - Parameter isNew: Whether the body begins; what a delivery takes in memory beside it is counted then too.
    /// - Returns: What was counted, which is to be given back; nil when the budget is used up, and nothing is counted.
    public func reserve(_ bytes: Int, isNew: Bool) -> Int? {
        self.state.withLock { $0.machine.reserve(bytes, isNew: isNew) }
    }

    /// Gives back the bytes of a body that is not submitted.
    public func release(_ bytes: Int) { self.state.withLock { $0.machine.release(bytes) } }

    /// Applies a delivery, together with those that wait with it, and answers after a COMMIT: the database's, or the
    /// outbox's.
    ///
    /// - Parameters:
    ///   - body: The delivery's JSON, which is what the outbox keeps.
    ///   - bytes: What the caller has reserved; given back once nothing holds the delivery.
    ///   - deadline: When the sender is to be answered.
    ///   - answer: Called once, on any thread, also on the caller's.
    ///
    /// Cancellation: none. A sender that leaves takes nothing back.
    public func submit(
        _ delivery: Delivery, body: Data, bytes: Int, deadline: ContinuousClock.Instant, answer: @escaping Answer
    ) {
        let waiting = Waiting(delivery, body: body, answer)
        self.event { state in
            state.nextTicket += 1
            let ticket = Machine.Ticket(value: state.nextTicket)
            state.waiting[ticket] = waiting
            return state.machine.submit(ticket, bytes: bytes, deadline: deadline, now: .now)
        }
    }

    /// The same for a task, which waits for the answer.
    ///
    /// - Throws: ``IngestError``.
    public func submit(
        _ delivery: Delivery, body: Data, bytes: Int, deadline: ContinuousClock.Instant
    ) async throws -> Receipt {
        try await withCheckedThrowingContinuation { continuation in
            self.submit(delivery, body: body, bytes: bytes, deadline: deadline) { continuation.resume(with: $0) }
        }
    }

    /// Puts a dead letter back into the outbox, to be tried again.
    ///
    /// - Throws: What the outbox throws.
    public func retry(_ letter: DeadLetter) async throws {
        let added = try await self.outbox.keep(letter)
        self.event { $0.machine.outboxGrew(by: added, now: .now) }
    }

    /// Works until everything admitted before ``shutDown()`` is answered.
    ///
    /// Cancellation: replays are given up; it returns after ``shutDown()`` only. A batch goes on to its deadline.
    public func run() async {
        await withDiscardingTaskGroup { group in
            // Before the requests' tasks: with thousands of those, a commit would be noticed long after it.
            let priority = TaskPriority.high
            group.addTask(priority: priority) { while let work = await self.works.next() { await self.perform(work) } }
            group.addTask(priority: priority) { while let spill = await self.spills.next() { await self.put(spill) } }
            group.addTask(priority: priority) {
                for await applied in self.removals.stream { await self.remove(applied) }
            }
            self.event { $0.machine.tick(now: .now) }
            group.addTask(priority: priority) { await self.tick() }
            await self.ending.next()
            // Everybody is answered: what a batch that still waits for the database holds is in the outbox.
            self.removals.continuation.finish()
            group.cancelAll()
        }
    }

    /// Admits nothing more; ``run()`` returns when the rest is answered.
    public func shutDown() { self.event { $0.machine.shutDown(now: .now) } }

    // MARK: - Time

    private static let tickInterval: Duration = .milliseconds(50)

    /// Shows the machine the clock while it has something to wait for.
    private func tick() async {
        while !self.state.withLock({ $0.hasDrained }) {
            if self.state.withLock({ $0.machine.isIdle }) {
                await withCheckedContinuation { continuation in
                    let isNeeded = self.state.withLock { state in
                        if !state.machine.isIdle || state.hasDrained { return true }
                        state.ticker = continuation
                        return false
                    }
                    if isNeeded { continuation.resume() }
                }
            }
            // Cancelled it does not wait: what is left fails, and is answered, at once.
            try? await Task.sleep(for: Self.tickInterval)
            await Task.yield()
            self.event { $0.machine.tick(now: .now) }
        }
    }

    // MARK: - Effects

    /// What must not run under the lock.
    private struct After {
        var batch: (tickets: [Machine.Ticket], deliveries: [Delivery])?
        var work: Work?
        var spill: Spill?
        var answers: [(Answer, Result<Receipt, IngestError>)] = []
        var ticker: CheckedContinuation<Void, Never>?
        var hasDrained = false
    }

    /// Tells the machine something, and does what it decides.
    ///
    /// - Parameter outcomes: What became of the deliveries of a committed batch; nil for one applied before.
    func event(
        outcomes: [Machine.Ticket: DeliveryOutcome?] = [:], _ transition: (inout State) -> [Machine.Effect]
    ) {
        let after = self.state.withLock { state in
            let effects = transition(&state)
            var after = After()
            for effect in effects { Self.prepare(effect, outcomes, &state, &after) }
            if !state.machine.isIdle || state.hasDrained { after.ticker = state.ticker.take() }
            return after
        }
        if let batch = after.batch { self.apply(batch.tickets, batch.deliveries) }
        if let work = after.work { self.works.put(work) }
        if let spill = after.spill { self.spills.put(spill) }
        for (answer, result) in after.answers { answer(result) }
        after.ticker?.resume()
        if after.hasDrained {
            self.works.finish()
            self.spills.finish()
            self.ending.finish()
        }
    }

    private static func prepare(
        _ effect: Machine.Effect, _ outcomes: [Machine.Ticket: DeliveryOutcome?], _ state: inout State,
        _ after: inout After
    ) {
        switch effect {
        case .apply(let tickets): after.batch = (tickets, tickets.map { Self.use($0, &state).delivery })
        case .replay(let sequence, let limit): after.work = .replay(after: sequence, limit: limit)
        case .retry(let sequence): after.work = .retry(sequence)
        case .bury(let sequence): after.work = .bury(sequence)
        case .spill(let tickets):
            let items = tickets.map { ticket in
                let waiting = Self.use(ticket, &state)
                return Outbox.Item(
                    delivery: waiting.delivery.id, eventType: waiting.delivery.eventType,
                    receivedAt: waiting.delivery.receivedAt, body: waiting.body)
            }
            after.spill = Spill(tickets: tickets, items: items)
        case .answer(let tickets, let answer):
            for ticket in tickets {
                guard let waiting = state.waiting[ticket], let tell = waiting.answer.take() else {
                    preconditionFailure("delivery \(ticket.value) is answered twice")
                }
                if waiting.uses == 0 { state.waiting[ticket] = nil }
                after.answers.append((tell, Self.result(answer, outcomes[ticket] ?? nil, state)))
            }
        case .drained:
            state.hasDrained = true
            after.hasDrained = true
        }
    }

    private static func use(_ ticket: Machine.Ticket, _ state: inout State) -> Waiting {
        guard let waiting = state.waiting[ticket] else {
            preconditionFailure("delivery \(ticket.value) is not held")
        }
        waiting.uses += 1
        return waiting
    }

    /// A batch or a spill does not need these any more.
    static func release(_ tickets: [Machine.Ticket], _ state: inout State) {
        for ticket in tickets {
            guard let waiting = state.waiting[ticket] else { continue }
            waiting.uses -= 1
            if waiting.uses == 0, waiting.answer == nil { state.waiting[ticket] = nil }
        }
    }

    private static func result(
        _ answer: Machine.Answer, _ outcome: DeliveryOutcome?, _ state: borrowing State
    ) -> Result<Receipt, IngestError> {
        switch answer {
        case .committed: .success(outcome.map { .applied($0) } ?? .duplicate)
        case .kept: .success(.kept)
        case .late: .failure(.late)
        case .shuttingDown: .failure(.shuttingDown)
        case .unavailable:
            .failure(.unavailable(database: state.databaseFailure, outbox: state.outboxFailure))
        }
    }
}
