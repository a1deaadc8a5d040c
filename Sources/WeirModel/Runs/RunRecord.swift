//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What is known of a run attempt: the maximum of its events under ``Precedence``, or what its jobs tell.
public struct RunRecord<Name: Hashable & Sendable>: Hashable, Sendable {
    public let key: RunKey<Name>
    public private(set) var precedence: Precedence
    public var provenance = Provenance()
    public var status: Status
    public var conclusion: Conclusion?
    public var repository: Name
    public var name: Name?
    public var branch: Name?
    public var event: Name?
    public var actor: Name?
    public var title: String?
    public var commit: String?
    public var createdAt: Timestamp?
    public var startedAt: Timestamp?
    public var updatedAt: Timestamp?

    public init(
        key: RunKey<Name>, precedence: Precedence, status: Status, conclusion: Conclusion?, repository: Name
    ) {
        self.key = key
        self.precedence = precedence
        self.status = status
        self.conclusion = conclusion
        self.repository = repository
    }

    /// Whether no event of its own has come yet.
    public var isDerived: Bool { self.precedence.stage == .derived }

    /// What both records know, for the same attempt: commutative, associative and idempotent among events.
    ///
    /// A derived record gives way to any event, and lends it nothing: it is recomputed from the jobs at will.
    public func merged(with other: RunRecord) -> RunRecord {
        if self.isDerived != other.isDerived { return self.isDerived ? other : self }
        var (winner, loser) = self.precedence >= other.precedence ? (self, other) : (other, self)
        var fill = FieldFill(
            winner: winner.precedence, other: loser.precedence, others: loser.provenance,
            provenance: winner.provenance)
        winner.name = fill(1, winner.name, loser.name)
        winner.branch = fill(2, winner.branch, loser.branch)
        winner.event = fill(3, winner.event, loser.event)
        winner.actor = fill(4, winner.actor, loser.actor)
        winner.title = fill(5, winner.title, loser.title)
        winner.commit = fill(6, winner.commit, loser.commit)
        winner.createdAt = fill(7, winner.createdAt, loser.createdAt)
        winner.startedAt = fill(8, winner.startedAt, loser.startedAt)
        winner.updatedAt = fill(9, winner.updatedAt, loser.updatedAt)
        winner.provenance = fill.provenance
        return winner
    }

    /// The same record with its names translated.
    public func mapNames<Other: Hashable & Sendable>(
        source: Other, repository: Other, _ transform: (NameKind, Name) throws -> Other
    ) rethrows -> RunRecord<Other> {
        var result = RunRecord<Other>(
            key: RunKey(source: source, id: self.key.id, attempt: self.key.attempt), precedence: self.precedence,
            status: self.status, conclusion: self.conclusion, repository: repository)
        result.provenance = self.provenance
        result.name = try self.name.map { try transform(.workflow, $0) }
        result.branch = try self.branch.map { try transform(.branch, $0) }
        result.event = try self.event.map { try transform(.event, $0) }
        result.actor = try self.actor.map { try transform(.actor, $0) }
        result.title = self.title
        result.commit = self.commit
        result.createdAt = self.createdAt
        result.startedAt = self.startedAt
        result.updatedAt = self.updatedAt
        return result
    }
}
