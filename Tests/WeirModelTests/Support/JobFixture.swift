//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// Jobs as the tests need them: names are numbers, times are seconds after one instant.
enum JobFixture {
    /// A full hour.
    static let epochSeconds: Int64 = 1_699_999_200

    static func at(_ seconds: Double) -> Timestamp {
        Timestamp(milliseconds: Self.epochSeconds * 1_000 + Int64((seconds * 1_000).rounded()))
    }

    /// An event of job 1, with the digest of its fields.
    ///
    /// - Parameters:
    ///   - received: When its delivery came in; nil for one whose receipt tells nothing.
    ///   - fields: Sets what else it says.
    static func event(
        _ status: Status, _ conclusion: Conclusion? = nil, attempt: Int64 = 1, received: Double? = nil,
        created: Double? = 0, started: Double? = nil, completed: Double? = nil,
        _ fields: (inout JobRecord<Int>) -> Void = { _ in }
    ) -> JobRecord<Int> {
        func make(digest: UInt64) -> JobRecord<Int> {
            var record = JobRecord(
                key: JobKey(source: 1, id: 1),
                precedence: Precedence(
                    attempt: attempt, status: status, conclusion: conclusion, completedAt: completed.map(Self.at),
                    updatedAt: nil, digest: digest),
                runID: 1, status: status, conclusion: conclusion, repository: 1)
            record.createdAt = created.map(Self.at)
            record.startedAt = started.map(Self.at)
            record.completedAt = completed.map(Self.at)
            fields(&record)
            if let received { record.receipts = Receipts(stage: record.stage, at: Self.at(received)) }
            return record
        }
        return make(digest: Self.digest(make(digest: 0)))
    }

    /// The timeline of such an event.
    static func timeline(
        _ status: Status, _ conclusion: Conclusion? = nil, created: Double? = 0, started: Double? = nil,
        completed: Double? = nil, runner: Int? = nil, receipts: Receipts = Receipts()
    ) -> JobTimeline {
        JobTimeline(
            Self.event(status, conclusion, created: created, started: started, completed: completed) {
                $0.runner = runner
                $0.receipts = receipts
            })
    }

    /// The first and last receipt of each stage, in seconds.
    static func receipts(
        blocked: ClosedRange<Double>? = nil, queued: ClosedRange<Double>? = nil, running: ClosedRange<Double>? = nil,
        ended: ClosedRange<Double>? = nil
    ) -> Receipts {
        func span(_ range: ClosedRange<Double>?) -> Receipts.Span? {
            range.map { Receipts.Span(first: Self.at($0.lowerBound), last: Self.at($0.upperBound)) }
        }
        var receipts = Receipts()
        receipts.blocked = span(blocked)
        receipts.queued = span(queued)
        receipts.running = span(running)
        receipts.ended = span(ended)
        return receipts
    }

    private static func digest(_ record: JobRecord<Int>) -> UInt64 {
        var digest = Digest()
        for name in [
            record.name, record.workflow, record.branch, record.event, record.actor, record.labels, record.runner,
            record.runnerGroup, record.failedStep,
        ] {
            digest.add(name.map(Int64.init))
        }
        digest.add(record.commit)
        for time in [record.createdAt, record.startedAt, record.completedAt] { digest.add(time?.milliseconds) }
        return digest.value
    }

    // MARK: - The life of a job, as twelve events

    /// Twelve events that all differ: in stage, words, times, attempt, and in the fields they have.
    static let universe: [JobRecord<Int>] = [
        Self.event(.waiting, received: 0) {
            $0.name = 1
            $0.workflow = 1
            $0.branch = 1
            $0.actor = 1
            $0.labels = 1
            $0.commit = "aaaa"
        },
        Self.event(.pending, received: 2) {
            $0.name = 2
            $0.event = 1
            $0.labels = 1
        },
        Self.event(.requested, received: 1, created: 1) {
            $0.name = 3
            $0.actor = 2
        },
        Self.event(.queued, received: 10) {
            $0.name = 1
            $0.branch = 1
            $0.labels = 1
        },
        Self.event(.queued, received: 12) {
            $0.labels = 2
            $0.actor = 3
            $0.workflow = 2
        },
        // In progress as sent now and then: no runner, and started when it was created.
        Self.event(.inProgress, received: 25, started: 0) {
            $0.name = 1
            $0.commit = "bbbb"
        },
        Self.event(.inProgress, received: 24, created: nil, started: 20) {
            $0.runner = 1
            $0.runnerGroup = 1
            $0.labels = 1
        },
        Self.event(.completed, .success, received: 61, started: 20, completed: 60) {
            $0.name = 1
            $0.runner = 1
        },
        Self.event(.completed, .failure, received: 57, started: 21, completed: 55) {
            $0.runner = 2
            $0.failedStep = 1
            $0.labels = 3
            $0.branch = 2
        },
        // Cancelled before a runner took it, at the instant at which another event says it succeeded.
        Self.event(.completed, .cancelled, received: 61, started: 60, completed: 60),
        Self.event(.inProgress, attempt: 2, received: 105, created: 90, started: 100) {
            $0.name = 1
            $0.runner = 3
            $0.labels = 1
        },
        // Ended, and says neither when nor how it came to that.
        Self.event(.completed, .timedOut, created: nil) { $0.runnerGroup = 2 },
    ]
}
