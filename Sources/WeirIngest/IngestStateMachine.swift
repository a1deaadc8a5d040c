//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import DequeModule

/// The decisions of ingest: what is admitted, what makes up a batch, what goes to the outbox and back, what is late.
///
/// A pure value: time and randomness are passed in, effects name deliveries by number. Two things are under way at
/// most: one *work* of the database (a batch, or a replay from the outbox), and one *spill* into the outbox. Everything
/// admitted counts against one budget of bytes until nobody holds it any more: bodies being received, deliveries
/// waiting, those of the work and those of the spill.
///
/// It is *direct* while the database takes what comes, and *spilling* after a batch has failed for a passing reason, or
/// while a work has been under way for longer than ``Limits/stallTimeout``. Then what comes, what waits and what is
/// under way goes to the outbox too, and its senders are answered from there. A commit ends it.
struct IngestStateMachine: ~Copyable {
    typealias Instant = ContinuousClock.Instant

    /// The bounds of ingest.
    struct Limits: Sendable, Equatable {
        /// Bytes of all bodies held.
        var bytesMax: Int
        /// Most deliveries in one batch or spill.
        var batchMax = 1_024
        /// How long the database may take for a batch before the outbox takes over.
        var stallTimeout: Duration = .milliseconds(500)
        /// Most deliveries replayed at once.
        var replayMax = 256
        /// How long a replay is to take while others wait: the hot path waits as long.
        var replayTime: Duration = .milliseconds(15)
        /// What a delivery takes in memory beside its body: its connection's buffers, its task, its fields. Measured as
        /// some 50 KiB for each of 2,000 to 8,000 that wait, half of which a connection has by itself.
        var overheadBytes = 24 << 10
        /// From the first to the longest pause after failures; it doubles.
        var backoff: ClosedRange<Duration> = .milliseconds(100)...(.seconds(2))
        /// Tries of a delivery that fails by itself, before it is a dead letter; the pauses add up to 6.5 to 13 s.
        var attemptsMax = 10
    }

    /// Names a delivery while it is held.
    struct Ticket: Hashable, Sendable {
        let value: UInt64
    }

    /// Names a delivery in the outbox; it grows with the order of arrival.
    typealias Sequence = Int64

    /// What a sender is told.
    enum Answer: Equatable {
        /// It is committed.
        case committed
        /// It is in the outbox.
        case kept
        case late
        case shuttingDown
        /// Neither the database nor the outbox has taken it.
        case unavailable
    }

    enum Effect: Equatable {
        /// Apply these in one transaction; ends with ``batchEnded(_:now:using:)``.
        case apply([Ticket])
        /// Apply what the outbox holds behind this one; ends with ``replayEnded(_:now:using:)``.
        case replay(after: Sequence, limit: Int)
        /// The same with a single one that has failed before.
        case retry(Sequence)
        /// Move one to the dead letters; ends with ``buryEnded(hasSucceeded:now:using:)``.
        case bury(Sequence)
        /// Put these into the outbox; ends with ``spillEnded(added:now:)``.
        case spill([Ticket])
        case answer([Ticket], Answer)
        /// Everybody is answered, after ``shutDown(now:)``.
        case drained
    }

    /// Why a work was not committed.
    enum Failure: Equatable {
        /// The database takes nothing now, or has not said what became of it; a later try may succeed.
        case transient
        /// It works, and refuses this: one of the deliveries is at fault.
        case permanent
    }

    enum Replayed: Equatable {
        /// So many are applied, and are to be removed; `through` is the last one looked at, nil when none was left.
        case done(count: Int, through: Sequence?)
        /// `only`: the one that was tried, when it was one.
        case failed(Failure, only: Sequence?)
        /// This one cannot even be read.
        case unreadable(Sequence)
        /// The outbox did not answer.
        case outboxFailed
    }

    private struct Entry {
        let bytes: Int
        let deadline: Instant
        /// Its sender is told.
        var isAnswered = false
        /// Part of the batch under way.
        var isInBatch = false
        /// Waiting for, or part of, a spill.
        var isInSpill = false

        var isHeld: Bool { !self.isAnswered || self.isInBatch || self.isInSpill }
    }

    private enum Work: Equatable {
        case batch([Ticket])
        case replay
        case retry(Sequence)
        case bury(Sequence)
    }

    /// One in the outbox that has failed by itself.
    private struct Deferred {
        var attempts: Int
        var dueAt: Instant
    }

    private let limits: Limits
    private var entries: [Ticket: Entry] = [:]
    private var queue: Deque<Ticket> = []
    private var spillQueue: Deque<Ticket> = []
    private var work: (what: Work, since: Instant, isStalled: Bool)?
    private var spill: [Ticket] = []
    /// Held deliveries whose senders wait.
    private var unanswered = 0
    /// When to look for late ones next; never later than the first of them.
    private var earliestDeadline: Instant?
    private var isShuttingDown = false
    private var hasDrained = false

