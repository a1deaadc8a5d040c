//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The ways a change starts workflows, with how often each happens.
enum Trigger: Int, Sendable, CaseIterable {
    /// A pull request is opened or gets a commit.
    case pullRequest
    /// A commit reaches the default branch.
    case push
    /// Somebody presses the button.
    case dispatch
    /// A version is tagged.
    case release

    /// Its share of all changes.
    var share: Double {
        switch self {
        case .pullRequest: 0.60
        case .push: 0.27
        case .dispatch: 0.10
        case .release: 0.03
        }
    }
}

/// What a workflow does when a newer run of the same branch is asked for.
enum ConcurrencyRule: Sendable {
    /// Both go.
    case none
    /// The older run is cancelled, on pull requests.
    case cancelInProgress
    /// The newer run is held; at most one is.
    case queue
}

/// A workflow file.
struct Workflow: Sendable {
    /// Its id at GitHub.
    let id: Int64
    /// Its name.
    let name: String
    /// Its path in the repository.
    let path: String
    /// How likely each trigger starts it (path filters leave some changes out).
    let triggers: [Trigger: Double]
    /// The minute of the day (UTC) at which it starts by itself; nil for never.
    let scheduledAtMinute: Int?
    /// What happens to a run when the next one comes.
    let concurrency: ConcurrencyRule
    /// Its jobs, needs before those that need them.
    let jobs: [JobTemplate]
    /// For each job the indices of the jobs it needs.
    let needs: [[Int]]

    /// Makes a workflow; the keys in `after` are resolved to jobs.
    ///
    /// - Parameters:
    ///   - id: Its id at GitHub.
    ///   - name: Its name.
    ///   - file: The name of its file, without folder and extension.
    ///   - triggers: How likely each trigger starts it.
    ///   - scheduledAtMinute: When it starts by itself.
    ///   - concurrency: What happens to a run when the next one comes.
    ///   - jobs: Its jobs.
    init(
        _ id: Int64, _ name: String, file: String, on triggers: [Trigger: Double] = [:],
        scheduledAtMinute: Int? = nil, concurrency: ConcurrencyRule = .none, jobs: [JobTemplate]
    ) {
        self.id = id
        self.name = name
        self.path = ".github/workflows/\(file).yml"
        self.triggers = triggers
        self.scheduledAtMinute = scheduledAtMinute
        self.concurrency = concurrency
        self.jobs = jobs
        self.needs = jobs.map { job in
            jobs.indices.filter { job.after.contains(jobs[$0].key) }
        }
    }

    /// How likely some change of its repository starts it.
    var share: Double {
        Trigger.allCases.reduce(0) { $0 + $1.share * self.triggers[$1, default: 0] }
    }
}

/// A job of a workflow, or one cell of its matrix.
struct JobTemplate: Sendable {
    /// The job's key in the file; the cells of a matrix share it, and fail together.
    let key: String
    /// The name shown.
    let name: String
    /// The machines it asks for.
    let pool: PoolKind
    /// The keys of the jobs it needs.
    let after: [String]
    /// Half of its runs take less.
    let medianSeconds: Double
    /// How much durations differ; see ``DemoRandom/logNormal(median:spread:)``.
    let spread: Double
    /// How often it fails.
    let failureShare: Double
    /// What it does.
    let steps: StepList
    /// Whether somebody must approve it before it is queued.
    let needsApproval: Bool
    /// Whether it is skipped on pull requests.
    let isSkippedOnPullRequests: Bool
    /// Whether it is one cell of several.
    let isMatrixCell: Bool

    /// Makes a job.
    init(
        _ key: String, name: String? = nil, on pool: PoolKind, after: [String] = [], seconds: Double,
        spread: Double = 0.5, failing: Double = 0.02, _ steps: StepList, needsApproval: Bool = false,
        isSkippedOnPullRequests: Bool = false, isMatrixCell: Bool = false
    ) {
        self.key = key
        self.name = name ?? key
        self.pool = pool
        self.after = after
        self.medianSeconds = seconds
        self.spread = spread
        self.failureShare = failing
        self.steps = steps
        self.needsApproval = needsApproval
        self.isSkippedOnPullRequests = isSkippedOnPullRequests
        self.isMatrixCell = isMatrixCell
    }

    /// Makes the cells of a matrix.
    ///
    /// - Parameters:
    ///   - key: The job's key in the file.
    ///   - cells: What stands in parentheses behind it, with each cell's machines.
    static func matrix(
        _ key: String, _ cells: [(String, PoolKind)], after: [String] = [], seconds: Double, failing: Double = 0.02,
        _ steps: StepList
    ) -> [JobTemplate] {
        cells.map { cell, pool in
            JobTemplate(
                key, name: "\(key) (\(cell))", on: pool, after: after,
                seconds: pool == .windows || pool == .macOS ? seconds * 1.5 : seconds, failing: failing, steps,
                isMatrixCell: true)
        }
    }
}
