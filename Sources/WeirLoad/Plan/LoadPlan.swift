//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// All deliveries of a load, each of which follows from its number.
///
/// Stories, of 24 deliveries each, go on in a number of slots at once: delivery *n* is the next one of slot
/// *n* mod *slots*. So lifecycles interleave as they do at a busy organisation, and still any delivery can be made again
/// without those before it, which is why a ledger need not hold bodies.
struct LoadPlan: Sendable {
    private let parameters: LoadParameters
    private let schedule: ArrivalSchedule
    private let sequence: DeliverySequence
    private let shapes: StoryShapes
    let ids: DeliveryIdentifier.Space
    /// The first number of runs and jobs.
    private let firstID: Int64

    /// Numbers of runs and jobs have 16 digits: below 2^53, so that JavaScript reads them exactly, and above what
    /// GitHub gives.
    private static let idsBegin: Int64 = 1 << 52
    /// A load has 2^27 numbers of its own, 2^25 loads have room. Two in 10,000 loads on one database meet by chance
    /// with a probability of three fourths; two in 100 with one of 0.00015.
    private static let idsPerLoadBits: Int64 = 27
    private static let idsPerStory = 32

    init(_ parameters: LoadParameters) {
        self.parameters = parameters
        self.schedule = parameters.schedule
        self.sequence = DeliverySequence(parameters)
        self.shapes = StoryShapes(seed: parameters.seed)
        self.ids = DeliveryIdentifier.Space(parameters)
        var chance = SeededChance(
            seed: parameters.seed &+ 1, .invocation, Int(parameters.startedAtMilliseconds))
        self.firstID = Self.idsBegin + Int64(chance.below(1 << 25)) << Self.idsPerLoadBits
    }

    /// The most deliveries a load can have, so that its numbers stay its own.
    static let deliveriesMax = (1 << 27) / Self.idsPerStory * StoryShape.length / 2

    /// Where a delivery stands in its story.
    private struct Place {
        let story: Int
        let step: Int
        let shape: StoryShape
        /// The delivery that a step of the same story is.
        let first: Int
        let slots: Int

        func number(ofStep step: Int) -> Int { self.first + step * self.slots }
    }

    private func place(_ number: Int) -> Place {
        let slots = self.parameters.lifecycles
        let (turn, slot) = number.quotientAndRemainder(dividingBy: slots)
        var chance = SeededChance(seed: self.parameters.seed, .slot, slot)
        let firstLength = StoryShape.length - 3 * chance.below(StoryShape.length / 3)
        guard turn < firstLength else {
            let (ordinal, step) = (turn - firstLength).quotientAndRemainder(dividingBy: StoryShape.length)
            let story = (ordinal + 1) * slots + slot
            return Place(
                story: story, step: step, shape: self.fullShape(story), first: number - step * slots, slots: slots)
        }
        let shape =
            firstLength == StoryShape.length ? self.fullShape(slot) : self.shapes.short(length: firstLength)
        return Place(story: slot, step: turn, shape: shape, first: slot, slots: slots)
    }

    private func fullShape(_ story: Int) -> StoryShape {
        var chance = SeededChance(seed: self.parameters.seed, .story, story)
        return self.shapes.full(&chance)
    }

    /// When a delivery would be sent if none were moved, in seconds since the epoch: the time of its event.
    private func second(_ number: Int) -> Int64 {
        let offset = self.schedule.offset(self.sequence.send(ofDelivery: number))
        return (self.parameters.startedAtMilliseconds + offset / 1_000_000) / 1_000
    }

    /// What a delivery says.
    func delivery(_ number: Int) -> LoadDelivery {
        let place = self.place(number)
        let step = place.shape.steps[place.step]
        let firstID = self.firstID + Int64(place.story * Self.idsPerStory)
        var chance = SeededChance(
            seed: self.parameters.seed, .run, place.story * StoryShape.runsMax + step.run)
        var own = SeededChance(seed: self.parameters.seed, .delivery, number)
        var delivery = LoadDelivery(
            id: self.ids.id(number), event: step.job == nil ? .run : .job, status: step.status,
            conclusion: step.conclusion, hasRunner: step.hasRunner, isForm: own.hits(self.parameters.form),
            runID: firstID + Int64(StoryShape.jobsMax + step.run), attempt: step.attempt,
            runNumber: Int64(100 + chance.below(9_900)), repository: chance.below(Catalogue.repositories.count),
            workflow: chance.below(Catalogue.workflows.count), branch: chance.below(Catalogue.branches.count),
            actor: chance.below(Catalogue.actors.count), title: chance.below(Catalogue.titles.count),
            trigger: chance.below(Catalogue.events.count),
            commit: (chance.next(), chance.next(), UInt32(truncatingIfNeeded: chance.next())),
            created: self.second(place.number(ofStep: step.created)), started: 0, updated: self.second(number))
        delivery.started = step.started.map { self.second(place.number(ofStep: $0)) } ?? delivery.created
        if let job = step.job {
            delivery.jobID = firstID + Int64(job)
            delivery.name = step.name
            var chance = SeededChance(
                seed: self.parameters.seed, .job, place.story * StoryShape.jobsMax + job)
            let set = chance.below(Catalogue.labelSets.count)
            delivery.labels = chance.hits(self.parameters.uniqueLabels) ? .unique : .set(set)
            delivery.runner = 1 + chance.below(400)
        }
        return delivery
    }
}