    /// Failures of the database in a row, and when to try it again.
    private var failures = 0
    private var retryAt: Instant?
    /// How far the outbox has been replayed, but for ``deferred``.
    private var cursor: Sequence = 0
    private var replayLimit: Int
    private var replayAt: Instant?
    private var deferred: [Sequence: Deferred] = [:]
    /// Applied, and not yet removed from the outbox.
    private var removing = 0
    /// What the outbox has got since the work under way began.
    private var grownSinceWork = 0

    /// Whether the outbox takes what comes.
    private(set) var isSpilling = false
    /// Bytes held: bodies being received, waiting and under way, and what deliveries take beside them.
    private(set) var bytes = 0
    /// Deliveries in the outbox.
    private(set) var outboxCount: Int

    /// - Parameter outboxCount: What the outbox holds from an earlier life.
    init(limits: Limits, outboxCount: Int = 0) {
        self.limits = limits
        self.replayLimit = limits.replayMax
        self.outboxCount = outboxCount
    }

    /// Deliveries waiting for the next batch or spill.
    var queued: Int { self.queue.count + self.spillQueue.count }

    /// Whether the budget is nearly used up: 95 %.
    var isSaturated: Bool { self.bytes * 100 >= self.limits.bytesMax * 95 }

    /// Whether nothing happens without an event from outside: ``tick(now:)`` is not needed.
    var isIdle: Bool { self.entries.isEmpty && self.outboxCount == 0 && !self.isSpilling && self.work == nil }

    // MARK: - Bodies

    /// A body begins, or grows, by some bytes while it is received.
    ///
    /// - Parameter isNew: Whether it begins; what a delivery takes beside its body is counted then.
    /// - Returns: What was counted; nil when the budget is used up, and nothing is counted.
    mutating func reserve(_ count: Int, isNew: Bool = true) -> Int? {
        let count = isNew ? count + self.limits.overheadBytes : count
        guard self.bytes + count <= self.limits.bytesMax else { return nil }
        self.bytes += count
        return count
    }

    /// A body's bytes are given back without having been submitted.
    mutating func release(_ count: Int) { self.bytes -= count }

    // MARK: - Deliveries

    /// A delivery whose bytes have been reserved asks to be applied.
    mutating func submit(_ ticket: Ticket, bytes: Int, deadline: Instant, now: Instant) -> [Effect] {
        guard !self.isShuttingDown else {
            self.bytes -= bytes
            return [.answer([ticket], .shuttingDown)]
        }
        self.entries[ticket] = Entry(bytes: bytes, deadline: deadline, isInSpill: self.isSpilling)
        self.unanswered += 1
        self.earliestDeadline = min(self.earliestDeadline ?? deadline, deadline)
        if self.isSpilling { self.spillQueue.append(ticket) } else { self.queue.append(ticket) }
        return self.advance(now: now)
    }

    /// The batch under way has been committed, or has failed.
    mutating func batchEnded(
        _ failure: Failure?, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard case .batch(let tickets)? = self.work?.what else { preconditionFailure("no batch is under way") }
        self.work = nil
        var effects: [Effect] = []
        if let failure {
            // What nobody waits for any more is given up: its sender was told so.
            for ticket in tickets {
                let isLeft = self.update(ticket) {
                    $0.isInBatch = false
                    return !$0.isAnswered && !$0.isInSpill
                }
                if isLeft ?? false { self.sendToOutbox(ticket) }
            }
            if failure == .transient { self.databaseFailed(now: now, using: &generator) }
        } else {
            self.databaseWorked()
            self.answer(tickets, .committed, &effects) { $0.isInBatch = false }
        }
        return effects + self.advance(now: now)
    }

    // MARK: - Outbox

    /// What was to be put into the outbox is on disk, or is not.
    ///
    /// - Parameter added: How many it holds more than before; nil when it took nothing.
    mutating func spillEnded(added: Int?, now: Instant) -> [Effect] {
        let tickets = self.spill
        self.spill = []
        var effects: [Effect] = []
        if let added {
            self.grow(by: added)
            self.answer(tickets, .kept, &effects) { $0.isInSpill = false }
        } else {
            // One that is part of the batch under way may still be committed.
            var lost: [Ticket] = []
            for ticket in tickets {
                let isLost = self.update(ticket) {
                    $0.isInSpill = false
                    return !$0.isInBatch
                }
                if isLost ?? false { lost.append(ticket) }
            }
            self.answer(lost, .unavailable, &effects) { _ in }
        }
        return effects + self.advance(now: now)
    }

