//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport

@testable import WeirIngest

/// A machine behind a reference, for expectations; times are milliseconds since its beginning.
final class TestMachine {
    typealias Effect = IngestStateMachine.Effect
    typealias Ticket = IngestStateMachine.Ticket

    private static let origin = ContinuousClock.now
    private var machine: IngestStateMachine
    private var generator = SeededGenerator(seed: 1)

    init(bytesMax: Int = 1_000, batchMax: Int = 3, outboxCount: Int = 0) {
        var limits = IngestStateMachine.Limits(bytesMax: bytesMax)
        limits.batchMax = batchMax
        limits.replayMax = 4
        limits.attemptsMax = 4
        limits.overheadBytes = 0
        self.machine = IngestStateMachine(limits: limits, outboxCount: outboxCount)
    }

    private static func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        Self.origin.advanced(by: .milliseconds(milliseconds))
    }

    var bytes: Int { self.machine.bytes }
    var queued: Int { self.machine.queued }
    var isSaturated: Bool { self.machine.isSaturated }
    var isSpilling: Bool { self.machine.isSpilling }
    var isIdle: Bool { self.machine.isIdle }
    var outboxCount: Int { self.machine.outboxCount }

    func reserve(_ count: Int) -> Bool { self.machine.reserve(count) != nil }
    func outboxShrank(by count: Int, at time: Int) -> [Effect] {
        self.machine.outboxShrank(by: count, now: Self.at(time))
    }
    func release(_ count: Int) { self.machine.release(count) }

    /// Submits so many deliveries of ten bytes.
    func submit(_ numbers: ClosedRange<UInt64>, at time: Int = 0, within patience: Int = 9_000) -> [Effect] {
        numbers.flatMap { number in
            _ = self.machine.reserve(10)
            return self.machine.submit(
                Ticket(value: number), bytes: 10, deadline: Self.at(time + patience), now: Self.at(time))
        }
    }

    func batchEnded(_ failure: IngestStateMachine.Failure? = nil, at time: Int) -> [Effect] {
        self.machine.batchEnded(failure, now: Self.at(time), using: &self.generator)
    }

    func spillEnded(added: Int?, at time: Int) -> [Effect] { self.machine.spillEnded(added: added, now: Self.at(time)) }

    func replayEnded(_ result: IngestStateMachine.Replayed, at time: Int) -> [Effect] {
        self.machine.replayEnded(result, now: Self.at(time), using: &self.generator)
    }

    func buryEnded(hasSucceeded: Bool, at time: Int) -> [Effect] {
        self.machine.buryEnded(hasSucceeded: hasSucceeded, now: Self.at(time), using: &self.generator)
    }

    func tick(at time: Int) -> [Effect] { self.machine.tick(now: Self.at(time)) }
    func shutDown(at time: Int) -> [Effect] { self.machine.shutDown(now: Self.at(time)) }
}
