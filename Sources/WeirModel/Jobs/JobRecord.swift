//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What is known of a job: the maximum of its events under ``Precedence``.
///
/// `Name` is text for what comes in, and a dictionary's number for what is stored; merging looks at neither.
public struct JobRecord<Name: Hashable & Sendable>: Hashable, Sendable {
    public let key: JobKey<Name>
    public private(set) var precedence: Precedence
    public var provenance = Provenance()
    public var receipts = Receipts()
    public var runID: Int64
    public var status: Status
    public var conclusion: Conclusion?
    public var repository: Name
    public var name: Name?
    public var workflow: Name?
    public var branch: Name?
    public var event: Name?
    public var actor: Name?
    public var labels: Name?
    public var runner: Name?
    public var runnerGroup: Name?
    public var failedStep: Name?
    public var commit: String?
    public var createdAt: Timestamp?
    public var startedAt: Timestamp?
    public var completedAt: Timestamp?

    public init(
        key: JobKey<Name>, precedence: Precedence, runID: Int64, status: Status, conclusion: Conclusion?,
        repository: Name
    ) {
        self.key = key
        self.precedence = precedence
        self.runID = runID
        self.status = status
        self.conclusion = conclusion
        self.repository = repository
    }

    /// The run attempt the job belongs to.
    public var attempt: Int64 { self.precedence.attempt }

    /// The attempt it belongs to, as a key.
    public var runKey: RunKey<Name> { RunKey(source: self.key.source, id: self.runID, attempt: self.attempt) }

    /// The coarse stage.
    public var stage: Stage { self.precedence.stage }

    /// What both records know, for the same job: commutative, associative and idempotent.
    public func merged(with other: JobRecord) -> JobRecord {
        // Another attempt is another life of the job: nothing is carried over from the earlier one.
        if self.attempt != other.attempt { return self.attempt > other.attempt ? self : other }
        var (winner, loser) = self.precedence >= other.precedence ? (self, other) : (other, self)
        winner.receipts = winner.receipts.union(loser.receipts)
        var fill = FieldFill(
            winner: winner.precedence, other: loser.precedence, others: loser.provenance,
            provenance: winner.provenance)
        winner.name = fill(1, winner.name, loser.name)
        winner.workflow = fill(2, winner.workflow, loser.workflow)
        winner.branch = fill(3, winner.branch, loser.branch)
        winner.event = fill(4, winner.event, loser.event)
        winner.actor = fill(5, winner.actor, loser.actor)
        winner.labels = fill(6, winner.labels, loser.labels)
        winner.runner = fill(7, winner.runner, loser.runner)
        winner.runnerGroup = fill(8, winner.runnerGroup, loser.runnerGroup)
        // The step that failed belongs to the conclusion, which is the winner's alone.
        winner.commit = fill(10, winner.commit, loser.commit)
        winner.createdAt = fill(11, winner.createdAt, loser.createdAt)
        winner.startedAt = fill(12, winner.startedAt, loser.startedAt)
        winner.completedAt = fill(13, winner.completedAt, loser.completedAt)
        winner.provenance = fill.provenance
        return winner
    }

    /// The same record with its names translated.
    public func mapNames<Other: Hashable & Sendable>(
        source: Other, repository: Other, _ transform: (NameKind, Name) throws -> Other
    ) rethrows -> JobRecord<Other> {
        var result = JobRecord<Other>(
            key: JobKey(source: source, id: self.key.id), precedence: self.precedence, runID: self.runID,
            status: self.status, conclusion: self.conclusion, repository: repository)
        result.provenance = self.provenance
        result.receipts = self.receipts
        result.name = try self.name.map { try transform(.job, $0) }
        result.workflow = try self.workflow.map { try transform(.workflow, $0) }
        result.branch = try self.branch.map { try transform(.branch, $0) }
        result.event = try self.event.map { try transform(.event, $0) }
        result.actor = try self.actor.map { try transform(.actor, $0) }
        result.labels = try self.labels.map { try transform(.labels, $0) }
        result.runner = try self.runner.map { try transform(.runner, $0) }
        result.runnerGroup = try self.runnerGroup.map { try transform(.runnerGroup, $0) }
        result.failedStep = try self.failedStep.map { try transform(.step, $0) }
        result.commit = self.commit
        result.createdAt = self.createdAt
        result.startedAt = self.startedAt
        result.completedAt = self.completedAt
        return result
    }
}

/// The dictionaries that names are kept in.
public enum NameKind: UInt8, Sendable, CaseIterable {
    case job = 1
    case workflow = 2
    case branch = 3
    case event = 4
    case actor = 5
    case runner = 6
    case runnerGroup = 7
    case step = 8
    /// A label set, as its canonical text.
    case labels = 9
}
