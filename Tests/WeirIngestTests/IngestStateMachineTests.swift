//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import WeirIngest

@Suite("The decisions of ingest")
struct IngestStateMachineTests {
    private typealias Ticket = IngestStateMachine.Ticket

    private static func tickets(_ numbers: ClosedRange<UInt64>) -> [Ticket] { numbers.map { Ticket(value: $0) } }
    private static func ticket(_ number: UInt64) -> Ticket { Ticket(value: number) }

    // MARK: - Bytes

    @Test("Bytes are reserved up to the budget and not one beyond")
    func reserve() {
        let machine = TestMachine(bytesMax: 100)
        let first = machine.reserve(60)
        let second = machine.reserve(41)
        let third = machine.reserve(40)
        let fourth = machine.reserve(1)
        #expect([first, second, third, fourth] == [true, false, true, false])
        #expect(machine.bytes == 100)
        machine.release(60)
        let fifth = machine.reserve(60)
        #expect(fifth)
        machine.release(100)
        #expect(machine.bytes == 0)
    }

    @Test("The budget is nearly used up from 95 % on")
    func saturated() {
        let machine = TestMachine(bytesMax: 1_000)
        _ = machine.reserve(949)
        let below = machine.isSaturated
        _ = machine.reserve(1)
        let at = machine.isSaturated
        machine.release(1)
        let again = machine.isSaturated
        #expect([below, at, again] == [false, true, false])
    }

    // MARK: - Batches

    @Test("The first delivery starts a batch of its own, the next batch is what queued meanwhile, up to its bound")
    func batches() {
        let machine = TestMachine()
        #expect(machine.submit(1...5) == [.apply(Self.tickets(1...1))])
        #expect(machine.queued == 4)
        #expect(machine.bytes == 50)
        var next = machine.batchEnded(at: 20)
        #expect(next == [.answer(Self.tickets(1...1), .committed), .apply(Self.tickets(2...4))])
        #expect(machine.bytes == 40)
        next = machine.batchEnded(at: 40)
        #expect(next == [.answer(Self.tickets(2...4), .committed), .apply(Self.tickets(5...5))])
        next = machine.batchEnded(at: 60)
        #expect(next == [.answer(Self.tickets(5...5), .committed)])
        #expect(machine.bytes == 0)
        #expect(machine.isIdle)
    }

    @Test("A sender is told at its deadline, wherever its delivery is; it is taken out of the queue")
    func late() {
        let machine = TestMachine(batchMax: 1)
        for (number, due) in [(UInt64(1), 300), (2, 200), (3, 9_000)] {
            _ = machine.submit(number...number, within: due)
        }
        #expect(machine.tick(at: 199) == [])
        #expect(machine.tick(at: 200) == [.answer([Self.ticket(2)], .late)])
        #expect(machine.bytes == 20)
        #expect(machine.tick(at: 300) == [.answer([Self.ticket(1)], .late)])
        // The batch still holds it.
        #expect(machine.bytes == 20)
        let next = machine.batchEnded(at: 310)
        #expect(next == [.apply([Self.ticket(3)])])
        #expect(machine.bytes == 10)
    }

    // MARK: - Spilling

    @Test("A batch that fails for a passing reason goes to the outbox with all that waits and comes, until a commit")
    func transient() {
        let machine = TestMachine()
        _ = machine.submit(1...3)
        let failed = machine.batchEnded(.transient, at: 10)
        #expect(failed == [.spill(Self.tickets(1...3))])
        #expect(machine.isSpilling)
        #expect(machine.submit(4...4, at: 20) == [])
        var next = machine.spillEnded(added: 3, at: 30)
        #expect(next == [.answer(Self.tickets(1...3), .kept), .spill(Self.tickets(4...4))])
        #expect(machine.outboxCount == 3)
        // The pause after the first failure is 50 to 100 ms.
        #expect(machine.tick(at: 55) == [])
        next = machine.tick(at: 110)
        #expect(next == [.replay(after: 0, limit: 4)])
        // It fails again: the pause is longer, and still everything goes to the outbox.
        next = machine.replayEnded(.failed(.transient, only: nil), at: 120)
        #expect(next == [])
        #expect(machine.tick(at: 215) == [])
        next = machine.spillEnded(added: 1, at: 220)
        #expect(next == [.answer(Self.tickets(4...4), .kept)])
        next = machine.tick(at: 330)
        #expect(next == [.replay(after: 0, limit: 4)])
        _ = machine.replayEnded(.done(count: 4, through: 4), at: 340)
        _ = machine.outboxShrank(by: 4, at: 345)
        #expect(!machine.isSpilling)
        #expect(machine.outboxCount == 0)
        #expect(machine.isIdle)
        #expect(machine.submit(5...5, at: 350) == [.apply([Self.ticket(5)])])
    }

