//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// Invents a story's shape.
struct StoryWriter {
    /// How a job goes, and so how many deliveries it has.
    private enum JobLife {
        /// Queued, in progress, completed.
        case usual
        /// The same, and held by an approval before.
        case held
        /// Queued, then cancelled before a runner took it.
        case cancelledInQueue
        /// Told of once: it was skipped.
        case skipped
    }

    private var chance: SeededChance
    private var jobs = 0

    init(_ chance: SeededChance) { self.chance = chance }

    /// A story of ``StoryShape/length`` deliveries; a run has three of its own.
    mutating func story() -> StoryShape {
        let steps: [StoryShape.Step]
        switch self.chance.below(20) {
        case 0..<6: steps = self.run(0, Array(repeating: .usual, count: 7))
        case 6..<9:
            steps = self.merge([
                self.run(0, Array(repeating: .usual, count: 5)), self.run(1, [.usual]),
            ])
        case 9..<12:
            steps = self.merge((0..<2).map { self.run($0, Array(repeating: .usual, count: 3)) })
        case 12: steps = self.merge((0..<4).map { self.run($0, [.usual]) })
        case 13, 14: steps = self.run(0, [.held, .held, .held, .usual, .usual, .usual])
        case 15: steps = self.run(0, Array(repeating: .usual, count: 5) + Array(repeating: .cancelledInQueue, count: 3))
        case 16: steps = self.run(0, Array(repeating: .usual, count: 6) + Array(repeating: .skipped, count: 3))
        // One more delivery of the run: it ends with "action required", and then goes on.
        case 17: steps = self.run(0, [.held, .held, .usual, .usual, .usual, .usual], awaitsApproval: true)
        default: steps = self.runAndAgain()
        }
        precondition(steps.count == StoryShape.length, "a story of \(steps.count) deliveries")
        return StoryShape(steps)
    }

    /// A story of one run whose jobs go as usual.
    mutating func shortStory(jobs: Int) -> StoryShape {
        StoryShape(self.run(0, Array(repeating: .usual, count: jobs)))
    }

    /// A run whose failed jobs are run again.
    private mutating func runAndAgain() -> [StoryShape.Step] {
        let first = self.run(0, Array(repeating: .usual, count: 4), failing: 2)
        return first + self.run(0, [.usual, .usual], attempt: 2)
    }

    /// The events of one attempt of a run.
    ///
    /// - Parameter failing: How many of its first jobs fail.
    private mutating func run(
        _ run: Int, _ lives: [JobLife], attempt: Int64 = 1, failing: Int = 0, awaitsApproval: Bool = false
    ) -> [StoryShape.Step] {
        func event(_ status: Status, _ conclusion: Conclusion? = nil) -> StoryShape.Step {
            StoryShape.Step(run: run, attempt: attempt, job: nil, status: status, conclusion: conclusion)
        }
        var steps = [event(.queued)]
        if awaitsApproval { steps.append(event(.completed, .actionRequired)) }
        var tracks = lives.enumerated().map { name, life in
            self.job(run, attempt: attempt, name: name, life, fails: name < failing)
        }
        let conclusions = tracks.compactMap { $0.last?.conclusion }
        var isRunning = false
        while tracks.contains(where: { !$0.isEmpty }) {
            let step = self.take(from: &tracks)
            steps.append(step)
            if step.status == .inProgress, !isRunning {
                steps.append(event(.inProgress))
                isRunning = true
            }
        }
        if !isRunning { steps.append(event(.inProgress)) }
        return steps + [event(.completed, Self.conclusion(ofRun: conclusions))]
    }

    private mutating func job(
        _ run: Int, attempt: Int64, name: Int, _ life: JobLife, fails: Bool
    ) -> [StoryShape.Step] {
        let job = self.jobs
        self.jobs += 1
        func event(_ status: Status, _ conclusion: Conclusion? = nil, runner: Bool = false) -> StoryShape.Step {
            StoryShape.Step(
                run: run, attempt: attempt, job: job, name: name, status: status, conclusion: conclusion,
                hasRunner: runner)
        }
        let end = fails ? Conclusion.failure : self.conclusion()
        switch life {
        case .usual: return [event(.queued), event(.inProgress, runner: true), event(.completed, end, runner: true)]
        case .held:
            return [
                event(.waiting), event(.queued), event(.inProgress, runner: true), event(.completed, end, runner: true),
            ]
        case .cancelledInQueue: return [event(.queued), event(.completed, .cancelled)]
        case .skipped: return [event(.completed, .skipped)]
        }
    }

    /// How a job that ran ends, in believable shares.
    private mutating func conclusion() -> Conclusion {
        switch self.chance.below(100) {
        case 0..<84: .success
        case 84..<93: .failure
        case 93..<97: .cancelled
        case 97: .timedOut
        case 98: .neutral
        default: .startupFailure
        }
    }

    private static func conclusion(ofRun jobs: [Conclusion]) -> Conclusion {
        if jobs.contains(where: \.isFailed) { return .failure }
        if jobs.contains(.cancelled) { return .cancelled }
        return .success
    }

    // MARK: - Order

    /// The next event of any track; a longer one is likelier to go on.
    private mutating func take(from tracks: inout [[StoryShape.Step]]) -> StoryShape.Step {
        var place = self.chance.below(tracks.reduce(0) { $0 + $1.count })
        for index in tracks.indices {
            if place < tracks[index].count { return tracks[index].removeFirst() }
            place -= tracks[index].count
        }
        preconditionFailure("an event was taken from tracks without any")
    }

    private mutating func merge(_ runs: [[StoryShape.Step]]) -> [StoryShape.Step] {
        var tracks = runs
        return (0..<runs.reduce(0) { $0 + $1.count }).map { _ in self.take(from: &tracks) }
    }
}
