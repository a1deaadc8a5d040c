//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Testing

@testable import SQLiteDriver

@Suite("LogPolicy")
struct LogPolicyTests {
    private static let start = MonotonicInstant(nanoseconds: 0)

    private func after(_ milliseconds: Int64) -> MonotonicInstant {
        Self.start.advanced(by: .milliseconds(milliseconds))
    }

    private func result(_ frames: Int, copied: Int, bytes: Int, took: Duration = .zero) -> LogPolicy.Result {
        LogPolicy.Result(frames: frames, framesCopied: copied, fileBytes: bytes, duration: took)
    }

    /// Tells the policy of a checkpoint.
    ///
    /// - Returns: Whether it wants the file to be cut.
    private func wantsCut(
        _ policy: inout LogPolicy, _ moment: LogPolicy.Moment, _ result: LogPolicy.Result, at now: MonotonicInstant
    ) -> Bool {
        policy.checkpointed(moment, result, now: now)
    }

    @Test("the log is copied in a gap from its goal on, and under load from twice that")
    func moments() {
        let policy = LogPolicy(goalBytes: 100)
        #expect(!policy.shouldCheckpoint(.gap, bytes: 99, now: Self.start))
        #expect(policy.shouldCheckpoint(.gap, bytes: 100, now: Self.start))
        #expect(!policy.shouldCheckpoint(.underLoad, bytes: 199, now: Self.start))
        #expect(policy.shouldCheckpoint(.underLoad, bytes: 200, now: Self.start))
        #expect(policy.nextLook(now: Self.start) == nil)
    }

    @Test("an incomplete checkpoint is tried again, for a tenth of the time at most, load or not")
    func pace() {
        var policy = LogPolicy(goalBytes: 100)
        #expect(
            !self.wantsCut(
                &policy, .gap, self.result(10, copied: 9, bytes: 150, took: .milliseconds(20)), at: Self.start))
        #expect(!policy.shouldCheckpoint(.gap, bytes: 150, now: self.after(179)))
        #expect(!policy.shouldCheckpoint(.underLoad, bytes: 1_000, now: self.after(179)))
        // Then also for a log that has become small: it is behind.
        #expect(policy.shouldCheckpoint(.gap, bytes: 10, now: self.after(180)))
        #expect(policy.nextLook(now: Self.start) == self.after(180))
        #expect(policy.nextLook(now: self.after(170)) == self.after(220))
        #expect(!self.wantsCut(&policy, .gap, self.result(10, copied: 10, bytes: 150), at: self.after(220)))
        #expect(policy.nextLook(now: self.after(220)) == nil)
    }

    @Test("a log over its bound is cut once all of it is copied; under load from twice the bound")
    func truncation() {
        var policy = LogPolicy(goalBytes: 100)
        #expect(!self.wantsCut(&policy, .gap, self.result(10, copied: 9, bytes: 401), at: Self.start))
        #expect(!self.wantsCut(&policy, .gap, self.result(10, copied: 10, bytes: 400), at: Self.start))
        #expect(self.wantsCut(&policy, .gap, self.result(10, copied: 10, bytes: 401), at: Self.start))
        #expect(!self.wantsCut(&policy, .underLoad, self.result(10, copied: 10, bytes: 800), at: Self.start))
        #expect(self.wantsCut(&policy, .underLoad, self.result(10, copied: 10, bytes: 801), at: Self.start))
        // A cut that a reader prevented is tried again.
        #expect(policy.shouldCheckpoint(.gap, bytes: 0, now: Self.start))
        policy.truncated()
        #expect(!policy.shouldCheckpoint(.gap, bytes: 0, now: Self.start))
    }

    @Test("the log is pinned while it is over its bound and cannot be copied, and since then")
    func pinned() {
        var policy = LogPolicy(goalBytes: 100)
        _ = policy.checkpointed(.gap, self.result(10, copied: 9, bytes: 400), now: Self.start)
        #expect(policy.pinnedSince == nil)
        _ = policy.checkpointed(.gap, self.result(10, copied: 9, bytes: 401), now: self.after(1))
        _ = policy.checkpointed(.gap, self.result(20, copied: 9, bytes: 900), now: self.after(2))
        #expect(policy.pinnedSince == self.after(1))
        _ = policy.checkpointed(.gap, self.result(20, copied: 20, bytes: 900), now: self.after(3))
        #expect(policy.pinnedSince == nil)
    }

    @Test("after a failure the log is looked at again, not before ten milliseconds")
    func failure() {
        var policy = LogPolicy(goalBytes: 100)
        policy.failed(after: .zero, now: Self.start)
        #expect(!policy.shouldCheckpoint(.gap, bytes: 1_000, now: self.after(9)))
        #expect(policy.shouldCheckpoint(.gap, bytes: 0, now: self.after(10)))
        #expect(policy.nextLook(now: Self.start) == self.after(50))
    }
}
