//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
public import Metrics
public import SQLCore
import Synchronization
public import WeirModel
public import WeirStore

/// Why a delivery was not applied.
public enum IngestError: Error, Sendable {
    /// The byte budget is used up.
    case full
    /// Its time ran out in the queue; nothing of it was applied.
    case late
    /// The server is stopping.
    case shuttingDown
    /// The database could not commit it.
    case database(any Error)
}

/// The path from a decoded delivery to its committed row.
///
/// Deliveries that come while a batch is being committed form the next batch; each is answered after the COMMIT of its
/// own. Nothing is held beyond a budget of bytes, and no delivery beyond its deadline.
public final class Ingest: Sendable {
    private typealias Machine = IngestStateMachine

    private struct Waiting {
        let delivery: Delivery
        let continuation: CheckedContinuation<DeliveryOutcome?, any Error>
    }

    private struct Batch: Sendable {
        let tickets: [IngestStateMachine.Ticket]
        let deadline: ContinuousClock.Instant
    }

    private struct State: ~Copyable {
        var machine: Machine
        var waiting: [Machine.Ticket: Waiting] = [:]
        var nextTicket: UInt64 = 0
        /// A batch that `run()` has not fetched yet.
        var ready: Batch?
        var isDrained = false
        /// `run()`, when it waits for a batch.
        var runner: CheckedContinuation<Batch?, Never>?
    }

    private let store: WeirStore
    private let observer: @Sendable (Committed<BatchOutcome>, _ deliveries: Int) -> Void
    private let state: Mutex<State>
    private let batchSizes: Recorder

    /// - Parameters:
    ///   - store: Where deliveries are applied.
    ///   - bytesMax: Bytes of all bodies held at once.
    ///   - metrics: Where the sizes of batches are recorded.
    ///   - observer: Told of every committed batch.
    public init(
        store: WeirStore, bytesMax: Int, metrics: any MetricsFactory,
        observer: @escaping @Sendable (Committed<BatchOutcome>, _ deliveries: Int) -> Void
    ) {
        self.store = store
        self.observer = observer
        self.state = Mutex(State(machine: Machine(limits: .init(bytesMax: bytesMax, batchMax: 1_024))))
        self.batchSizes = Recorder(label: "weir_ingest_batch_deliveries", aggregate: true, factory: metrics)
    }

    /// A moment's figures: bytes held, deliveries waiting, and whether the budget is 95 % used.
    public var load: (bytes: Int, queued: Int, isSaturated: Bool) {
        self.state.withLock { ($0.machine.bytes, $0.machine.queued, $0.machine.isSaturated) }
    }

    /// Counts bytes of a body that is being received.
    ///
    /// - Returns: False when the budget is used up; nothing is counted then.
    public func reserve(_ bytes: Int) -> Bool { self.state.withLock { $0.machine.reserve(bytes) } }

    /// Gives back the bytes of a body that is not submitted.
    public func release(_ bytes: Int) { self.state.withLock { $0.machine.release(bytes) } }

    /// Applies a delivery, together with those that wait with it, and returns after COMMIT.
    ///
    /// - Parameters:
    ///   - bytes: The body's size, which the caller has reserved; given back when this returns.
    ///   - deadline: When the sender is to be answered.
    /// - Returns: What became of it; nil when it had been applied before.
    /// - Throws: ``IngestError``.
    ///
    /// Cancellation: none. A sender that leaves takes nothing back.
    public func submit(
        _ delivery: Delivery, bytes: Int, deadline: ContinuousClock.Instant
    ) async throws -> DeliveryOutcome? {
        try await withCheckedThrowingContinuation { continuation in
            let now = ContinuousClock.now
            let after = self.state.withLock { state in
                state.nextTicket += 1
                let ticket = Machine.Ticket(value: state.nextTicket)
                state.waiting[ticket] = Waiting(delivery: delivery, continuation: continuation)
                return Self.perform(
                    state.machine.submit(ticket, bytes: bytes, deadline: deadline, now: now), &state)
            }
            after.run()
        }
    }

    /// Applies batches until everything admitted before ``shutDown()`` is answered.
    public func run() async {
        while let batch = await self.nextBatch() {
            await self.apply(batch)
            self.event { $0.batchEnded(now: .now) }
        }
    }

    /// Admits nothing more; ``run()`` returns when the rest is answered.
    public func shutDown() { self.event { $0.shutDown() } }

    // MARK: - Batches

    private func nextBatch() async -> Batch? {
        await withCheckedContinuation { continuation in
            let ready: Batch?? = self.state.withLock { state in
                if let batch = state.ready.take() { return .some(batch) }
                if state.isDrained { return .some(nil) }
                state.runner = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    private func apply(_ batch: Batch) async {
        let waiting = self.state.withLock { state in
            batch.tickets.map { ticket in
                guard let waiting = state.waiting.removeValue(forKey: ticket) else {
                    preconditionFailure("delivery \(ticket.value) is not waiting")
                }
                return waiting
            }
        }
        self.batchSizes.record(waiting.count)
        do {
            let committed = try await self.store.apply(waiting.map(\.delivery), timeout: batch.deadline - .now)
            self.observer(committed, waiting.count)
            for (waiting, outcome) in zip(waiting, committed.value.deliveries) {
                waiting.continuation.resume(returning: outcome)
            }
        } catch {
            for waiting in waiting { waiting.continuation.resume(throwing: IngestError.database(error)) }
            await self.settle(waiting.map(\.delivery), after: error)
        }
    }

    /// A batch whose outcome is unknown may have been committed: it is applied again, which is harmless, so that what
    /// the database holds is also what subscribers are told.
    private func settle(_ deliveries: [Delivery], after error: any Error) async {
        let isUnknown =
            switch error {
            case let error as LeaseError: error.hadStarted
            case let error as DatabaseError: error.outcome == .unknown
            default: false
            }
        // When this fails too, the senders have been told, and redeliver.
        guard isUnknown, let committed = try? await self.store.apply(deliveries, timeout: .seconds(30)) else { return }
        self.observer(committed, deliveries.count)
    }

    // MARK: - Effects

    /// What must not run under the lock.
    private struct After {
        var runner: (CheckedContinuation<Batch?, Never>, Batch?)?
        var refused: [(Waiting, IngestError)] = []

        func run() {
            if let (runner, batch) = self.runner { runner.resume(returning: batch) }
            for (waiting, error) in self.refused { waiting.continuation.resume(throwing: error) }
        }
    }

    private func event(_ transition: (inout Machine) -> [Machine.Effect]) {
        let after = self.state.withLock { Self.perform(transition(&$0.machine), &$0) }
        after.run()
    }

    private static func perform(_ effects: [Machine.Effect], _ state: inout State) -> After {
        var after = After()
        for effect in effects {
            switch effect {
            case .start(let tickets, let deadline):
                let batch = Batch(tickets: tickets, deadline: deadline)
                if let runner = state.runner.take() {
                    after.runner = (runner, batch)
                } else {
                    state.ready = batch
                }
            case .refuse(let ticket, let refusal):
                guard let waiting = state.waiting.removeValue(forKey: ticket) else {
                    preconditionFailure("delivery \(ticket.value) is not waiting")
                }
                after.refused.append((waiting, Self.error(refusal)))
            case .drained:
                state.isDrained = true
                if let runner = state.runner.take() { after.runner = (runner, nil) }
            }
        }
        return after
    }

    private static func error(_ refusal: Machine.Refusal) -> IngestError {
        switch refusal {
        case .late: .late
        case .shuttingDown: .shuttingDown
        }
    }
}
