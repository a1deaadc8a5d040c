//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The decisions that keep one HTTP connection from being held by a slow or absent client.
///
/// Four clocks, each with its own limit: between requests, from a request's head to its end, while written bytes are
/// not taken, and after an answer that ends the connection while the client still sends.
struct ConnectionGuard: ~Copyable {
    /// The limits of a connection.
    struct Limits: Sendable {
        /// Longest wait for a request's head.
        var idle: Duration = .seconds(60)
        /// Longest time from a request's head to its last byte.
        var request: Duration = .seconds(10)
        /// Longest time in which the client takes no bytes.
        var write: Duration = .seconds(10)
        /// How long, and for how many bytes, a refused client may go on sending before it is cut.
        var linger: Duration = .seconds(1)
        var lingerBytesMax = 1 << 20
    }

    enum Clock: Int, CaseIterable {
        case idle
        case request
        case write
        case linger
    }

    enum Effect: Equatable {
        case start(Clock, Duration)
        case stop(Clock)
        case close
    }

    private enum Phase {
        /// Can go to: `.receiving`.
        case idle
        /// Can go to: `.received`, `.lingering`.
        case receiving
        /// The request is complete. Can go to: `.idle`.
        case received
        /// The answer ends the connection, the request still comes.
        case lingering(bytes: Int)
    }

    private let limits: Limits
    private var phase = Phase.idle
    private var closesAfterAnswer = false
    /// Requests whose answer has not ended; more than one when the client pipelines.
    private var outstanding = 0

    init(limits: Limits) { self.limits = limits }

    /// Whether what comes in is still wanted.
    var passesInput: Bool { if case .lingering = self.phase { false } else { true } }

    mutating func opened() -> [Effect] { [.start(.idle, self.limits.idle)] }

    mutating func requestHead() -> [Effect] {
        self.phase = .receiving
        self.outstanding += 1
        return [.stop(.idle), .start(.request, self.limits.request)]
    }

    mutating func requestBody(bytes: Int) -> [Effect] {
        guard case .lingering(let before) = self.phase else { return [] }
        self.phase = .lingering(bytes: before + bytes)
        return before + bytes > self.limits.lingerBytesMax ? [.close] : []
    }

    mutating func requestEnd() -> [Effect] {
        if case .lingering = self.phase { return [.close] }
        self.phase = .received
        return [.stop(.request)] + (self.outstanding == 0 ? self.becameIdle() : [])
    }

    mutating func responseHead(closes: Bool) { self.closesAfterAnswer = closes }

    mutating func responseEnd() -> [Effect] {
        self.outstanding -= 1
        guard self.outstanding == 0 || self.closesAfterAnswer else { return [] }
        switch self.phase {
        case .received: return self.closesAfterAnswer ? [.close] : self.becameIdle()
        case .receiving where self.closesAfterAnswer:
            self.phase = .lingering(bytes: 0)
            return [.stop(.request), .start(.linger, self.limits.linger)]
        case .idle, .receiving, .lingering: return []
        }
    }

    private mutating func becameIdle() -> [Effect] {
        self.phase = .idle
        return [.start(.idle, self.limits.idle)]
    }

    mutating func writability(_ isWritable: Bool) -> [Effect] {
        [isWritable ? .stop(.write) : .start(.write, self.limits.write)]
    }

    /// A clock has run out.
    func expired(_ clock: Clock) -> [Effect] { [.close] }
}
