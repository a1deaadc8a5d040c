//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import GitHubWebhooks
import Testing
import WeirModel

@testable import WeirLoad

@Suite("Load plan")
struct LoadPlanTests {
    /// All deliveries of some whole seconds of a load.
    private func deliveries(_ parameters: LoadParameters) -> [LoadDelivery] {
        let plan = LoadPlan(parameters)
        return (0..<parameters.sends).map { plan.delivery($0) }
    }

    @Test("The same parameters give the same deliveries, asked for in any order")
    func deterministic() {
        let parameters = LoadFixture.parameters()
        let first = self.deliveries(parameters)
        let plan = LoadPlan(parameters)
        for number in first.indices.reversed() { #expect(plan.delivery(number) == first[number]) }
    }

    @Test("Bodies can be made again byte for byte, by another maker and out of order")
    func bodies() throws {
        let parameters = LoadFixture.parameters(seconds: 3)
        var first = try DeliverySource(parameters)
        let messages = (0..<300).map { first.message($0) }
        var second = try DeliverySource(parameters)
        for number in (0..<300).reversed() { #expect(second.message(number) == messages[number]) }
    }

    @Test("Another seed, and another start, give other deliveries and other ids")
    func others() {
        let base = self.deliveries(LoadFixture.parameters(seconds: 2))
        let seeded = self.deliveries(LoadFixture.parameters(seed: 8, seconds: 2))
        let later = self.deliveries(LoadFixture.parameters(seconds: 2, startedAt: 1_790_000_000_001))
        for other in [seeded, later] {
            #expect(Set(base.map(\.id)).isDisjoint(with: other.map(\.id)))
            #expect(Set(base.map(\.runID)).isDisjoint(with: other.map(\.runID)))
            #expect(Set(base.map(\.jobID)).intersection(other.map(\.jobID)).isSubset(of: [0]))
        }
        #expect(later.map(\.status) == base.map(\.status))
        #expect(seeded.map(\.status) != base.map(\.status))
    }

    @Test("Each job's events come in the order of its life, at times that do not go back")
    func lifecycles() {
        let deliveries = self.deliveries(LoadFixture.parameters(rate: 400, seconds: 60))
        var jobs: [Int64: [LoadDelivery]] = [:]
        for delivery in deliveries where delivery.event == .job { jobs[delivery.jobID, default: []].append(delivery) }
        #expect(jobs.count > 1_000)
        for events in jobs.values {
            let stages = events.map { Stage(status: $0.status, conclusion: $0.conclusion) }
            #expect(stages == stages.sorted())
            #expect(Set(stages).count == stages.count)
            #expect(Set(events.map(\.runID)).count == 1)
            #expect(Set(events.map(\.created)).count == 1)
            #expect(events.allSatisfy { $0.created <= $0.started && $0.started <= $0.updated })
            #expect(Set(events.map(\.labels).map { "\($0)" }).count == 1)
        }
    }

    @Test("Lifecycles interleave: many jobs are under way at once, and not all end together")
    func interleaved() {
        let deliveries = self.deliveries(LoadFixture.parameters(rate: 400, seconds: 60))
        var ends: [Int64: Int] = [:]
        for (number, delivery) in deliveries.enumerated() where delivery.event == .job {
            ends[delivery.jobID] = number
        }
        var open: Set<Int64> = []
        var counts: [Int] = []
        for (number, delivery) in deliveries.enumerated() where delivery.event == .job {
            if ends[delivery.jobID] == number { open.remove(delivery.jobID) } else { open.insert(delivery.jobID) }
            if (4_000..<20_000).contains(number) { counts.append(open.count) }
        }
        #expect((counts.min() ?? 0) > 100)
    }

    @Test("There are held, skipped and cancelled jobs, failures, attempts and labels of a job's own, in their shares")
    func shares() {
        let deliveries = self.deliveries(LoadFixture.parameters(rate: 400, seconds: 120))
        func share(_ condition: (LoadDelivery) -> Bool, of group: (LoadDelivery) -> Bool) -> Double {
            let all = deliveries.filter(group)
            return Double(all.count(where: condition)) / Double(all.count)
        }
        let ended: (LoadDelivery) -> Bool = { $0.event == .job && $0.status == .completed }
        #expect((0.6...0.9).contains(share({ $0.conclusion == .success }, of: ended)))
        #expect((0.05...0.2).contains(share({ $0.conclusion == .failure }, of: ended)))
        for conclusion in [Conclusion.cancelled, .skipped, .timedOut, .neutral, .startupFailure] {
            #expect(share({ $0.conclusion == conclusion }, of: ended) > 0)
        }
        #expect(share({ $0.status == .waiting }, of: { $0.event == .job }) > 0.01)
        #expect(share({ $0.conclusion == .actionRequired }, of: { $0.event == .run }) > 0.005)
        #expect(share({ $0.attempt == 2 }, of: { _ in true }) > 0.01)
        #expect((0.005...0.02).contains(share({ $0.labels == .unique }, of: { $0.event == .job })))
        #expect((0.03...0.07).contains(share({ $0.isForm }, of: { _ in true })))
        let sets = Set(deliveries.filter { $0.event == .job }.map { "\($0.labels)" })
        #expect(sets.count == 16)
    }

    @Test("A delivery's id is a UUID of version 1 from which its number can be told")
    func identifiers() {
        let parameters = LoadFixture.parameters()
        let space = DeliveryIdentifier.Space(parameters)
        let other = DeliveryIdentifier.Space(LoadFixture.parameters(seed: 8))
        for number in [0, 1, 999, 430_000_000] {
            let id = space.id(number)
            let characters = Array(id.text)
            #expect(characters.count == 36)
            #expect(characters[14] == "1")
            #expect("89ab".contains(characters[19]))
            #expect(DeliveryIdentifier(text: id.text) == id)
            #expect(space.number(id) == number)
            #expect(other.number(id) == nil)
            #expect(DeliveryIdentifier(text: id.text.uppercased()) == nil || id.text == id.text.uppercased())
        }
        #expect(DeliveryIdentifier(text: "72d3162e-cc78-11e3-81ab-4c9367dc095") == nil)
    }

    @Test("Every delivery can be read, and says what was planned")
    func readable() throws {
        let parameters = LoadFixture.parameters(rate: 400, seconds: 30)
        let plan = LoadPlan(parameters)
        var source = try DeliverySource(parameters)
        for number in 0..<parameters.sends {
            let delivery = plan.delivery(number)
            let message = source.message(number)
            switch try GitHubEvent.read(type: message.event, json: message.json) {
            case .job(let record):
                #expect(record.key.id == delivery.jobID && record.runID == delivery.runID)
                #expect(record.attempt == delivery.attempt && record.status == delivery.status)
                #expect(record.conclusion == delivery.conclusion)
                #expect((record.runner != nil) == delivery.hasRunner)
                #expect(record.createdAt?.second == delivery.created)
                #expect((record.failedStep != nil) == (delivery.conclusion == .failure && delivery.hasRunner))
            case .run(let record):
                #expect(record.key.id == delivery.runID && record.key.attempt == delivery.attempt)
                #expect(record.status == delivery.status && record.conclusion == delivery.conclusion)
                #expect(record.updatedAt?.second == delivery.updated)
            }
        }
    }
}