    /// So many that were applied are removed from the outbox, or left there for the next start to remove.
    mutating func outboxShrank(by count: Int, now: Instant) -> [Effect] {
        self.removing -= count
        self.outboxCount = max(self.outboxCount - count, 0)
        return self.advance(now: now)
    }

    /// The outbox has got more from elsewhere: dead letters that are to be tried again.
    mutating func outboxGrew(by count: Int, now: Instant) -> [Effect] {
        self.grow(by: count)
        return self.advance(now: now)
    }

    /// A replay or a retry has ended.
    mutating func replayEnded(
        _ result: Replayed, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard let work = self.work else { preconditionFailure("no replay is under way") }
        self.work = nil
        // As long as others have waited for it, so long they go first.
        let taken = now - work.since
        self.replayAt = self.queue.isEmpty ? nil : now.advanced(by: taken)
        switch result {
        case .done(let count, let through):
            self.databaseWorked()
            self.removing += count
            if case .retry(let sequence) = work.what {
                self.deferred[sequence] = nil
            } else if let through {
                self.cursor = through
                let isTooLong = !self.queue.isEmpty && taken > self.limits.replayTime
                self.replayLimit =
                    isTooLong
                    ? max(self.replayLimit / 2, min(8, self.limits.replayMax))
                    : min(self.replayLimit * 2, self.limits.replayMax)
            } else {
                // The outbox knows best what it holds; what came in meanwhile it may not have looked at.
                self.outboxCount = self.deferred.count + self.removing + self.grownSinceWork
            }
        case .failed(.transient, _): self.databaseFailed(now: now, using: &generator)
        case .failed(.permanent, let only):
            self.databaseWorked()
            if let only {
                self.postpone(only, now: now, using: &generator)
            } else {
                self.replayLimit = max(self.replayLimit / 4, 1)
            }
        case .unreadable(let sequence):
            self.deferred[sequence] = Deferred(attempts: self.limits.attemptsMax, dueAt: now)
            self.cursor = max(self.cursor, sequence)
        case .outboxFailed: self.replayAt = now.advanced(by: self.limits.backoff.upperBound)
        }
        return self.advance(now: now)
    }

    /// A dead letter is committed and out of the outbox, or is not.
    mutating func buryEnded(
        hasSucceeded: Bool, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard case .bury(let sequence)? = self.work?.what else { preconditionFailure("nothing is being buried") }
        self.work = nil
        if hasSucceeded {
            self.deferred[sequence] = nil
            self.outboxCount = max(self.outboxCount - 1, 0)
        } else {
            self.databaseFailed(now: now, using: &generator)
        }
        return self.advance(now: now)
    }

    /// One that failed by itself is tried again later, some times.
    private mutating func postpone(
        _ sequence: Sequence, now: Instant, using generator: inout some RandomNumberGenerator
    ) {
        self.cursor = max(self.cursor, sequence)
        let attempts = (self.deferred[sequence]?.attempts ?? 0) + 1
        let pause = self.pause(after: attempts, using: &generator)
        self.deferred[sequence] = Deferred(attempts: attempts, dueAt: now.advanced(by: pause))
    }

    private mutating func grow(by count: Int) {
        self.outboxCount += count
        self.grownSinceWork += count
    }

    private mutating func sendToOutbox(_ ticket: Ticket) {
        _ = self.update(ticket) { $0.isInSpill = true }
        self.spillQueue.append(ticket)
    }

    // MARK: - The database's health

    private mutating func databaseWorked() {
        self.isSpilling = false
        self.failures = 0
        self.retryAt = nil
    }

    private mutating func databaseFailed(now: Instant, using generator: inout some RandomNumberGenerator) {
        self.failures += 1
        self.retryAt = now.advanced(by: self.pause(after: self.failures, using: &generator))
        self.startSpilling()
    }

    private mutating func startSpilling() {
        self.isSpilling = true
        while let ticket = self.queue.popFirst() { self.sendToOutbox(ticket) }
    }

    /// Doubles with every failure, up to the longest; half of it is chance, so that nodes do not come together.
    private func pause(after failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        let ceiling = min(self.limits.backoff.lowerBound * (1 << min(failures - 1, 16)), self.limits.backoff.upperBound)
        return ceiling * Double.random(in: 0.5...1, using: &generator)
    }

    // MARK: - Time

