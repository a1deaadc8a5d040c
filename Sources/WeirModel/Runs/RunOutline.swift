//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What the jobs of a run attempt tell about the run, for runs no event of their own has come for.
public struct RunOutline: Hashable, Sendable {
    public private(set) var status: Status?
    private var worst: Conclusion?
    public private(set) var createdAt: Timestamp?
    public private(set) var startedAt: Timestamp?
    public private(set) var updatedAt: Timestamp?

    public init() {}

    /// Adds a number of jobs that agree in status and conclusion. The order of additions does not matter.
    ///
    /// - Parameters:
    ///   - createdAt: The earliest creation among them.
    ///   - startedAt: The earliest start.
    ///   - completedAt: The latest end.
    public mutating func add(
        status: Status, conclusion: Conclusion?, createdAt: Timestamp?, startedAt: Timestamp?, completedAt: Timestamp?
    ) {
        self.status = self.status.map { Self.weight($0) >= Self.weight(status) ? $0 : status } ?? status
        if let conclusion {
            self.worst =
                self.worst.map { Self.weight($0) >= Self.weight(conclusion) ? $0 : conclusion } ?? conclusion
        }
        self.createdAt = Self.pick(self.createdAt, createdAt, min)
        self.startedAt = Self.pick(self.startedAt, startedAt, min)
        self.updatedAt = Self.pick(
            Self.pick(self.updatedAt, completedAt, max), Self.pick(createdAt, startedAt, max), max)
    }

    /// The conclusion to show: none while a job has not ended.
    public var conclusion: Conclusion? { self.status == .completed ? self.worst : nil }

    private static func pick(
        _ left: Timestamp?, _ right: Timestamp?, _ choose: (Timestamp, Timestamp) -> Timestamp
    ) -> Timestamp? {
        guard let left, let right else { return left ?? right }
        return choose(left, right)
    }

    /// A run is as busy as its busiest job.
    private static func weight(_ status: Status) -> Int {
        switch status {
        case .completed: 0
        case .requested: 1
        case .pending: 2
        case .waiting: 3
        case .queued: 4
        case .inProgress: 5
        }
    }

    /// A run is as bad as its worst job; one that was skipped beside others says nothing.
    private static func weight(_ conclusion: Conclusion) -> Int {
        switch conclusion {
        case .skipped: 0
        case .neutral: 1
        case .success: 2
        case .stale: 3
        case .actionRequired: 4
        case .cancelled: 5
        case .timedOut: 6
        case .startupFailure: 7
        case .failure: 8
        }
    }
}
