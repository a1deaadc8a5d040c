//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import Synchronization
import WeirModel

/// A dictionary entry, by what it stands for.
enum NameKey: Hashable, Sendable {
    case source(String)
    case repository(source: Int64, String)
    case name(NameKind, String)
    case labelSet(String)
    case pool(String)
    /// The pool of a label set, by the set's number.
    case poolOfLabelSet(Int64)
}

/// Dictionary numbers that are committed, so that a batch looks up only what is new to the process.
///
/// A batch keeps what it adds to itself until its transaction is committed: a rolled back number never gets here.
final class NameCache: Sendable {
    private let entries = Mutex<[NameKey: Int64]>([:])

    /// Beyond this the cache starts anew; about 20 MB.
    private static let countMax = 200_000

    func find(_ key: NameKey) -> Int64? { self.entries.withLock { $0[key] } }

    func remember(_ new: [NameKey: Int64]) {
        guard !new.isEmpty else { return }
        self.entries.withLock {
            if $0.count + new.count > Self.countMax { $0.removeAll() }
            $0.merge(new) { $1 }
        }
    }
}

/// Translates names to dictionary numbers inside a batch, adding what is missing.
struct NameInterner {
    let db: any SQLWriting
    let committed: NameCache
    private(set) var new: [NameKey: Int64] = [:]

    init(db: any SQLWriting, committed: NameCache) {
        self.db = db
        self.committed = committed
    }

    private mutating func id(_ key: NameKey, find: () throws -> Int64?, insert: () throws -> Int64?) throws -> Int64 {
        if let id = self.new[key] ?? self.committed.find(key) { return id }
        guard let id = try find() ?? insert() else {
            preconditionFailure("INSERT … RETURNING returned no row for \(key)")
        }
        self.new[key] = id
        return id
    }

    mutating func source(_ host: String) throws -> Int64 {
        let db = self.db
        return try self.id(.source(host)) {
            try db.row("SELECT id FROM sources WHERE host = \(host)") { $0.integer(0) }
        } insert: {
            try db.row("INSERT INTO sources (host) VALUES (\(host)) RETURNING id") { $0.integer(0) }
        }
    }

    mutating func repository(_ name: String, source: Int64) throws -> Int64 {
        let db = self.db
        return try self.id(.repository(source: source, name)) {
            try db.row("SELECT id FROM repositories WHERE source_id = \(source) AND name = \(name)") { $0.integer(0) }
        } insert: {
            try db.row("INSERT INTO repositories (source_id, name) VALUES (\(source), \(name)) RETURNING id") {
                $0.integer(0)
            }
        }
    }

    mutating func name(_ kind: NameKind, _ value: String) throws -> Int64 {
        if kind == .labels { return try self.labelSet(value) }
        let db = self.db
        let number = Int64(kind.rawValue)
        return try self.id(.name(kind, value)) {
            try db.row("SELECT id FROM names WHERE kind = \(number) AND value = \(value)") { $0.integer(0) }
        } insert: {
            try db.row("INSERT INTO names (kind, value) VALUES (\(number), \(value)) RETURNING id") { $0.integer(0) }
        }
    }

    /// The pool of a stored label set; of jobs whose labels are unknown, the pool without labels.
    mutating func pool(ofLabelSet id: Int64?) throws -> Int64 {
        guard let id else { return try self.pool(RunnerPool.unlabelled) }
        let db = self.db
        return try self.id(.poolOfLabelSet(id)) {
            try db.row("SELECT pool_id FROM label_sets WHERE id = \(id)") { $0.integer(0) }
        } insert: {
            nil
        }
    }

    private mutating func labelSet(_ canonicalText: String) throws -> Int64 {
        if let id = self.new[.labelSet(canonicalText)] ?? self.committed.find(.labelSet(canonicalText)) { return id }
        let db = self.db
        let known = try db.row("SELECT id, pool_id FROM label_sets WHERE labels = \(canonicalText)") {
            (id: $0.integer(0), pool: $0.integer(1))
        }
        let pool = try known?.pool ?? self.pool(RunnerPool.name(for: LabelSet(canonicalText: canonicalText)))
        let id = try self.id(.labelSet(canonicalText)) {
            known?.id
        } insert: {
            try db.row("INSERT INTO label_sets (labels, pool_id) VALUES (\(canonicalText), \(pool)) RETURNING id") {
                $0.integer(0)
            }
        }
        self.new[.poolOfLabelSet(id)] = pool
        return id
    }

    private mutating func pool(_ name: String) throws -> Int64 {
        let db = self.db
        return try self.id(.pool(name)) {
            try db.row("SELECT id FROM pools WHERE name = \(name)") { $0.integer(0) }
        } insert: {
            let count = try db.row("SELECT count(*) FROM pools") { $0.integer(0) } ?? 0
            // `other` itself is the last pool to be made; from then on it takes all that is new.
            let kept = count < Int64(RunnerPool.countMax) - 1 ? name : RunnerPool.other
            let existing = try db.row("SELECT id FROM pools WHERE name = \(kept)") { $0.integer(0) }
            return try existing ?? db.row("INSERT INTO pools (name) VALUES (\(kept)) RETURNING id") { $0.integer(0) }
        }
    }
}
