//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What is known of a run attempt: the maximum of its events under ``Precedence``, or what its jobs tell.
public struct RunRecord<Name: Hashable & Sendable>: Hashable, Sendable, MergedRecord {
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
        winner.fill(\.name, field: 1, from: loser)
        winner.fill(\.branch, field: 2, from: loser)
        winner.fill(\.event, field: 3, from: loser)
        winner.fill(\.actor, field: 4, from: loser)
        winner.fill(\.title, field: 5, from: loser)
        winner.fill(\.commit, field: 6, from: loser)
        winner.fill(\.createdAt, field: 7, from: loser)
        winner.fill(\.startedAt, field: 8, from: loser)
        winner.fill(\.updatedAt, field: 9, from: loser)
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
