//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Where the fields of a row came from that its winning event lacked.
///
/// A row's fields come from its winner; one that the winner lacks comes from the next event that has it. To keep that
/// independent of the order of arrival, the row remembers the place of the event each such field came from.
public struct Provenance: Hashable, Sendable {
    /// One field that was filled.
    public struct Entry: Hashable, Sendable {
        /// The field's number.
        public let field: UInt8
        /// The place of the event that supplied it.
        public let precedence: Precedence
    }

    /// The filled fields, in order of their numbers.
    public private(set) var entries: [Entry] = []

    public init() {}

    /// Whether the winner supplied everything there is.
    public var isEmpty: Bool { self.entries.isEmpty }

    /// The place of the event that supplied a field; nil when the winner did, or nobody.
    public subscript(field: UInt8) -> Precedence? {
        get { self.entries.isEmpty ? nil : self.entries.first { $0.field == field }?.precedence }
        set {
            self.entries.removeAll { $0.field == field }
            guard let newValue else { return }
            let index = self.entries.firstIndex { $0.field > field } ?? self.entries.endIndex
            self.entries.insert(Entry(field: field, precedence: newValue), at: index)
        }
    }

    // MARK: - Bytes

    private static let entryBytes = 19

    /// The entries as bytes, 19 each: field, stage, word, time and digest (little endian). The attempt is the row's.
    public var bytes: [UInt8]? {
        guard !self.entries.isEmpty else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(self.entries.count * Self.entryBytes)
        for entry in self.entries {
            result += [entry.field, entry.precedence.stage.rawValue, entry.precedence.word]
            withUnsafeBytes(of: entry.precedence.time.littleEndian) { result += $0 }
            withUnsafeBytes(of: entry.precedence.digest.littleEndian) { result += $0 }
        }
        return result
    }

    /// Reads what ``bytes`` wrote; what cannot be read is left out.
    public init(bytes: [UInt8]?, attempt: Int64) {
        guard let bytes else { return }
        var start = 0
        while start + Self.entryBytes <= bytes.count {
            defer { start += Self.entryBytes }
            guard let stage = Stage(rawValue: bytes[start + 1]) else { continue }
            let time = Self.number(bytes[(start + 3)..<(start + 11)])
            let digest = Self.number(bytes[(start + 11)..<(start + 19)])
            self.entries.append(
                Entry(
                    field: bytes[start],
                    precedence: Precedence(
                        attempt: attempt, stage: stage, time: Int64(bitPattern: time), word: bytes[start + 2],
                        digest: digest)))
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Fills the fields that a winning record lacks from a lesser one, and keeps account of where they came from.
///
/// Plain values, not key paths: those of a generic type are made anew at each use, which was measured to take half of
/// the time of a batch.
struct FieldFill {
    /// The places of the winner and of the other record.
    let winner: Precedence
    let other: Precedence
    /// What the other record had filled itself.
    let others: Provenance
    /// What the winner has filled; updated.
    var provenance: Provenance

    /// The value a field has in the end.
    mutating func callAsFunction<Value>(_ field: UInt8, _ mine: Value?, _ theirs: Value?) -> Value? {
        let known = mine == nil ? nil : self.provenance[field] ?? self.winner
        if known == self.winner { return mine }
        guard let theirs else { return mine }
        let place = self.others[field] ?? self.other
        if let known, known >= place { return mine }
        self.provenance[field] = place
        return theirs
    }
}
