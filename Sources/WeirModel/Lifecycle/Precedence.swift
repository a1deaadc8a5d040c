//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// An event's place in the one total order that decides what a row shows, whatever the order of arrival.
///
/// Compared from the first property to the last: the later attempt, then the further stage; between ended events the
/// earlier end, between others the later update; then a fixed order of words; and last a digest of the content, so
/// that two events compare as equal only when they say the same.
public struct Precedence: Hashable, Comparable, Sendable {
    /// The run attempt the event belongs to; zero where the key holds it.
    public var attempt: Int64
    /// The coarse stage.
    public var stage: Stage
    /// Orders events of one stage: greater wins.
    public var time: Int64
    /// Orders words at the same time: greater wins.
    public var word: UInt8
    /// FNV-1a of the event's fields.
    public var digest: UInt64

    public init(attempt: Int64, stage: Stage, time: Int64, word: UInt8, digest: UInt64) {
        self.attempt = attempt
        self.stage = stage
        self.time = time
        self.word = word
        self.digest = digest
    }

    /// The place of a genuine event.
    ///
    /// - Parameters:
    ///   - completedAt: When it ended, for ended events.
    ///   - updatedAt: When the source last changed the object, where it says so.
    public init(
        attempt: Int64, status: Status, conclusion: Conclusion?, completedAt: Timestamp?, updatedAt: Timestamp?,
        digest: UInt64
    ) {
        let stage = Stage(status: status, conclusion: conclusion)
        let time: Int64 =
            if stage == .ended {
                // `stale` is no genuine end: any other one comes first, whenever it was.
                conclusion == .stale ? Int64.min : completedAt.map { -$0.milliseconds } ?? Int64.min
            } else {
                updatedAt?.milliseconds ?? Int64.min
            }
        let word = stage == .ended ? Self.rank(conclusion) : status.rawValue
        self.init(attempt: attempt, stage: stage, time: time, word: word, digest: digest)
    }

    /// Between ends at the same instant success comes first, then what says most about the work itself.
    private static func rank(_ conclusion: Conclusion?) -> UInt8 {
        switch conclusion {
        case .success: 9
        case .failure: 8
        case .timedOut: 7
        case .startupFailure: 6
        case .cancelled: 5
        case .neutral: 4
        case .skipped: 3
        case .actionRequired: 2
        case .stale: 1
        case nil: 0
        }
    }

    public static func < (left: Precedence, right: Precedence) -> Bool {
        if left.attempt != right.attempt { return left.attempt < right.attempt }
        if left.stage != right.stage { return left.stage < right.stage }
        if left.time != right.time { return left.time < right.time }
        if left.word != right.word { return left.word < right.word }
        return left.digest < right.digest
    }
}

/// FNV-1a, 64 bit: the same on every machine and in every version, unlike Swift's own hashing.
///
/// Source: G. Fowler, L. C. Noll, K.-P. Vo, "The FNV Non-Cryptographic Hash Algorithm".
public struct Digest: Sendable {
    /// The digest so far.
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    private mutating func add(byte: UInt8) { self.value = (self.value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }

    /// Adds text; nil and empty differ, and so do two texts from their concatenation.
    public mutating func add(_ text: String?) {
        guard let text else { return self.add(byte: 0xff) }
        for byte in text.utf8 { self.add(byte: byte) }
        self.add(byte: 0xfe)
    }

    /// Adds bytes.
    public mutating func add(_ bytes: [UInt8]) { for byte in bytes { self.add(byte: byte) } }

    /// Adds a number.
    public mutating func add(_ number: Int64?) {
        guard let number else { return self.add(byte: 0xff) }
        for shift in stride(from: 0, to: 64, by: 8) {
            self.add(byte: UInt8(truncatingIfNeeded: number >> Int64(shift)))
        }
    }
}
