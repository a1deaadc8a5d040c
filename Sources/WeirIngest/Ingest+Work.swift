//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CoreMetrics
import FoundationEssentials
import Logging
import SQLCore
import Synchronization
import WeirModel
import WeirStore

/// What is done outside the machine: batches, spills, replays.
extension Ingest {
    /// Longest time for a batch: nobody waits for it that long, and a lock that is held is noticed.
    private static let batchTimeout: Duration = .seconds(9)
    /// The same for what nobody waits for.
    private static let replayTimeout: Duration = .seconds(5)
    /// Bytes of bodies that a replay holds at once.
    private static let replayBytesMax = 8 << 20

    func perform(_ work: Work) async {
        switch work {
        case .replay(let sequence, let limit):
            let result = await self.replay {
                try await self.outbox.next(after: sequence, limit: limit, bytesMax: Self.replayBytesMax)
            }
            self.event { $0.machine.replayEnded(result, now: .now, using: &$0.generator) }
        case .retry(let sequence):
            let result = await self.replay { try await self.outbox.find(sequence).map { [$0] } ?? [] }
            self.event { $0.machine.replayEnded(result, now: .now, using: &$0.generator) }
        case .bury(let sequence):
            let hasSucceeded = await self.bury(sequence)
            self.event { $0.machine.buryEnded(hasSucceeded: hasSucceeded, now: .now, using: &$0.generator) }
        }
    }

    /// Has a batch committed. Its end, on the writer's thread, begins the next one: a task that waited for it would have
    /// to get a thread first, twice for each batch, and the writer would wait meanwhile.
    func apply(_ tickets: [Machine.Ticket], _ deliveries: [Delivery]) {
        self.counters.batchSizes.record(tickets.count)
        self.store.apply(deliveries, timeout: Self.batchTimeout) { result in
            switch result {
            case .success(let committed):
                self.configuration.observer(committed, tickets.count)
                let outcomes = Dictionary(uniqueKeysWithValues: zip(tickets, committed.value.deliveries))
                self.event(outcomes: outcomes) { state in
                    defer { Self.release(tickets, &state) }
                    return state.machine.batchEnded(nil, now: .now, using: &state.generator)
                }
            case .failure(let error):
                self.note(databaseFailure: error, deliveries: tickets.count)
                let failure = Machine.Failure(error)
                self.event { state in
                    defer { Self.release(tickets, &state) }
                    state.databaseFailure = Self.words(error)
                    return state.machine.batchEnded(failure, now: .now, using: &state.generator)
                }
            }
        }
    }

    func put(_ spill: Spill) async {
        do {
            let added = try await self.outbox.append(spill.items, timeout: Self.replayTimeout)
            self.counters.spilled.increment(by: spill.items.count)
            self.event { state in
                defer { Self.release(spill.tickets, &state) }
                return state.machine.spillEnded(added: added, now: .now)
            }
        } catch {
            self.logger.error(
                "the outbox takes nothing",
                metadata: ["deliveries": "\(spill.items.count)", "cause": "\(Self.words(error))"])
            self.event { state in
                defer { Self.release(spill.tickets, &state) }
                state.outboxFailure = Self.words(error)
                return state.machine.spillEnded(added: nil, now: .now)
            }
        }
    }

    // MARK: - From the outbox to the database

    private func replay(_ find: () async throws -> [Outbox.Item]) async -> Machine.Replayed {
        let items: [Outbox.Item]
        do { items = try await find() } catch {
            self.logger.error("the outbox cannot be read", metadata: ["cause": "\(Self.words(error))"])
            return .outboxFailed
        }
        var deliveries: [Delivery] = []
        for item in items {
            do {
                let event = try self.configuration.decode(item.eventType, item.body)
                deliveries.append(
                    Delivery(
                        id: item.delivery, eventType: item.eventType, event: event, receivedAt: item.receivedAt,
                        isTimely: false))
            } catch {
                // Those before it first.
                guard deliveries.isEmpty else { break }
                self.state.withLock { $0.reasons[item.sequence] = Self.words(error) }
                return .unreadable(item.sequence)
            }
        }
        guard !deliveries.isEmpty else { return .done(count: 0, through: nil) }
        return await self.replay(Array(items.prefix(deliveries.count)), deliveries)
    }

    private func replay(_ items: [Outbox.Item], _ deliveries: [Delivery]) async -> Machine.Replayed {
        do {
            let committed = try await self.store.apply(deliveries, timeout: Self.replayTimeout)
            self.configuration.observer(committed, deliveries.count)
        } catch {
            let failure = Machine.Failure(error)
            let only = items.count == 1 ? items[0].sequence : nil
            if let only, failure == .permanent {
                self.logger.warning(
                    "a delivery cannot be applied",
                    metadata: ["delivery": "\(items[0].delivery)", "cause": "\(Self.words(error))"])
                self.state.withLock { $0.reasons[only] = Self.words(error) }
            } else if failure == .transient {
                self.state.withLock { $0.databaseFailure = Self.words(error) }
            }
            return .failed(failure, only: only)
        }
        self.counters.replayed.increment(by: deliveries.count)
        for item in items { self.state.withLock { $0.reasons[item.sequence] = nil } }
        // The database has nothing to do with it, so nobody waits for it.
        self.removals.continuation.yield(items.map(\.sequence))
        return .done(count: items.count, through: items.last?.sequence)
    }

    func remove(_ applied: [Machine.Sequence]) async {
        do {
            _ = try await self.outbox.remove(applied)
        } catch {
            // Applied and not removed: the next start applies it again, which does nothing.
            self.logger.error("the outbox cannot be emptied", metadata: ["cause": "\(Self.words(error))"])
        }
        self.event { $0.machine.outboxShrank(by: applied.count, now: .now) }
        if self.load.outbox == 0 { self.logger.notice("the outbox is empty: all that it held is applied") }
    }

    private func bury(_ sequence: Machine.Sequence) async -> Bool {
        do {
            guard let item = try await self.outbox.find(sequence) else { return true }
            let reason = self.state.withLock { $0.reasons[sequence] } ?? "it could not be applied"
            let letter = DeadLetter(
                delivery: item.delivery, event: item.eventType, receivedAt: item.receivedAt,
                diedAt: self.configuration.now(), reason: reason, body: Array(item.body))
            try await self.store.bury(letter, timeout: Self.replayTimeout)
            _ = try await self.outbox.remove([sequence])
            self.state.withLock { _ = $0.reasons.removeValue(forKey: sequence) }
            self.counters.buried.increment()
            self.logger.error(
                "a delivery is a dead letter: see weir dead-letters",
                metadata: ["delivery": "\(item.delivery)", "reason": "\(reason)"])
            return true
        } catch {
            self.logger.error("a dead letter could not be stored", metadata: ["cause": "\(Self.words(error))"])
            return false
        }
    }

    // MARK: - Words

    private func note(databaseFailure error: any Error, deliveries: Int) {
        let isNews = !self.load.isSpilling
        self.logger.log(
            level: isNews ? .warning : .debug, "a batch was not committed; its deliveries go to the outbox",
            metadata: ["deliveries": "\(deliveries)", "cause": "\(Self.words(error))"])
    }

    private static func words(_ error: any Error) -> String { String("\(error)".prefix(300)) }
}
