//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import DequeModule

/// What is due and has no connection, what is to be sent again, and what waits for an answer: which of it when.
///
/// A pure value; instants are nanoseconds from the load's beginning. Each of the queues holds what a time-out bounds.
struct SendQueue: Sendable {
    /// A request whose answer is awaited.
    private struct Awaited: Sendable {
        let connection: Int
        let request: Int
        let deadline: Int64
    }

    private let timeout: Int64
    private let redeliverAfter: Int64
    private var backlog: Deque<PendingSend> = []
    private var redeliveries: Deque<PendingSend> = []
    /// In the order of their deadlines, since all have the same time.
    private var awaited: Deque<Awaited> = []

    /// - Parameters:
    ///   - timeout: Longest wait, for a connection as for an answer.
    ///   - redeliverAfter: How long after a refusal the same delivery is sent again.
    init(timeout: Duration, redeliverAfter: Duration = .seconds(1)) {
        self.timeout = Int64(timeout / .nanoseconds(1))
        self.redeliverAfter = Int64(redeliverAfter / .nanoseconds(1))
    }

    /// How many wait for a connection, and to be sent again.
    var backlogCount: Int { self.backlog.count }
    var redeliveryCount: Int { self.redeliveries.count }

    /// Nothing was free to send this.
    mutating func wait(_ pending: PendingSend) { self.backlog.append(pending) }

    /// The one that has waited longest for a connection.
    mutating func next() -> PendingSend? { self.backlog.popFirst() }

    /// The next one that has waited too long for a connection.
    mutating func expired(at now: Int64) -> PendingSend? {
        guard let first = self.backlog.first, first.due + self.timeout <= now else { return nil }
        return self.backlog.popFirst()
    }

    // MARK: - Answers

    /// A request was sent.
    ///
    /// - Parameters:
    ///   - connection: The connection's number.
    ///   - request: Which of the connection's requests it is.
    mutating func sent(on connection: Int, request: Int, at now: Int64) {
        self.awaited.append(Awaited(connection: connection, request: request, deadline: now + self.timeout))
    }

    /// The next request whose answer is overdue, if it still waits; the caller knows that.
    mutating func overdue(at now: Int64) -> (connection: Int, request: Int)? {
        guard let first = self.awaited.first, first.deadline <= now else { return nil }
        self.awaited.removeFirst()
        return (first.connection, first.request)
    }

    // MARK: - Sending again

    /// A delivery was not taken: it is due again some time later.
    mutating func redeliver(_ pending: PendingSend, at now: Int64) {
        var again = pending
        again.attempt = pending.attempt == .max ? .max : pending.attempt + 1
        again.due = now + self.redeliverAfter
        self.redeliveries.append(again)
    }

    /// The next delivery that is due again.
    mutating func redelivery(at now: Int64) -> PendingSend? {
        guard let first = self.redeliveries.first, first.due <= now else { return nil }
        return self.redeliveries.popFirst()
    }

    /// No delivery is to be sent again any more.
    mutating func forgetRedeliveries() { self.redeliveries.removeAll() }
}
