//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import DequeModule
public import WeirModel

/// What changed in a batch that was committed.
public struct LiveChange: Sendable, Equatable {
    /// Run attempts that changed, or whose jobs did.
    public var runs: Set<RunKey<String>>
    /// Jobs blocked, queued and running.
    public var counts: LiveCounts
    /// Deliveries in the batch.
    public var deliveries: Int
    /// When the batch was committed.
    public var at: Timestamp

    public init(runs: Set<RunKey<String>>, counts: LiveCounts, deliveries: Int, at: Timestamp) {
        self.runs = runs
        self.counts = counts
        self.deliveries = deliveries
        self.at = at
    }
}

/// Jobs blocked, queued and running.
public struct LiveCounts: Sendable, Equatable {
    public var blocked: Int64
    public var queued: Int64
    public var running: Int64

    public init(blocked: Int64 = 0, queued: Int64 = 0, running: Int64 = 0) {
        self.blocked = blocked
        self.queued = queued
        self.running = running
    }
}

/// What a subscriber is told; each names the state at one number of the hub's history.
public enum LiveFrame: Sendable, Equatable {
    /// Always the latest figures.
    case counts(LiveCounts, at: Timestamp)
    /// Runs that changed since the subscriber's last frame; `more` when that is not all: then anything may have.
    case runs([RunKey<String>], more: Bool)
    /// Freshness of the feed: the last delivery, and how many since the start.
    case ingest(lastDeliveryAt: Timestamp?, deliveries: Int, at: Timestamp)
    /// Nothing but a sign of life.
    case heartbeat(at: Timestamp)
}

/// The hub's decisions: what each subscriber has seen, and what it is told next.
///
/// Changes collect until ``flush(now:)`` turns them into one numbered step of history. A subscriber is a position in
/// that history, no queue: it is told the latest figures and the runs of the steps it has not seen. One that is slow
/// loses intermediate states and nothing else, and costs the same few bytes.
struct HubStateMachine: ~Copyable {
    /// Names a subscriber.
    struct Subscriber: Hashable, Sendable {
        let value: UInt64
    }

    /// Most runs named in one frame, some 25 kB; beyond that a page is fetched anew anyway.
    static let runsMax = 500
    /// Steps kept for those who are behind: at two a second, 32 s.
    static let historyMax = 64

    private struct Step {
        let runs: Set<RunKey<String>>
        let more: Bool
    }

    private struct Position {
        /// The last step seen.
        var step: Int
        /// Whether figures and freshness are still to be told, whatever the step.
        var needsFigures: Bool
        var heartbeat: Timestamp?
        var isWaiting = false
    }

    private let subscribersMax: Int
    private var counts: LiveCounts
    private var countsAt: Timestamp
    private var lastDeliveryAt: Timestamp?
    private var deliveries = 0
    private var collected: Set<RunKey<String>> = []
    private var collectedMore = false
    private var isDirty = false
    private var history: Deque<Step> = []
    private var positions: [Subscriber: Position] = [:]

    /// The number of the latest step.
    private(set) var step = 0

    init(subscribersMax: Int, counts: LiveCounts, lastDeliveryAt: Timestamp?, now: Timestamp) {
        self.subscribersMax = subscribersMax
        self.counts = counts
        self.countsAt = now
        self.lastDeliveryAt = lastDeliveryAt
    }

    /// Subscribers present.
    var subscriberCount: Int { self.positions.count }

    /// Whether no more subscribers are admitted.
    var isFull: Bool { self.positions.count >= self.subscribersMax }

    /// Collects a committed change.
    ///
    /// - Returns: Whether it is the first since the last flush.
    mutating func collect(_ change: LiveChange) -> Bool {
        self.counts = change.counts
        self.countsAt = max(self.countsAt, change.at)
        self.lastDeliveryAt = max(self.lastDeliveryAt ?? change.at, change.at)
        self.deliveries += change.deliveries
        for run in change.runs {
            if self.collected.count < Self.runsMax || self.collected.contains(run) {
                self.collected.insert(run)
            } else {
                self.collectedMore = true
            }
        }
        defer { self.isDirty = true }
        return !self.isDirty
    }

    /// Turns what was collected into a step.
    ///
    /// - Returns: Subscribers to wake.
    mutating func flush(now: Timestamp) -> [Subscriber] {
        guard self.isDirty else { return [] }
        self.isDirty = false
        self.countsAt = max(self.countsAt, now)
        self.step += 1
        self.history.append(Step(runs: self.collected, more: self.collectedMore))
        if self.history.count > Self.historyMax { self.history.removeFirst() }
        self.collected.removeAll(keepingCapacity: true)
        self.collectedMore = false
        return self.wakeAll()
    }

    /// Leaves a sign of life for everyone.
    ///
    /// - Returns: Subscribers to wake.
    mutating func beat(now: Timestamp) -> [Subscriber] {
        for key in self.positions.keys { self.positions[key]?.heartbeat = now }
        return self.wakeAll()
    }

    private mutating func wakeAll() -> [Subscriber] {
        var woken: [Subscriber] = []
        for (subscriber, position) in self.positions where position.isWaiting {
            self.positions[subscriber]?.isWaiting = false
            woken.append(subscriber)
        }
        return woken
    }

    // MARK: - Subscribers

    /// Admits a subscriber.
    ///
    /// - Parameter lastSeen: The step it saw last, from an earlier connection to this hub; nil for a new one.
    /// - Returns: False when there are too many.
    mutating func subscribe(_ subscriber: Subscriber, lastSeen: Int?) -> Bool {
        guard !self.isFull else { return false }
        self.positions[subscriber] = Position(step: min(lastSeen ?? self.step, self.step), needsFigures: true)
        return true
    }

    mutating func unsubscribe(_ subscriber: Subscriber) { self.positions[subscriber] = nil }

    /// What a subscriber is told next.
    ///
    /// - Returns: Nil when there is nothing; the subscriber then waits to be woken.
    mutating func next(_ subscriber: Subscriber) -> (step: Int, frames: [LiveFrame])? {
        guard var position = self.positions[subscriber] else { return nil }
        var frames: [LiveFrame] = []
        if position.needsFigures || position.step < self.step {
            frames.append(.counts(self.counts, at: self.countsAt))
            frames.append(
                .ingest(lastDeliveryAt: self.lastDeliveryAt, deliveries: self.deliveries, at: self.countsAt))
        }
        if position.step < self.step { frames.append(self.runs(since: position.step)) }
        if let heartbeat = position.heartbeat { frames.append(.heartbeat(at: heartbeat)) }
        position.step = self.step
        position.needsFigures = false
        position.heartbeat = nil
        position.isWaiting = frames.isEmpty
        self.positions[subscriber] = position
        return frames.isEmpty ? nil : (self.step, frames)
    }

    /// Whether a subscriber has been told everything and has not been woken since.
    func isIdle(_ subscriber: Subscriber) -> Bool { self.positions[subscriber]?.isWaiting ?? false }

    private func runs(since step: Int) -> LiveFrame {
        let missed = self.step - step
        guard missed <= self.history.count else { return .runs([], more: true) }
        var runs: Set<RunKey<String>> = []
        var more = false
        for step in self.history.suffix(missed) {
            runs.formUnion(step.runs)
            more = more || step.more
        }
        if runs.count > Self.runsMax { return .runs([], more: true) }
        return .runs(runs.sorted { ($0.source, $0.id, $0.attempt) < ($1.source, $1.id, $1.attempt) }, more: more)
    }
}
