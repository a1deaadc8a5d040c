//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// What one load's ledger says about each of its deliveries, and what was found of them.
struct LedgerState: Sendable {
    /// What the answers to all sends of a delivery say together.
    enum Claim: Sendable, Equatable {
        /// One was answered 202.
        case applied
        /// All were refused, or never sent.
        case absent
        /// It may be there or not.
        case open
    }

    /// Bits of one send or delivery.
    private struct Marks: OptionSet {
        let rawValue: UInt8

        static let applied = Marks(rawValue: 1)
        static let absent = Marks(rawValue: 2)
        static let unknown = Marks(rawValue: 4)
        /// An entry exists.
        static let recorded = Marks(rawValue: 8)

        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(_ meaning: LedgerEntry.Meaning) {
            switch meaning {
            case .applied: self = [.applied, .recorded]
            case .absent: self = [.absent, .recorded]
            case .unknown: self = [.unknown, .recorded]
            }
        }
    }

    let parameters: LoadParameters
    var source: DeliverySource
    let index: DeliveryIndex
    /// How many deliveries the load has.
    let count: Int
    /// Sends that have an entry.
    private(set) var recordedSends = 0
    private var marks: [Marks]
    /// How often each delivery was found.
    private var found: [UInt8]

    /// - Throws: ``LoadError`` when a replay's file is not what it was.
    init(_ ledger: LoadLedger) throws {
        self.parameters = ledger.parameters
        self.source = try DeliverySource(ledger.parameters)
        var sequence = DeliverySequence(ledger.parameters)
        let sends = ledger.parameters.sends
        self.count = sequence.deliveries(inSends: sends)
        self.index = self.source.index(count: self.count)
        self.marks = Array(repeating: [], count: self.count)
        self.found = Array(repeating: 0, count: self.count)
        var sendMarks = [Marks](repeating: [], count: sends)
        ledger.forEach { entry in
            guard entry.send < sends else { return }
            sendMarks[Int(entry.send)].formUnion(Marks(entry.meaning))
        }
        for (send, marks) in sendMarks.enumerated() {
            if !marks.isEmpty { self.recordedSends += 1 }
            // A send without an entry: the generator did not come to it, or was killed before it wrote the answer down.
            self.marks[sequence.delivery(ofSend: send)].formUnion(marks.isEmpty ? .unknown : marks)
        }
    }

    /// Adds what another ledger of the same deliveries says.
    mutating func add(_ other: LedgerState) {
        self.recordedSends += other.recordedSends
        for number in self.marks.indices { self.marks[number].formUnion(other.marks[number]) }
    }

    /// Whether another ledger is about the same deliveries: the same file, sent again.
    func isSameReplay(as other: LedgerState) -> Bool {
        guard let mine = self.parameters.replay, let theirs = other.parameters.replay else { return false }
        return mine.digest == theirs.digest && self.count == other.count
    }

    func claim(_ number: Int) -> Claim {
        let marks = self.marks[number]
        if marks.contains(.applied) { return .applied }
        return marks.contains(.unknown) || marks.isEmpty ? .open : .absent
    }

    /// Whether any send of a delivery has an entry.
    func isRecorded(_ number: Int) -> Bool { self.marks[number].contains(.recorded) }

    /// How often a delivery was found in the database.
    func found(_ number: Int) -> Int { Int(self.found[number]) }

    /// Notes that a delivery was found.
    ///
    /// - Returns: Whether it was for the first time.
    mutating func noteFound(_ number: Int) -> Bool {
        self.found[number] = self.found[number] == .max ? .max : self.found[number] + 1
        return self.found[number] == 1
    }
}
