//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing
import WeirModel

@Suite struct StatusTests {
    @Test("The words of states are GitHub's")
    func statusWords() {
        #expect(
            Status.allCases.map(\.name) == ["waiting", "requested", "pending", "queued", "in_progress", "completed"])
        for status in Status.allCases { #expect(Status(name: status.name) == status) }
    }

    @Test("The words of conclusions are GitHub's")
    func conclusionWords() {
        #expect(
            Conclusion.allCases.map(\.name) == [
                "success", "failure", "cancelled", "timed_out", "action_required", "neutral", "skipped", "stale",
                "startup_failure",
            ])
        for conclusion in Conclusion.allCases { #expect(Conclusion(name: conclusion.name) == conclusion) }
    }

    @Test(
        "No other word is read",
        arguments: ["", "Queued", "queued ", "in-progress", "inProgress", "canceled", "timedOut"]
    )
    func otherWords(word: String) {
        #expect(Status(name: word) == nil)
        #expect(Conclusion(name: word) == nil)
    }

    @Test("Failed are failures, time-outs and failures to start")
    func failed() {
        #expect(Conclusion.allCases.filter(\.isFailed) == [.failure, .timedOut, .startupFailure])
    }

    @Test("Held comes before queued, queued before running, running before ended")
    func stages() {
        for status in [Status.waiting, .requested, .pending] {
            #expect(Stage(status: status, conclusion: nil) == .blocked)
        }
        #expect(Stage(status: .queued, conclusion: nil) == .queued)
        #expect(Stage(status: .inProgress, conclusion: nil) == .running)
        for conclusion in Conclusion.allCases {
            let stage = Stage(status: .completed, conclusion: conclusion)
            #expect(stage == (conclusion == .actionRequired ? .blocked : .ended))
        }
        #expect(Stage.allCases.sorted() == [.derived, .blocked, .queued, .running, .ended])
    }

    @Test("The numbers that are stored stay what they are")
    func rawValues() {
        #expect(Status.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6])
        #expect(Conclusion.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8, 9])
        #expect(Stage.allCases.map(\.rawValue) == [0, 1, 2, 3, 4])
        #expect(NameKind.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    }
}
