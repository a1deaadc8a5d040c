//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// When the first and the last delivery of each stage of a job came in.
///
/// What the source does not tell, the end of a hold and now and then a start, is estimated from these. Minimum and
/// maximum are commutative and idempotent, so the order of arrival does not matter; a redelivery under the same id is
/// no new receipt.
public struct Receipts: Hashable, Sendable {
    /// The first and the last receipt of one stage.
    public struct Span: Hashable, Sendable {
        public var first: Timestamp
        public var last: Timestamp

        public init(first: Timestamp, last: Timestamp) {
            self.first = first
            self.last = last
        }

        func union(_ other: Span?) -> Span {
            guard let other else { return self }
            return Span(first: min(self.first, other.first), last: max(self.last, other.last))
        }
    }

    public var blocked: Span?
    public var queued: Span?
    public var running: Span?
    public var ended: Span?

    public init() {}

    /// The receipts of a single event.
    public init(stage: Stage, at receivedAt: Timestamp) {
        let span = Span(first: receivedAt, last: receivedAt)
        switch stage {
        case .derived: break
        case .blocked: self.blocked = span
        case .queued: self.queued = span
        case .running: self.running = span
        case .ended: self.ended = span
        }
    }

    /// The receipts of both.
    public func union(_ other: Receipts) -> Receipts {
        var result = self
        result.blocked = self.blocked?.union(other.blocked) ?? other.blocked
        result.queued = self.queued?.union(other.queued) ?? other.queued
        result.running = self.running?.union(other.running) ?? other.running
        result.ended = self.ended?.union(other.ended) ?? other.ended
        return result
    }
}
