//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct RunOutlineTests {
    /// Jobs that agree in status and conclusion.
    private struct Group {
        var status: Status
        var conclusion: Conclusion?
        var created: Double?
        var started: Double?
        var completed: Double?
    }

    private static func outline(_ groups: [Group]) -> RunOutline {
        var outline = RunOutline()
        for group in groups {
            outline.add(
                status: group.status, conclusion: group.conclusion, createdAt: group.created.map(JobFixture.at),
                startedAt: group.started.map(JobFixture.at), completedAt: group.completed.map(JobFixture.at))
        }
        return outline
    }

    @Test("The order in which jobs are added does not matter", arguments: 0..<6)
    func order(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<200 {
            func time() -> Double? {
                Bool.random(using: &random) ? Double(Int.random(in: 0..<50, using: &random)) : nil
            }
            let groups = (0..<6).map { _ in
                let status = Status.allCases.randomElement(using: &random) ?? .queued
                let conclusion = status == .completed ? Conclusion.allCases.randomElement(using: &random) : nil
                return Group(
                    status: status, conclusion: conclusion, created: time(), started: time(), completed: time())
            }
            let outline = Self.outline(groups)
            for _ in 0..<10 {
                try #require(Self.outline(groups.shuffled(using: &random)) == outline, "seed \(seed): \(groups)")
            }
            try #require(Self.outline(groups + groups) == outline, "seed \(seed): \(groups)")
        }
    }

    @Test("A run is as busy as its busiest job")
    func status() {
        let order: [Status] = [.completed, .requested, .pending, .waiting, .queued, .inProgress]
        for (index, status) in order.enumerated() {
            for other in order[...index] {
                #expect(Self.outline([Group(status: other), Group(status: status)]).status == status)
            }
        }
        #expect(RunOutline().status == nil)
    }

    @Test("A run is as bad as its worst job, once all have ended")
    func conclusion() {
        let order: [Conclusion] = [
            .skipped, .neutral, .success, .stale, .actionRequired, .cancelled, .timedOut, .startupFailure, .failure,
        ]
        #expect(Set(order) == Set(Conclusion.allCases))
        for (index, worse) in order.enumerated() {
            for other in order[...index] {
                let ended = [
                    Group(status: .completed, conclusion: worse), Group(status: .completed, conclusion: other),
                ]
                #expect(Self.outline(ended).conclusion == worse)
                #expect(Self.outline(ended + [Group(status: .queued)]).conclusion == nil)
            }
        }
    }

    @Test("It was created and started with its first job, and changed with its last")
    func times() {
        let outline = Self.outline([
            Group(status: .completed, conclusion: .success, created: 5, started: 9, completed: 30),
            Group(status: .inProgress, created: 3, started: 40),
            Group(status: .queued, created: 4),
        ])
        #expect(outline.createdAt == JobFixture.at(3))
        #expect(outline.startedAt == JobFixture.at(9))
        #expect(outline.updatedAt == JobFixture.at(40))
    }
}
