//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// Run attempts as the tests need them: names are numbers, times are seconds after ``JobFixture/epochSeconds``.
enum RunFixture {
    static let key = RunKey(source: 1, id: 1, attempt: 1)

    /// An event of the run, with the digest of its fields.
    static func event(
        _ status: Status, _ conclusion: Conclusion? = nil, updated: Double?,
        _ fields: (inout RunRecord<Int>) -> Void = { _ in }
    ) -> RunRecord<Int> {
        func make(digest: UInt64) -> RunRecord<Int> {
            let updatedAt = updated.map(JobFixture.at)
            var record = RunRecord(
                key: Self.key,
                precedence: Precedence(
                    attempt: 0, status: status, conclusion: conclusion, completedAt: updatedAt, updatedAt: updatedAt,
                    digest: digest),
                status: status, conclusion: conclusion, repository: 1)
            record.updatedAt = updatedAt
            fields(&record)
            return record
        }
        return make(digest: Self.digest(make(digest: 0)))
    }

    /// What jobs tell about the run.
    static func derived(_ status: Status, _ conclusion: Conclusion? = nil) -> RunRecord<Int> {
        var record = RunRecord(
            key: Self.key, precedence: Precedence(attempt: 0, stage: .derived, time: 0, word: 0, digest: 0),
            status: status, conclusion: conclusion, repository: 1)
        record.name = 9
        record.title = "derived"
        record.actor = 9
        return record
    }

    private static func digest(_ record: RunRecord<Int>) -> UInt64 {
        var digest = Digest()
        for name in [record.name, record.branch, record.event, record.actor] { digest.add(name.map(Int64.init)) }
        for text in [record.title, record.commit] { digest.add(text) }
        for time in [record.createdAt, record.startedAt, record.updatedAt] { digest.add(time?.milliseconds) }
        return digest.value
    }

    /// Eleven events of one attempt that all differ, and what its jobs tell.
    static let universe: [RunRecord<Int>] = [
        Self.event(.requested, updated: 0) {
            $0.name = 1
            $0.title = "first"
            $0.createdAt = JobFixture.at(0)
        },
        Self.event(.waiting, updated: 1) {
            $0.name = 2
            $0.actor = 1
        },
        Self.event(.pending, updated: 2) {
            $0.branch = 1
            $0.title = "second"
        },
        // Awaiting an approval; the same run then goes on.
        Self.event(.completed, .actionRequired, updated: 3) {
            $0.event = 1
            $0.actor = 2
        },
        Self.event(.queued, updated: 10) {
            $0.commit = "aaaa"
            $0.startedAt = JobFixture.at(10)
        },
        Self.event(.queued, updated: 12) {
            $0.name = 1
            $0.startedAt = JobFixture.at(12)
        },
        Self.event(.inProgress, updated: 20) {
            $0.branch = 2
            $0.startedAt = JobFixture.at(11)
        },
        Self.event(.inProgress, updated: 25),
        Self.event(.completed, .success, updated: 60) { $0.createdAt = JobFixture.at(1) },
        Self.event(.completed, .failure, updated: 55) { $0.commit = "bbbb" },
        Self.event(.completed, .cancelled, updated: 60),
        Self.derived(.inProgress),
    ]
}
