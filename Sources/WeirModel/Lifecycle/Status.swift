//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Where a run or a job stands, in GitHub's words.
public enum Status: UInt8, Sendable, CaseIterable {
    /// Held, by a deployment protection rule or an approval.
    case waiting = 1
    /// Asked for, not yet placed.
    case requested = 2
    /// Held, by a concurrency rule.
    case pending = 3
    /// Waiting for a runner.
    case queued = 4
    /// Running.
    case inProgress = 5
    /// Ended.
    case completed = 6

    /// GitHub's word.
    public var name: String {
        switch self {
        case .waiting: "waiting"
        case .requested: "requested"
        case .pending: "pending"
        case .queued: "queued"
        case .inProgress: "in_progress"
        case .completed: "completed"
        }
    }

    /// Reads GitHub's word; nil for a word it does not document.
    public init?(name: String) {
        guard let status = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = status
    }
}

/// How a run or a job ended, in GitHub's words.
public enum Conclusion: UInt8, Sendable, CaseIterable {
    case success = 1
    case failure = 2
    case cancelled = 3
    case timedOut = 4
    case actionRequired = 5
    case neutral = 6
    case skipped = 7
    case stale = 8
    case startupFailure = 9

    /// GitHub's word.
    public var name: String {
        switch self {
        case .success: "success"
        case .failure: "failure"
        case .cancelled: "cancelled"
        case .timedOut: "timed_out"
        case .actionRequired: "action_required"
        case .neutral: "neutral"
        case .skipped: "skipped"
        case .stale: "stale"
        case .startupFailure: "startup_failure"
        }
    }

    /// Reads GitHub's word; nil for a word it does not document.
    public init?(name: String) {
        guard let conclusion = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = conclusion
    }

    /// Whether it counts as failed in a failure rate.
    public var isFailed: Bool {
        switch self {
        case .failure, .timedOut, .startupFailure: true
        case .success, .cancelled, .actionRequired, .neutral, .skipped, .stale: false
        }
    }
}

/// The coarse stage of a lifecycle, which orders events before anything else does.
public enum Stage: UInt8, Sendable, Comparable, CaseIterable {
    /// Known only from its parts; any event of its own replaces what was derived.
    case derived = 0
    /// Held by an approval or a concurrency rule.
    case blocked = 1
    /// Waiting for a runner.
    case queued = 2
    /// Running.
    case running = 3
    /// Ended.
    case ended = 4

    /// - Note: A run that awaits an approval is sent as completed with `action_required`, and then goes on.
    public init(status: Status, conclusion: Conclusion?) {
        self =
            switch status {
            case .waiting, .requested, .pending: .blocked
            case .queued: .queued
            case .inProgress: .running
            case .completed: conclusion == .actionRequired ? .blocked : .ended
            }
    }

    public static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
}
