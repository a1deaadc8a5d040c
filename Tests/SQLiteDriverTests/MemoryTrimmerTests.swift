//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Synchronization
import TestSupport
import Testing

@testable import SQLiteDriver

@Suite("TrimPolicy")
struct TrimPolicyTests {
    private let start = MonotonicInstant.now

    private func at(_ milliseconds: Int) -> MonotonicInstant {
        self.start.advanced(by: .milliseconds(milliseconds))
    }

    private func policy() -> TrimPolicy { TrimPolicy(residentBytesMax: 100 << 20, now: self.start) }

    private static func look(_ policy: inout TrimPolicy, _ bytes: Int?, _ now: MonotonicInstant) -> Bool {
        policy.look(residentBytes: bytes, now: now)
    }

    @Test("a release is followed by one trim at once, and by no second one")
    func release() {
        var policy = self.policy()
        #expect(policy.dueAt == self.at(5_000))
        policy.released()
        policy.released()
        #expect(policy.dueAt <= self.at(0))
        #expect(Self.look(&policy, 1, self.at(10)))
        #expect(!Self.look(&policy, 1, self.at(20)))
        #expect(!Self.look(&policy, 1, self.at(60_000)))
    }

    @Test("releases in quick succession are served once a second, and none is forgotten")
    func rate() {
        var policy = self.policy()
        var trims: [Int] = []
        for now in stride(from: 0, through: 10_000, by: 10) {
            if now <= 8_500 { policy.released() }
            while policy.dueAt <= self.at(now), policy.look(residentBytes: 1, now: self.at(now)) { trims.append(now) }
        }
        #expect(trims == [0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000])
    }

    @Test("a large process is trimmed without a release, but only when it has grown since")
    func large() {
        var policy = self.policy()
        #expect(!Self.look(&policy, 100 << 20, self.at(5_000)))
        #expect(Self.look(&policy, 200 << 20, self.at(10_000)))
        policy.trimmed(residentBytes: 190 << 20)
        #expect(!Self.look(&policy, 200 << 20, self.at(15_000)))
        #expect(Self.look(&policy, 206 << 20, self.at(20_000)))
    }

    @Test("where memory cannot be read, only releases count")
    func unknown() {
        var policy = self.policy()
        #expect(!Self.look(&policy, nil, self.at(5_000)))
        policy.released()
        #expect(Self.look(&policy, nil, self.at(5_001)))
    }
}

@Suite("IdlingPolicy")
struct IdlingPolicyTests {
    @Test("a cache goes back once per rest, and every lease begins a new one")
    func rests() {
        let start = MonotonicInstant.now
        var policy = IdlingPolicy()
        var returned: [Int] = []
        for second in 0..<100 {
            let leases = second < 10 ? second : second < 60 ? 10 : 11
            let returns = policy.look(
                leases: leases, idleMax: .seconds(30), now: start.advanced(by: .seconds(second)))
            if returns { returned.append(second) }
        }
        // The tenth lease is seen at second 10, the eleventh at second 60.
        let dueAt = policy.dueAt
        #expect(returned == [40, 90] && dueAt == nil)
    }

    @Test("a connection that never worked has nothing to give")
    func unused() {
        var policy = IdlingPolicy()
        let returns = policy.look(leases: 0, idleMax: .zero, now: .now)
        #expect(!returns && policy.dueAt == nil)
    }
}

@Suite("MemoryTrimmer", .timeLimit(.minutes(1)))
struct MemoryTrimmerTests {
    @Test("a release wakes the thread, which trims once and keeps account")
    func thread() async throws {
        let resident = Atomic<Int>(100 << 20)
        let trimmer = MemoryTrimmer(residentBytesMax: 1 << 30) {
            resident.load(ordering: .sequentiallyConsistent)
        } trim: {
            resident.store(40 << 20, ordering: .sequentiallyConsistent)
        }
        #expect(trimmer.current == MemoryTrimmer.Figures())
        trimmer.released()
        #expect(try await eventually { trimmer.current.trims == 1 })
        #expect(trimmer.current.returnedBytes == 60 << 20)
        trimmer.stop()
    }
}
