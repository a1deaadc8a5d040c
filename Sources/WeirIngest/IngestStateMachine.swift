//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import DequeModule

/// The decisions of ingest: what is admitted, what makes up a batch, what comes too late.
///
/// A pure value: time is passed in, effects name deliveries by number. One batch is under way at a time; the next is
/// what queued meanwhile. Everything admitted counts against one budget of bytes: bodies being received, deliveries
/// waiting, and those of the batch under way.
struct IngestStateMachine: ~Copyable {
    typealias Instant = ContinuousClock.Instant

    /// The bounds of ingest.
    struct Limits: Sendable, Equatable {
        /// Bytes of all bodies held.
        var bytesMax: Int
        /// Most deliveries in one batch.
        var batchMax: Int
    }

    /// Names a delivery while it is held.
    struct Ticket: Hashable, Sendable {
        let value: UInt64
    }

    enum Refusal: Equatable {
        case late
        case shuttingDown
    }

    enum Effect: Equatable {
        /// Apply these, within the time that is left to the first of them.
        case start([Ticket], by: Instant)
        case refuse(Ticket, Refusal)
        /// All that was admitted is answered, after ``shutDown()``.
        case drained
    }

    private struct Entry {
        let ticket: Ticket
        let bytes: Int
        let deadline: Instant
    }

    /// What a batch is given at the least: a delivery with less time left would take its whole batch with it.
    static let commitAllowance: Duration = .seconds(1)

    private let limits: Limits
    private var queue: Deque<Entry> = []
    private var batch: [Entry] = []
    private var isShuttingDown = false

    /// Bytes held: bodies being received, waiting and under way.
    private(set) var bytes = 0

    init(limits: Limits) { self.limits = limits }

    /// Deliveries waiting for the next batch.
    var queued: Int { self.queue.count }

    /// Whether the budget is nearly used up: 95 %.
    var isSaturated: Bool { self.bytes * 100 >= self.limits.bytesMax * 95 }

    // MARK: - Bodies

    /// A body grows by some bytes while it is received.
    ///
    /// - Returns: False when the budget is used up; nothing is counted then.
    mutating func reserve(_ count: Int) -> Bool {
        guard self.bytes + count <= self.limits.bytesMax else { return false }
        self.bytes += count
        return true
    }

    /// A body's bytes are given back without having been submitted.
    mutating func release(_ count: Int) { self.bytes -= count }

    // MARK: - Deliveries

    /// A delivery whose bytes have been reserved asks to be applied.
    mutating func submit(_ ticket: Ticket, bytes: Int, deadline: Instant, now: Instant) -> [Effect] {
        guard !self.isShuttingDown else {
            self.bytes -= bytes
            return [.refuse(ticket, .shuttingDown)]
        }
        self.queue.append(Entry(ticket: ticket, bytes: bytes, deadline: deadline))
        return self.batch.isEmpty ? self.startBatch(now: now) : []
    }

    /// The batch under way has been committed, or has failed; its deliveries are answered.
    mutating func batchEnded(now: Instant) -> [Effect] {
        self.bytes -= self.batch.reduce(0) { $0 + $1.bytes }
        self.batch.removeAll(keepingCapacity: true)
        return self.startBatch(now: now)
    }

    private mutating func startBatch(now: Instant) -> [Effect] {
        var effects: [Effect] = []
        while self.batch.count < self.limits.batchMax, let entry = self.queue.popFirst() {
            guard entry.deadline > now.advanced(by: Self.commitAllowance) else {
                self.bytes -= entry.bytes
                effects.append(.refuse(entry.ticket, .late))
                continue
            }
            self.batch.append(entry)
        }
        if let first = self.batch.map(\.deadline).min() {
            effects.append(.start(self.batch.map(\.ticket), by: first))
        } else if self.isShuttingDown {
            effects.append(.drained)
        }
        return effects
    }

    /// Admits nothing more; what was admitted is still applied.
    mutating func shutDown() -> [Effect] {
        self.isShuttingDown = true
        return self.batch.isEmpty ? [.drained] : []
    }
}
