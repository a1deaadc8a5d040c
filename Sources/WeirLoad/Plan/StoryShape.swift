//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// What happens in a story: some runs, their jobs, and the order of their events.
///
/// All stories have the same number of deliveries, so that the place of any delivery can be calculated. Shapes are made
/// once; a story takes one of them and fills it with names and numbers of its own.
struct StoryShape: Sendable, Equatable {
    /// Deliveries of a story.
    static let length = 24
    /// Most jobs, and most runs, in a story.
    static let jobsMax = 24
    static let runsMax = 4

    /// One delivery of a story.
    struct Step: Sendable, Equatable {
        /// The run it belongs to, in this story.
        var run: Int
        var attempt: Int64
        /// The job, in this story; nil for an event of the run itself.
        var job: Int?
        /// Which of the run's names the job has; a job that runs again has the same one.
        var name = 0
        var status: Status
        var conclusion: Conclusion?
        /// Whether a runner ever took the job.
        var hasRunner = false
        /// The steps that tell when it was created, and when it started, if it did.
        var created = 0
        var started: Int?
    }

    let steps: [Step]

    /// - Parameter steps: In the order in which they happen; `created` and `started` are set here.
    init(_ steps: [Step]) {
        struct Subject: Hashable {
            let run: Int
            let job: Int?
        }
        struct Attempt: Hashable {
            let run: Int
            let attempt: Int64
        }
        var firsts: [Subject: Int] = [:]
        var attempts: [Attempt: Int] = [:]
        var starts: [Subject: Int] = [:]
        var result = steps
        for (index, step) in steps.enumerated() {
            let subject = Subject(run: step.run, job: step.job)
            if firsts[subject] == nil { firsts[subject] = index }
            result[index].created = firsts[subject] ?? index
            if step.job == nil {
                let attempt = Attempt(run: step.run, attempt: step.attempt)
                if attempts[attempt] == nil { attempts[attempt] = index }
                result[index].started = attempts[attempt]
            } else {
                if step.status == .inProgress { starts[subject] = index }
                result[index].started = starts[subject]
            }
        }
        self.steps = result
    }
}

/// All shapes of a plan.
struct StoryShapes: Sendable {
    private let full: [StoryShape]
    /// Shapes of three deliveries, six and so on: a slot begins with one of these, so that not all slots begin and end
    /// their stories together.
    private let short: [StoryShape]

    private static let count = 128

    init(seed: UInt64) {
        self.full = (0..<Self.count).map { number in
            var writer = StoryWriter(SeededChance(seed: seed, .shapes, number))
            return writer.story()
        }
        self.short = (1..<(StoryShape.length / 3)).map { thirds in
            var writer = StoryWriter(SeededChance(seed: seed, .shapes, -thirds))
            return writer.shortStory(jobs: thirds - 1)
        }
    }

    /// A shape for a story that has all its deliveries.
    func full(_ chance: inout SeededChance) -> StoryShape { self.full[chance.below(self.full.count)] }

    /// The shape of a story with fewer deliveries; a multiple of three.
    func short(length: Int) -> StoryShape { self.short[length / 3 - 1] }
}
