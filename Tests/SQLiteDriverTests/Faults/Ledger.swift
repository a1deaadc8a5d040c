//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import Synchronization

@testable import SQLiteDriver

/// What callers were told of their writes, to be compared with what the file holds in the end.
final class Ledger: Sendable {
    /// What a caller knows.
    enum Word: Sendable, Equatable {
        case committed
        case notCommitted
        case unknown
    }

    /// What the file and the ledger do not agree upon.
    struct Verdict: Sendable, Equatable, CustomStringConvertible {
        /// Rows that were acknowledged and are not there.
        var lost: [Int64] = []
        /// Rows that were said not to be committed and are there.
        var ghosts: [Int64] = []
        /// Damage, in SQLite's words or ours.
        var damage: [String] = []
        /// Errors of no type that a caller is promised.
        var untyped: [String] = []

        var isGood: Bool { self == Verdict() }

        var description: String {
            "lost \(self.lost), ghosts \(self.ghosts), damage \(self.damage), untyped \(self.untyped)"
        }
    }

    private struct State {
        var words: [Int64: Word] = [:]
        var untyped: [String] = []
    }

    static let schema: SQL = "CREATE TABLE IF NOT EXISTS ledger (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"

    private let state = Mutex(State())

    /// The text of a row: longer than a page now and then.
    static func text(_ id: Int64) -> String { String(repeating: "row \(id) ", count: 20 + Int(id &* 7_919 % 1_000)) }

    /// Writes a row, and reads an earlier one, whose page may have left the cache.
    static func write(_ id: Int64, _ db: any SQLWriting, swallowsErrorOfRead: Bool = false) throws {
        do {
            _ = try db.row("SELECT length(text) FROM ledger WHERE id = \(max(0, id - 17))") { $0.integer(0) }
        } catch {
            if !swallowsErrorOfRead { throw error }
        }
        try db.execute("INSERT INTO ledger (id, text) VALUES (\(id), \(Self.text(id)))")
    }

    func note(_ id: Int64, _ word: Word) { self.state.withLock { $0.words[id] = word } }

    func note(_ id: Int64, _ error: any Error) {
        let word: Word? =
            switch error {
            case let error as DatabaseError: error.outcome.map { $0 == .notCommitted ? .notCommitted : .unknown }
            case let error as LeaseError: error.hadStarted ? .unknown : .notCommitted
            case is CancellationError: .notCommitted
            default: nil
            }
        self.state.withLock {
            $0.words[id] = word ?? .unknown
            if word == nil { $0.untyped.append("row \(id): \(error)") }
        }
    }

    /// An error of a read; it has no outcome but must have a type.
    func noteRead(_ error: any Error) {
        if error is DatabaseError || error is LeaseError { return }
        self.state.withLock { $0.untyped.append("read: \(error)") }
    }

    func complain(_ text: String) { self.state.withLock { $0.untyped.append(text) } }

    func count(_ word: Word) -> Int { self.state.withLock { $0.words.values.count { $0 == word } } }

    /// Opens the file as SQLite does, and compares.
    func verdict(_ configuration: SQLiteConfiguration) throws -> Verdict {
        var configuration = configuration
        configuration.vfs = nil
        let connection = try SQLiteConnection(configuration, role: .writer)
        defer { connection.close() }
        return try self.verdict(connection)
    }

    func verdict(_ connection: SQLiteConnection) throws -> Verdict {
        let (words, untyped) = self.state.withLock { ($0.words, $0.untyped) }
        var verdict = Verdict(untyped: untyped)
        let health = try connection.scalar("PRAGMA integrity_check") ?? "no answer"
        if health != "ok" { verdict.damage.append(health) }
        var found: Set<Int64> = []
        if try connection.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'ledger'") == "1" {
            for (id, text) in try connection.rows("SELECT id, text FROM ledger", { ($0.integer(0), $0.text(1)) }) {
                found.insert(id)
                if text != Self.text(id) { verdict.damage.append("row \(id) is not what was written") }
                if words[id] == nil { verdict.damage.append("row \(id) was never written") }
            }
        }
        verdict.lost = words.filter { $0.value == .committed && !found.contains($0.key) }.keys.sorted()
        verdict.ghosts = words.filter { $0.value == .notCommitted && found.contains($0.key) }.keys.sorted()
        return verdict
    }
}