    /// Looks at the clock: to be called every 50 ms or so unless ``isIdle``.
    mutating func tick(now: Instant) -> [Effect] {
        var effects: [Effect] = []
        if let earliest = self.earliestDeadline, earliest <= now { self.answerLate(now: now, &effects) }
        if let work = self.work, !work.isStalled, work.since.duration(to: now) >= self.limits.stallTimeout {
            self.work?.isStalled = true
            if case .batch(let tickets) = work.what {
                for ticket in tickets where !(self.entries[ticket]?.isAnswered ?? true) { self.sendToOutbox(ticket) }
            }
            self.startSpilling()
        }
        return effects + self.advance(now: now)
    }

    private mutating func answerLate(now: Instant, _ effects: inout [Effect]) {
        let late = self.entries.filter { !$0.value.isAnswered && $0.value.deadline <= now }
        if !late.isEmpty {
            self.queue.removeAll { late[$0] != nil }
            self.answer(late.keys.sorted { $0.value < $1.value }, .late, &effects) { _ in }
        }
        self.earliestDeadline = self.entries.values.lazy.filter { !$0.isAnswered }.map(\.deadline).min()
    }

    /// Admits nothing more; what was admitted is still answered.
    mutating func shutDown(now: Instant) -> [Effect] {
        self.isShuttingDown = true
        return self.advance(now: now)
    }

    // MARK: - What is next

    private mutating func advance(now: Instant) -> [Effect] {
        var effects: [Effect] = []
        self.startSpill(&effects)
        if self.work == nil { self.startWork(now: now, &effects) }
        if self.isShuttingDown, self.unanswered == 0, self.spill.isEmpty, !self.hasDrained {
            self.hasDrained = true
            effects.append(.drained)
        }
        return effects
    }

    private mutating func startSpill(_ effects: inout [Effect]) {
        guard self.spill.isEmpty else { return }
        while self.spill.count < self.limits.batchMax, let ticket = self.spillQueue.popFirst() {
            // Committed in the meantime, or too late.
            let isWanted = self.update(ticket) {
                $0.isInSpill = !$0.isAnswered
                return $0.isInSpill
            }
            if isWanted ?? false { self.spill.append(ticket) }
        }
        if !self.spill.isEmpty { effects.append(.spill(self.spill)) }
    }

    private mutating func startWork(now: Instant, _ effects: inout [Effect]) {
        if let retryAt = self.retryAt, now < retryAt { return }
        if !self.isShuttingDown, let work = self.outboxWork(now: now) {
            self.work = (work.0, now, false)
            self.grownSinceWork = 0
            effects.append(work.1)
            return
        }
        // With nothing in the outbox to try the database with, the next batch is the trial.
        if self.isSpilling, self.outboxCount == 0, self.spill.isEmpty { self.isSpilling = false }
        guard !self.queue.isEmpty else { return }
        var batch: [Ticket] = []
        while batch.count < self.limits.batchMax, let ticket = self.queue.popFirst() {
            _ = self.update(ticket) { $0.isInBatch = true }
            batch.append(ticket)
        }
        self.work = (.batch(batch), now, false)
        effects.append(.apply(batch))
    }

    private mutating func outboxWork(now: Instant) -> (Work, Effect)? {
        guard self.outboxCount > self.removing else { return nil }
        if let replayAt = self.replayAt, now < replayAt { return nil }
        if self.outboxCount - self.removing > self.deferred.count {
            return (.replay, .replay(after: self.cursor, limit: self.replayLimit))
        }
        guard let (sequence, due) = self.deferred.min(by: { $0.value.dueAt < $1.value.dueAt }), due.dueAt <= now else {
            return nil
        }
        return due.attempts < self.limits.attemptsMax
            ? (.retry(sequence), .retry(sequence)) : (.bury(sequence), .bury(sequence))
    }

    // MARK: - Entries

    /// Changes an entry, and lets it go when nothing holds it any more.
    @discardableResult
    private mutating func update<Value>(_ ticket: Ticket, _ change: (inout Entry) -> Value) -> Value? {
        guard var entry = self.entries[ticket] else { return nil }
        let value = change(&entry)
        if entry.isHeld {
            self.entries[ticket] = entry
        } else {
            self.entries[ticket] = nil
            self.bytes -= entry.bytes
        }
        return value
    }

    /// Tells those of the senders that have not been told.
    private mutating func answer(
        _ tickets: [Ticket], _ answer: Answer, _ effects: inout [Effect], _ change: (inout Entry) -> Void
    ) {
        var told: [Ticket] = []
        told.reserveCapacity(tickets.count)
        for ticket in tickets {
            let isNew = self.update(ticket) { entry in
                change(&entry)
                defer { entry.isAnswered = true }
                return !entry.isAnswered
            }
            guard isNew ?? false else { continue }
            self.unanswered -= 1
            told.append(ticket)
        }
        if self.unanswered == 0 { self.earliestDeadline = nil }
        if !told.isEmpty { effects.append(.answer(told, answer)) }
    }
}
