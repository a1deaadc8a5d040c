//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// An open pull request.
struct PullRequest: Sendable {
    /// Its number.
    let number: Int
    /// Its branch.
    let branch: String
    /// Its title.
    let title: String
    /// Its author: an index into ``Catalogue/actors``.
    let author: Int
}

/// What changes about a repository while the simulation goes on.
struct RepositoryState: Sendable {
    /// Most open pull requests; when there are as many, the oldest is closed for a new one.
    static let openPullRequestsMax = 30

    /// Open pull requests, oldest first.
    private(set) var open: [PullRequest] = []
    /// The last pull request's number.
    private var lastNumber: Int
    /// The last run's number, per workflow.
    private var lastRunNumbers: [Int]
    /// The last released version's middle and last part.
    private var version: (minor: Int, patch: Int) = (4, 0)

    /// Makes the state of a repository as it would be after some days of work.
    ///
    /// - Parameters:
    ///   - repository: Which.
    ///   - daysOfHistory: How long it has existed; numbers grow with it.
    init(_ repository: Repository, daysOfHistory: Int) {
        let days = Double(max(0, daysOfHistory))
        self.lastNumber = 180 + Int(days * 6 * repository.weight)
        // At least as many a day as the simulation makes at scale 1, so that a later start goes on with larger numbers.
        self.lastRunNumbers = repository.workflows.map { 300 + Int(days * (2 + 400 * $0.share * repository.weight)) }
        self.version.minor += Int(days / 9)
    }

    /// The next run's number of a workflow.
    mutating func nextRunNumber(workflow: Int) -> Int {
        self.lastRunNumbers[workflow] += 1
        return self.lastRunNumbers[workflow]
    }

    /// The next version's tag.
    mutating func nextTag(using random: inout DemoRandom) -> String {
        self.version = random.chance(0.3) ? (self.version.minor + 1, 0) : (self.version.minor, self.version.patch + 1)
        return "v1.\(self.version.minor).\(self.version.patch)"
    }

    /// An open pull request that gets another commit, or a new one.
    ///
    /// - Parameters:
    ///   - repository: Which repository this is the state of.
    ///   - catalogue: The cast.
    ///   - random: Where chance comes from.
    mutating func pullRequestWithNewCommit(
        _ repository: Repository, _ catalogue: Catalogue, using random: inout DemoRandom
    ) -> PullRequest {
        if !self.open.isEmpty, random.chance(0.5) { return random.pick(self.open) }
        self.lastNumber += 1
        let made: PullRequest
        if random.chance(0.15) {
            let (ecosystem, name) = repository.dependency
            let (minor, patch) = (random.below(12), random.below(9))
            made = PullRequest(
                number: self.lastNumber, branch: "dependabot/\(ecosystem)/\(name)-2.\(minor).\(patch + 1)",
                title: "Bump \(name) from 2.\(minor).\(patch) to 2.\(minor).\(patch + 1)",
                author: catalogue.actors.count - 1)
        } else {
            let title = CommitSubject.make(repository.topics, using: &random)
            let prefix = random.pick(["", "", "feat/", "fix/", "wip/"])
            made = PullRequest(
                number: self.lastNumber, branch: prefix + CommitSubject.slug(title), title: title,
                author: random.below(catalogue.humans))
        }
        if self.open.count >= Self.openPullRequestsMax { self.open.removeFirst() }
        self.open.append(made)
        return made
    }

    /// Takes out a pull request that is merged now; nil when none is open.
    mutating func merge(using random: inout DemoRandom) -> PullRequest? {
        self.open.isEmpty ? nil : self.open.remove(at: random.below(self.open.count))
    }
}
