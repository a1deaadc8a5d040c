//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule

/// The writes that queued while the last transaction was committed, on their way into the next ones.
///
/// A pure value that decides who shares a transaction. A write *waits*, then is a *member* of the open transaction,
/// and leaves when it is answered. Solo writes never share one.
struct WriteBatch<Job> {
    typealias Instant = MonotonicInstant

    /// The bounds of one transaction. Each is looked at before a member begins, so the last one may exceed it.
    struct Limits: Sendable, Equatable {
        var countMax: Int
        var timeMax: Duration
        /// Of text and blobs that members bound.
        var bytesMax: Int
    }

    /// A write that is to run now.
    struct Turn {
        let job: Job
        /// Whether nobody else will be in its transaction: then it needs no savepoint.
        let isAlone: Bool
        fileprivate let isSolo: Bool
    }

    private struct Entry {
        let job: Job
        let isSolo: Bool
    }

    private let limits: Limits
    private var waiting: ArraySlice<Entry>
    private var joined: [Entry] = []
    /// When the group's first write began, and how many bytes its connection had bound by then.
    private var begun: (at: Instant, bytes: Int)?

    /// - Parameters:
    ///   - jobs: The writes, in the order in which they are to run.
    ///   - limits: The bounds of one transaction.
    ///   - isSolo: Whether a write is to be committed by itself.
    init(_ jobs: [Job], limits: Limits, isSolo: (Job) -> Bool) {
        self.limits = limits
        self.waiting = jobs.map { Entry(job: $0, isSolo: isSolo($0)) }[...]
    }

    /// Whether nobody waits and nobody is to be committed.
    var isDone: Bool { self.waiting.isEmpty && self.joined.isEmpty }

    /// The members of the open transaction, in order.
    var members: [Job] { self.joined.map(\.job) }

    /// Whether the open transaction has no members.
    var isEmpty: Bool { self.joined.isEmpty }

    /// Takes the next write of this group.
    ///
    /// - Parameters:
    ///   - now: The caller's instant.
    ///   - bytes: Bytes bound so far on the connection; only differences count.
    /// - Returns: Nil when the group is complete: nobody waits, a bound is reached, or a solo write is on either side.
    mutating func next(now: Instant, bytes: Int) -> Turn? {
        guard let entry = self.waiting.first else { return nil }
        if let first = self.joined.first, let begun = self.begun {
            let isFull =
                self.joined.count >= self.limits.countMax || now - begun.at > self.limits.timeMax
                || bytes - begun.bytes >= self.limits.bytesMax
            if isFull || first.isSolo || entry.isSolo { return nil }
        } else {
            self.begun = (now, bytes)
        }
        self.waiting.removeFirst()
        let isAlone = self.joined.isEmpty && (entry.isSolo || self.waiting.isEmpty)
        return Turn(job: entry.job, isAlone: isAlone, isSolo: entry.isSolo)
    }

    /// The write has run and is a member of the open transaction.
    mutating func join(_ turn: Turn) { self.joined.append(Entry(job: turn.job, isSolo: turn.isSolo)) }

    /// The transaction was rolled back under its members: they run again, before those that wait.
    mutating func transactionLost() { self.putBack { $0 } }

    /// The commit failed by one of its members: each runs again by itself.
    mutating func split() { self.putBack { Entry(job: $0.job, isSolo: true) } }

    private mutating func putBack(_ transform: (Entry) -> Entry) {
        self.waiting = self.joined.map(transform)[...] + self.waiting
        self.endGroup()
    }

    /// The transaction has ended.
    ///
    /// - Returns: Its members, which are no longer in the batch.
    mutating func takeMembers() -> [Job] {
        defer { self.endGroup() }
        return self.members
    }

    /// Nobody else is run.
    ///
    /// - Returns: All that are left, members first.
    mutating func takeAll() -> [Job] {
        defer { self.waiting = [] }
        return self.takeMembers() + self.waiting.map(\.job)
    }

    private mutating func endGroup() {
        self.joined.removeAll(keepingCapacity: true)
        self.begun = nil
    }
}
