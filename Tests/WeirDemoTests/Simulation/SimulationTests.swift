//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import Testing

@testable import WeirDemo

@Suite struct SimulationTests {
    @Test("The queue gives by time, then in the order of insertion, as a sorted array would")
    func queueOrder() {
        var random = DemoRandom(seed: 1)
        var queue = EventQueue<Int>()
        var model: [(at: Int64, payload: Int)] = []
        for step in 0..<5_000 {
            if random.chance(0.6) {
                let at = random.integer(in: 0...50)
                queue.insert(step, at: at)
                model.insert((at, step), at: model.firstIndex { $0.at > at } ?? model.count)
            } else {
                let expected = model.isEmpty ? nil : model.removeFirst()
                #expect(queue.popFirst()?.payload == expected?.payload)
            }
            #expect(queue.nextAt == model.first?.at)
        }
    }

    @Test("Logarithm and power agree with the C library's to 1e-11")
    func functions() {
        var random = DemoRandom(seed: 2)
        for _ in 0..<2_000 {
            let value = 1 - random.unit()
            #expect(abs(DemoRandom.naturalLogarithm(value) - log(value)) <= 1e-11 * max(1, abs(log(value))))
            let exponent = random.unit() * 20 - 10
            #expect(abs(DemoRandom.powerOfTwo(exponent) / exp2(exponent) - 1) < 1e-11)
        }
        #expect(DemoRandom.naturalLogarithm(1) == 0)
        #expect(DemoRandom.powerOfTwo(-3) == 0.125)
    }

    @Test("The distributions have the means and medians they promise")
    func distributions() {
        var random = DemoRandom(seed: 3)
        let count = 20_000
        let exponential = (0..<count).map { _ in random.exponential(mean: 5) }
        #expect(abs(exponential.reduce(0, +) / Double(count) - 5) < 0.15)
        let logNormal = (0..<count).map { _ in random.logNormal(median: 100, spread: 0.5) }.sorted()
        #expect(abs(logNormal[count / 2] - 100) < 2)
        let within = logNormal.filter { $0 > 100 / 2.0.squareRoot() && $0 < 100 * 2.0.squareRoot() }.count
        #expect(abs(Double(within) / Double(count) - 0.683) < 0.02)
        var picks = [0, 0, 0]
        for _ in 0..<count { picks[random.index(weights: [1, 0, 3])] += 1 }
        #expect(picks[1] == 0 && abs(Double(picks[0]) / Double(count) - 0.25) < 0.02)
        #expect(Set((0..<1_000).map { _ in random.integer(in: -1...2) }) == [-1, 0, 1, 2])
    }

    @Test("Times are written as ISO 8601 has them, leap days included")
    func times() {
        let formatter = ISO8601DateFormatter()
        var random = DemoRandom(seed: 4)
        let fixed: [Int64] = [0, 951_782_400_000, 1_709_164_799_999, 1_709_251_200_000, 4_107_542_399_000]
        for milliseconds in fixed + (0..<2_000).map({ _ in random.integer(in: 0...7_000_000_000_000) }) {
            var bytes: [UInt8] = []
            DemoCalendar.append(milliseconds, to: &bytes)
            let seconds = Double(milliseconds / 1_000)
            #expect(
                String(decoding: bytes, as: UTF8.self) == formatter.string(from: Date(timeIntervalSince1970: seconds)))
        }
        #expect(DemoCalendar.isWeekend(DemoHistory.monday - 1) && !DemoCalendar.isWeekend(DemoHistory.monday))
        #expect(DemoCalendar.day2024 == DemoCalendar.day(1_704_067_200_000))
    }

    @Test("A pool gives out each machine once, first come first served, past those that gave up")
    func pool() {
        var random = DemoRandom(seed: 5)
        var pool = RunnerPool(kind: .ownGPU, scale: 0.4)
        #expect(pool.size == 2)
        let jobs = (1...5).map { JobAddress(run: Int64($0), template: 0, id: Int64($0)) }
        for job in jobs { pool.enqueue(job) }
        let first = pool.assign(using: &random) { $0 != jobs[0] }
        let second = pool.assign(using: &random) { _ in true }
        #expect(first?.job == jobs[1] && second?.job == jobs[2])
        #expect(first?.runner.name != second?.runner.name)
        #expect(pool.assign(using: &random) { _ in true } == nil)
        if let runner = first?.runner { pool.release(runner) }
        let third = pool.assign(using: &random) { _ in true }
        #expect(third?.job == jobs[3] && third?.runner.name == first?.runner.name)
    }

    @Test("Needs stand before the jobs that need them, names and ids are unique, and shares add up to one")
    func catalogue() {
        let catalogue = Catalogue.standard
        #expect(catalogue.organizations.count == 3 && catalogue.repositories.count == 8)
        let workflows = catalogue.repositories.flatMap(\.workflows)
        #expect(Set(workflows.map(\.id)).count == workflows.count)
        for workflow in workflows {
            #expect(Set(workflow.jobs.map(\.name)).count == workflow.jobs.count, "\(workflow.name)")
            for (index, job) in workflow.jobs.enumerated() {
                let needed = Set(workflow.needs[index].map { workflow.jobs[$0].key })
                #expect(needed == Set(job.after), "\(workflow.name): \(job.name)")
                #expect(workflow.needs[index].allSatisfy { $0 < index })
            }
        }
        #expect(abs(Trigger.allCases.reduce(0) { $0 + $1.share } - 1) < 1e-9)
        #expect(Set(workflows.flatMap(\.jobs).map(\.pool)) == Set(PoolKind.allCases))
    }

    @Test("A branch's name is made of letters, digits and single hyphens")
    func slugs() {
        #expect(CommitSubject.slug("Fix a race in OAuth scopes") == "fix-a-race-in-oauth-scopes")
        #expect(CommitSubject.slug("Revert \"Rework — x\"") == "revert-rework-x")
        #expect(CommitSubject.slug(String(repeating: "ab ", count: 40)).utf8.count <= 40)
    }
}
