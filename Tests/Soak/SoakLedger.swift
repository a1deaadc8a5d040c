//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import SQLiteDriver
import TestSupport

/// What must be in the file, what happened, and what went wrong.
final class SoakLedger: @unchecked Sendable {
    // Everything mutable is guarded by `monitor`.
    private let monitor = Monitor()
    private var nextID: Int64 = 1
    private var deletedThrough: Int64 = 0
    private var acknowledged: Set<Int64> = []
    private var unknown: Set<Int64> = []
    private var increments: (acknowledged: Int64, unknown: Int64) = (0, 0)
    private var counts: [String: Int] = [:]
    private var slowestAnswer: [String: Duration] = [:]
    private var found: [String] = []
    private let stopped = Flag()

    /// Problems are counted; the text of the first ones is kept.
    private static let problemsMax = 20

    // MARK: - Rows

    /// Names for new rows, each given once.
    func newIDs(_ count: Int64) -> Range<Int64> {
        self.monitor.withLock {
            defer { self.nextID += count }
            return self.nextID..<(self.nextID + count)
        }
    }

    /// A row's content follows from its name.
    static func content(_ id: Int64) -> String {
        var generator = SeededGenerator(seed: UInt64(bitPattern: id))
        let words = 4 + Int(generator.next() % 56)
        return (0..<words).map { _ in String(generator.next(), radix: 36) }.joined(separator: " ")
    }

    /// FNV-1a, 64 bits. Source: RFC 9923.
    static func checksum(_ text: String) -> Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int64(bitPattern: hash)
    }

    func committed(_ ids: Range<Int64>) {
        self.monitor.withLock {
            self.acknowledged.formUnion(ids)
            self.increments.acknowledged += 1
        }
    }

    /// A write whose outcome its caller does not know.
    func lost(_ ids: Range<Int64>) {
        self.monitor.withLock {
            self.unknown.formUnion(ids)
            self.increments.unknown += 1
        }
    }

    /// Rows up to this one are about to be deleted: nobody expects to read them any more.
    func deleting(through id: Int64) {
        self.monitor.withLock {
            self.deletedThrough = id
            self.acknowledged = self.acknowledged.filter { $0 > id }
            self.unknown = self.unknown.filter { $0 > id }
        }
    }

    /// Rows that are surely there, oldest first known.
    var rowCount: Int { self.monitor.withLock { self.acknowledged.count } }

    /// Whether a row must be there.
    func mustExist(_ id: Int64) -> Bool { self.monitor.withLock { self.acknowledged.contains(id) } }

    /// A row that is probably there.
    func anyID(using generator: inout SeededGenerator) -> Int64 {
        let (low, high) = self.monitor.withLock { (self.deletedThrough, self.nextID) }
        return Int64.random(in: low + 1...max(low + 1, high - 1), using: &generator)
    }

    /// What differs between the file and what was answered.
    func compare(ids: [Int64], increments: Int64) -> [String] {
        self.monitor.withLock {
            var problems: [String] = []
            let present = Set(ids)
            let missing = self.acknowledged.subtracting(present)
            let foreign = present.subtracting(self.acknowledged).subtracting(self.unknown)
            if !missing.isEmpty { problems.append("\(missing.count) acknowledged rows are gone") }
            if !foreign.isEmpty { problems.append("\(foreign.count) rows are there that nobody wrote or all deleted") }
            let allowed = self.increments.acknowledged...self.increments.acknowledged + self.increments.unknown
            if !allowed.contains(increments) { problems.append("the counter is at \(increments), not in \(allowed)") }
            return problems
        }
    }

    // MARK: - Events

    var isStopped: Bool { self.stopped.isSet }

    func stop() { self.stopped.set() }

    func count(_ kind: String, took duration: Duration? = nil) {
        self.monitor.withLock {
            self.counts[kind, default: 0] += 1
            if let duration { self.slowestAnswer[kind] = max(self.slowestAnswer[kind] ?? .zero, duration) }
        }
    }

    func problem(_ text: String) {
        self.monitor.withLock {
            self.counts["problems", default: 0] += 1
            if self.found.count < Self.problemsMax { self.found.append(text) }
        }
    }

    var problems: [String] { self.monitor.withLock { self.found } }

    /// All counts on one line.
    var line: String {
        self.monitor.withLock {
            self.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
    }

    var summary: String {
        self.monitor.withLock {
            self.counts.sorted { $0.key < $1.key }.map { kind, count in
                let slowest = self.slowestAnswer[kind].map { ", slowest \($0.inMilliseconds) ms" } ?? ""
                return "  \(kind): \(count)\(slowest)"
            }.joined(separator: "\n")
        }
    }
}
