//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing
import WeirModel

@Suite struct PrecedenceTests {
    private static func random(_ random: inout SeededGenerator) -> Precedence {
        Precedence(
            attempt: Int64.random(in: 1...2, using: &random),
            stage: Stage.allCases.randomElement(using: &random) ?? .derived,
            time: [Int64.min, -1, 0, 1, Int64.max].randomElement(using: &random) ?? 0,
            word: UInt8.random(in: 0...2, using: &random), digest: UInt64.random(in: 0...2, using: &random))
    }

    /// Pairs and triples that an order would not have.
    private static func violations(seed: UInt64, _ isLess: (Precedence, Precedence) -> Bool) -> Int {
        var random = SeededGenerator(seed: seed)
        var violations = 0
        for _ in 0..<20_000 {
            let (a, b, c) = (Self.random(&random), Self.random(&random), Self.random(&random))
            let relations = [isLess(a, b), a == b, isLess(b, a)]
            if relations.count(where: \.self) != 1 { violations += 1 }
            if isLess(a, b), isLess(b, c), !isLess(a, c) { violations += 1 }
        }
        return violations
    }

    @Test("Places are totally ordered: antisymmetric, total and transitive", arguments: [1, 2, 3])
    func totalOrder(seed: UInt64) {
        #expect(Self.violations(seed: seed, <) == 0, "seed \(seed)")
    }

    @Test("The check finds an order that is none")
    func noOrder() {
        #expect(Self.violations(seed: 1) { $0.word < $1.word || $0.digest < $1.digest } > 0)
        #expect(Self.violations(seed: 1, <=) > 0)
        #expect(Self.violations(seed: 1) { $0.stage < $1.stage } > 0)
    }

    @Test("Properties are compared from the first to the last")
    func properties() {
        let low = Precedence(attempt: 1, stage: .ended, time: 9, word: 9, digest: 9)
        let ordered = [
            Precedence(attempt: 2, stage: .queued, time: 0, word: 0, digest: 1),
            Precedence(attempt: 2, stage: .queued, time: 0, word: 0, digest: 2),
            Precedence(attempt: 2, stage: .queued, time: 0, word: 1, digest: 0),
            Precedence(attempt: 2, stage: .queued, time: 1, word: 0, digest: 0),
            Precedence(attempt: 2, stage: .running, time: 0, word: 0, digest: 0),
        ]
        #expect(([low] + ordered).sorted() == [low] + ordered)
        #expect((ordered.reversed() + [low]).sorted() == [low] + ordered)
    }

    @Test("Between ends the earlier wins, and one that says no time loses")
    func ends() {
        func end(_ seconds: Double?, _ conclusion: Conclusion) -> Precedence {
            Precedence(
                attempt: 1, status: .completed, conclusion: conclusion, completedAt: seconds.map(JobFixture.at),
                updatedAt: nil, digest: 0)
        }
        #expect(end(1, .cancelled) > end(2, .success))
        #expect(end(2, .success) > end(nil, .success))
        #expect(end(-9_000_000_000, .cancelled) > end(1, .success))
        let conclusions: [Conclusion] = [
            .success, .failure, .timedOut, .startupFailure, .cancelled, .neutral, .skipped, .stale,
        ]
        #expect(conclusions.map { end(1, $0) } == conclusions.map { end(1, $0) }.sorted(by: >))
    }

    @Test("Between others the later update wins, then the word")
    func updates() {
        func place(_ status: Status, _ updated: Double?, _ conclusion: Conclusion? = nil) -> Precedence {
            Precedence(
                attempt: 1, status: status, conclusion: conclusion, completedAt: JobFixture.at(0),
                updatedAt: updated.map(JobFixture.at), digest: 0)
        }
        #expect(place(.waiting, 2) > place(.pending, 1))
        #expect(place(.pending, 1) > place(.requested, 1))
        #expect(place(.requested, 1) > place(.waiting, 1))
        #expect(place(.completed, 1, .actionRequired) > place(.pending, 1))
        #expect(place(.waiting, 1) > place(.pending, nil))
        #expect(place(.queued, nil) > place(.completed, 9, .actionRequired))
    }

    @Test("The digest is FNV-1a with 64 bits")
    func digest() {
        // The published vectors of the function.
        let vectors: [(String, UInt64)] = [
            ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8),
        ]
        for (text, value) in vectors {
            var digest = Digest()
            digest.add(Array(text.utf8))
            #expect(digest.value == value)
        }
    }

    @Test("Digests tell nothing from empty, and two texts from their concatenation")
    func digestsDiffer() {
        func digest(_ texts: String?...) -> UInt64 {
            var digest = Digest()
            for text in texts { digest.add(text) }
            return digest.value
        }
        let values = [
            digest(), digest(nil), digest(""), digest("", ""), digest(nil, ""), digest("", nil), digest("ab", "c"),
            digest("a", "bc"), digest("abc"), digest("abc", ""), digest("abc", nil),
        ]
        #expect(Set(values).count == values.count)
        var number = Digest()
        number.add(Int64(1))
        var other = Digest()
        other.add(Int64(256))
        #expect(number.value != other.value)
    }
}