    @Test("A batch without a commit for half a second goes to the outbox too, whatever becomes of it")
    func stalled() {
        for failure in [nil, IngestStateMachine.Failure.transient, .permanent] {
            let machine = TestMachine(batchMax: 8)
            _ = machine.submit(1...2)
            #expect(machine.tick(at: 499) == [])
            #expect(machine.tick(at: 500) == [.spill(Self.tickets(1...2))])
            #expect(machine.submit(3...3, at: 510) == [])
            let kept = machine.spillEnded(added: 2, at: 520)
            #expect(kept == [.answer(Self.tickets(1...2), .kept), .spill(Self.tickets(3...3))])
            // The one that was part of the batch is not told again, nor kept again.
            let ended = machine.batchEnded(failure, at: 530)
            #expect(!ended.contains { if case .answer = $0 { true } else { false } })
            #expect(machine.isSpilling == (failure != nil))
            _ = machine.spillEnded(added: 1, at: 540)
            #expect(machine.outboxCount == 3)
            #expect(machine.bytes == 0)
        }
    }

    @Test("When the outbox takes nothing either, senders are told so, but for those whose batch may still be committed")
    func unavailable() {
        let machine = TestMachine()
        _ = machine.submit(1...2)
        _ = machine.tick(at: 500)
        #expect(machine.spillEnded(added: nil, at: 510) == [.answer([Self.ticket(2)], .unavailable)])
        let committed = machine.batchEnded(at: 600)
        #expect(committed == [.answer([Self.ticket(1)], .committed)])
        #expect(machine.isIdle)
        #expect(machine.bytes == 0)
    }

    @Test("With nothing in the outbox to try the database with, the next batch is the trial")
    func trial() {
        let machine = TestMachine()
        _ = machine.submit(1...1)
        _ = machine.batchEnded(.transient, at: 10)
        _ = machine.spillEnded(added: nil, at: 20)
        #expect(machine.isSpilling)
        _ = machine.tick(at: 120)
        #expect(!machine.isSpilling)
        #expect(machine.submit(2...2, at: 130) == [.apply([Self.ticket(2)])])
    }

    // MARK: - The outbox

    @Test("What an earlier life left in the outbox is replayed, in turns with what comes")
    func turns() {
        let machine = TestMachine(outboxCount: 8)
        #expect(machine.tick(at: 0) == [.replay(after: 0, limit: 4)])
        #expect(machine.submit(1...1, at: 10) == [])
        var next = machine.replayEnded(.done(count: 4, through: 4), at: 20)
        // As long as the replay took, new ones go first.
        #expect(next == [.apply([Self.ticket(1)])])
        next = machine.batchEnded(at: 30)
        #expect(next == [.answer([Self.ticket(1)], .committed)])
        #expect(machine.tick(at: 41) == [.replay(after: 4, limit: 4)])
    }

    @Test("One that fails by itself is found, tried again after pauses, and a dead letter in the end")
    func poison() {
        let machine = TestMachine(outboxCount: 4)
        var now = 0
        var effects = machine.tick(at: now)
        var tries = 0
        while true {
            now += 10
            switch effects.first {
            case .replay(let after, let limit):
                let items = Array((Int64(1)...4).filter { $0 > after }.prefix(limit))
                let result: IngestStateMachine.Replayed
                var removed = 0
                if items.contains(2) {
                    result = .failed(.permanent, only: items.count == 1 ? 2 : nil)
                } else {
                    result = .done(count: items.count, through: items.last)
                    removed = items.count
                }
                if items == [2] { tries += 1 }
                effects = machine.replayEnded(result, at: now) + machine.outboxShrank(by: removed, at: now)
            case .retry(2):
                tries += 1
                effects = machine.replayEnded(.failed(.permanent, only: 2), at: now)
            case .bury(2):
                #expect(tries == 4)
                #expect(machine.outboxCount == 1)
                #expect(!machine.isSpilling)
                _ = machine.buryEnded(hasSucceeded: true, at: now)
                #expect(machine.isIdle)
                return
            default: effects = machine.tick(at: now)
            }
            guard now < 60_000 else {
                Issue.record("nothing was buried in a minute")
                return
            }
        }
    }

    // MARK: - Shutting down

    @Test("An idle machine is drained at once, and admits nothing more")
    func drainIdle() {
        let machine = TestMachine()
        #expect(machine.shutDown(at: 0) == [.drained])
        #expect(machine.submit(1...1) == [.answer([Self.ticket(1)], .shuttingDown)])
        #expect(machine.bytes == 0)
    }

    @Test("What was admitted before is answered first; then the machine is drained")
    func drainBusy() {
        let machine = TestMachine(batchMax: 1)
        _ = machine.submit(1...2)
        #expect(machine.shutDown(at: 10) == [])
        #expect(
            machine.batchEnded(at: 20)
                == [.answer([Self.ticket(1)], .committed), .apply([Self.ticket(2)])])
        // The database hangs: the outbox lets it end.
        #expect(machine.tick(at: 520) == [.spill([Self.ticket(2)])])
        #expect(machine.spillEnded(added: 1, at: 530) == [.answer([Self.ticket(2)], .kept), .drained])
    }
}
