//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// When a job was held, waited and ran: what durations, demand and statistics are computed from.
///
/// A pure function of the record. Intervals are half-open, follow one another and are never negative:
/// blocked in [created, queued), queued in [queued, started), running in [started, completed).
public struct JobTimeline: Hashable, Sendable {
    public let createdAt: Timestamp?
    /// When it could have taken a runner; nil while it is held.
    public let queuedAt: Timestamp?
    /// When it began to run; nil when it has not, or never did.
    public let startedAt: Timestamp?
    /// When it ended.
    public let completedAt: Timestamp?
    /// Whether an instant above was derived, from receipt times as a rule: the source did not tell it.
    public let isEstimated: Bool

    /// Differences of receipt times below a second say nothing: the source's own times have that resolution.
    private static let resolution: Int64 = 1_000

    public init<Name>(_ record: JobRecord<Name>) {
        let created = record.createdAt ?? record.startedAt ?? record.completedAt
        self.createdAt = created
        guard let created else {
            self.queuedAt = nil
            self.startedAt = nil
            self.completedAt = nil
            self.isEstimated = false
            return
        }
        var isEstimated = false
        var completed: Timestamp?
        if record.stage == .ended {
            completed = max(record.completedAt ?? record.startedAt ?? created, created)
            if record.completedAt == nil { isEstimated = true }
        }
        var started = Self.start(record, created: created, isEstimated: &isEstimated)
        if let start = started { started = max(start, created) }
        if let start = started, let end = completed { started = min(start, end) }
        let limit = started ?? completed
        var queued = Self.endOfHold(record, created: created, limit: limit, isEstimated: &isEstimated)
        if let instant = queued { queued = min(max(instant, created), limit ?? instant) }
        self.queuedAt = queued
        self.startedAt = started
        self.completedAt = completed
        self.isEstimated = isEstimated
    }

    private static func start<Name>(
        _ record: JobRecord<Name>, created: Timestamp, isEstimated: inout Bool
    ) -> Timestamp? {
        switch record.stage {
        case .derived, .blocked, .queued: return nil
        case .ended: return Self.neverStarted(record) ? nil : record.startedAt
        case .running:
            guard let started = record.startedAt, started > created else {
                // The source may still show the time of queueing; the receipts then tell how long it really waited.
                guard let queued = record.receipts.queued, let running = record.receipts.running else { return created }
                // Creation was announced by whichever came first, the hold or the queueing.
                let announced = min(queued.first, record.receipts.blocked?.first ?? queued.first)
                let waited = running.first.milliseconds - announced.milliseconds
                guard waited >= Self.resolution else { return created }
                isEstimated = true
                return Timestamp(milliseconds: created.milliseconds + waited)
            }
            return started
        }
    }

    /// Skipped jobs, and those that ended before a runner took them, carry times that mean nothing.
    private static func neverStarted<Name>(_ record: JobRecord<Name>) -> Bool {
        switch record.conclusion {
        case .skipped: true
        case .cancelled, .stale, .startupFailure, .actionRequired: record.runner == nil
        case .success, .failure, .timedOut, .neutral, nil: false
        }
    }

    private static func endOfHold<Name>(
        _ record: JobRecord<Name>, created: Timestamp, limit: Timestamp?, isEstimated: inout Bool
    ) -> Timestamp? {
        if record.stage == .blocked { return nil }
        guard let blocked = record.receipts.blocked else { return created }
        guard let queued = record.receipts.queued else { return limit ?? created }
        let held = queued.last.milliseconds - blocked.first.milliseconds
        // Close receipts may have overtaken one another: there was no hold worth the name.
        if abs(held) < Self.resolution { return created }
        // Held after it had queued, and never seen to queue again: held to the end.
        if held < 0 { return limit ?? created }
        isEstimated = true
        return Timestamp(milliseconds: created.milliseconds + held)
    }

    // MARK: - Durations, in milliseconds

    /// Time held by an approval or a concurrency rule, as far as it has ended.
    public var blockedMilliseconds: Int64 {
        guard let created = self.createdAt, let end = self.queuedAt ?? self.startedAt ?? self.completedAt else {
            return 0
        }
        return end.milliseconds - created.milliseconds
    }

    /// Time waited for a runner; nil until it started, and for jobs that never did.
    public var queueMilliseconds: Int64? {
        guard let queued = self.queuedAt, let started = self.startedAt else { return nil }
        return started.milliseconds - queued.milliseconds
    }

    /// Time run; nil until it ended, and for jobs that never started.
    public var runMilliseconds: Int64? {
        guard let started = self.startedAt, let completed = self.completedAt else { return nil }
        return completed.milliseconds - started.milliseconds
    }
}
