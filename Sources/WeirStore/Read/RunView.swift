//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import WeirModel

/// A run attempt as the board shows it.
public struct RunView: Sendable, Equatable {
    /// How its jobs stand.
    public struct Jobs: Sendable, Equatable {
        public var total: Int64 = 0
        public var blocked: Int64 = 0
        public var queued: Int64 = 0
        public var running: Int64 = 0
        public var completed: Int64 = 0
        public var failed: Int64 = 0
    }

    public var key: RunKey<String>
    public var name: String?
    public var title: String?
    public var repository: String
    public var branch: String?
    public var event: String?
    public var actor: String?
    public var status: Status
    public var conclusion: Conclusion?
    public var createdAt: Timestamp?
    public var startedAt: Timestamp?
    public var updatedAt: Timestamp?
    public var jobs = Jobs()

    /// The address of its page at the source.
    public var url: String {
        let page = "https://\(self.key.source)/\(self.repository)/actions/runs/\(self.key.id)"
        return self.key.attempt > 1 ? page + "/attempts/\(self.key.attempt)" : page
    }
}

/// A job as the board shows it.
public struct JobView: Sendable, Equatable {
    public var key: JobKey<String>
    public var runID: Int64
    public var attempt: Int64
    public var name: String?
    public var workflow: String?
    public var repository: String
    public var branch: String?
    public var commit: String?
    public var actor: String?
    public var labels: LabelSet
    public var pool: String
    public var status: Status
    public var conclusion: Conclusion?
    public var timeline: JobTimeline
    public var runner: String?
    public var runnerGroup: String?
    public var failedStep: String?

    /// The address of its page at the source.
    public var url: String {
        "https://\(self.key.source)/\(self.repository)/actions/runs/\(self.runID)/job/\(self.key.id)"
    }
}

/// A delivery as the audit trail shows it.
public struct DeliveryView: Sendable, Equatable {
    public var id: String
    public var source: String
    public var event: String
    public var receivedAt: Timestamp
    public var outcome: DeliveryOutcome
    public var runID: Int64
    public var jobID: Int64?
}

/// A repository the board has heard of.
public struct RepositoryView: Sendable, Equatable {
    public var source: String
    public var name: String

    public init(source: String, name: String) {
        self.source = source
        self.name = name
    }
}

/// A page of a list, and where the next one begins.
public struct Page<Element: Sendable, Cursor: Sendable>: Sendable {
    public var items: [Element]
    /// Nil on the last page.
    public var next: Cursor?

    init(items: [Element], next: Cursor?) {
        self.items = items
        self.next = next
    }

    /// Cuts a page out of rows of which one more than the page holds was read.
    init(rows: [Element], limit: Int, cursor: (Element) -> Cursor) {
        self.items = Array(rows.prefix(limit))
        self.next = rows.count > limit ? self.items.last.map(cursor) : nil
    }
}
