//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import WeirIngest

@Suite struct IngestStateMachineTests {
    private typealias Machine = IngestStateMachine
    private typealias Ticket = IngestStateMachine.Ticket
    private typealias Instant = IngestStateMachine.Instant

    private static let origin = ContinuousClock.now

    private static func at(_ seconds: Int) -> Instant { Self.origin.advanced(by: .seconds(seconds)) }
    private static func tickets(_ numbers: ClosedRange<UInt64>) -> [Ticket] { numbers.map { Ticket(value: $0) } }
    private static func ticket(_ number: UInt64) -> Ticket { Ticket(value: number) }
    private static func machine(bytesMax: Int = 1_000, batchMax: Int = 3) -> Machine {
        Machine(limits: .init(bytesMax: bytesMax, batchMax: batchMax))
    }

    // MARK: - Bytes

    @Test("Bytes are reserved up to the budget and not one beyond")
    func reserve() {
        var machine = Self.machine(bytesMax: 100)
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
        var machine = Self.machine(bytesMax: 1_000)
        _ = machine.reserve(949)
        let below = machine.isSaturated
        _ = machine.reserve(1)
        let at = machine.isSaturated
        machine.release(1)
        let again = machine.isSaturated
        #expect([below, at, again] == [false, true, false])
    }

    @Test("A delivery's bytes are held until its batch has ended")
    func bytesOfBatch() {
        var machine = Self.machine()
        _ = machine.reserve(10)
        _ = machine.reserve(20)
        _ = machine.submit(Self.ticket(1), bytes: 10, deadline: Self.at(9), now: Self.at(0))
        _ = machine.submit(Self.ticket(2), bytes: 20, deadline: Self.at(9), now: Self.at(0))
        let whole = machine.bytes
        _ = machine.batchEnded(now: Self.at(1))
        let rest = machine.bytes
        _ = machine.batchEnded(now: Self.at(2))
        #expect([whole, rest, machine.bytes] == [30, 20, 0])
    }

    // MARK: - Batches

    @Test("The first delivery starts a batch of its own, the next batch is what queued meanwhile")
    func batches() {
        var machine = Self.machine()
        let first = machine.submit(Self.ticket(1), bytes: 0, deadline: Self.at(9), now: Self.at(0))
        let second = machine.submit(Self.ticket(2), bytes: 0, deadline: Self.at(10), now: Self.at(1))
        let third = machine.submit(Self.ticket(3), bytes: 0, deadline: Self.at(8), now: Self.at(1))
        #expect(first == [.start(Self.tickets(1...1), by: Self.at(9))])
        #expect(second == [])
        #expect(third == [])
        #expect(machine.queued == 2)
        let next = machine.batchEnded(now: Self.at(2))
        #expect(next == [.start(Self.tickets(2...3), by: Self.at(8))])
        #expect(machine.queued == 0)
        let end = machine.batchEnded(now: Self.at(3))
        #expect(end == [])
        let again = machine.submit(Self.ticket(4), bytes: 0, deadline: Self.at(9), now: Self.at(4))
        #expect(again == [.start(Self.tickets(4...4), by: Self.at(9))])
    }

    @Test("A batch takes no more than its bound, in order; the rest is the next")
    func bound() {
        var machine = Self.machine(batchMax: 3)
        for number: UInt64 in 1...6 {
            _ = machine.submit(Self.ticket(number), bytes: 0, deadline: Self.at(9), now: Self.at(0))
        }
        let second = machine.batchEnded(now: Self.at(1))
        let third = machine.batchEnded(now: Self.at(1))
        let fourth = machine.batchEnded(now: Self.at(1))
        #expect(second == [.start(Self.tickets(2...4), by: Self.at(9))])
        #expect(third == [.start(Self.tickets(5...6), by: Self.at(9))])
        #expect(fourth == [])
    }

    // MARK: - Lateness

    @Test("What is late when its batch begins is refused, gives its bytes back and takes no place in the batch")
    func late() {
        var machine = Self.machine(batchMax: 2)
        _ = machine.reserve(100)
        _ = machine.submit(Self.ticket(1), bytes: 10, deadline: Self.at(9), now: Self.at(0))
        _ = machine.submit(Self.ticket(2), bytes: 10, deadline: Self.at(3), now: Self.at(0))
        _ = machine.submit(Self.ticket(3), bytes: 10, deadline: Self.at(9), now: Self.at(0))
        _ = machine.submit(Self.ticket(4), bytes: 10, deadline: Self.at(5), now: Self.at(0))
        _ = machine.submit(Self.ticket(5), bytes: 10, deadline: Self.at(8), now: Self.at(0))
        let effects = machine.batchEnded(now: Self.at(5))
        #expect(
            effects == [
                .refuse(Self.ticket(2), .late), .refuse(Self.ticket(4), .late),
                .start([Self.ticket(3), Self.ticket(5)], by: Self.at(8)),
            ])
        #expect(machine.bytes == 70)
    }

    @Test("A delivery that comes late to an idle machine is refused at once")
    func lateAtOnce() {
        var machine = Self.machine()
        _ = machine.reserve(10)
        let effects = machine.submit(Self.ticket(1), bytes: 10, deadline: Self.at(1), now: Self.at(1))
        #expect(effects == [.refuse(Self.ticket(1), .late)])
        #expect(machine.bytes == 0)
        #expect(machine.queued == 0)
    }

    @Test("A delivery that leaves its batch no time to be committed in is late, one with a moment more is not")
    func commitAllowance() {
        let allowance = IngestStateMachine.commitAllowance
        #expect(allowance > .zero)
        for (left, isLate) in [(allowance, true), (allowance + .nanoseconds(1), false), (.zero, true)] {
            var machine = Self.machine()
            let deadline = Self.at(0).advanced(by: left)
            let effects = machine.submit(Self.ticket(1), bytes: 0, deadline: deadline, now: Self.at(0))
            #expect(
                effects == (isLate ? [.refuse(Self.ticket(1), .late)] : [.start(Self.tickets(1...1), by: deadline)]))
        }
    }

    @Test("When all that waited is late, no batch begins")
    func allLate() {
        var machine = Self.machine()
        for number: UInt64 in 1...3 {
            _ = machine.submit(Self.ticket(number), bytes: 0, deadline: Self.at(2), now: Self.at(0))
        }
        let effects = machine.batchEnded(now: Self.at(3))
        #expect(effects == [.refuse(Self.ticket(2), .late), .refuse(Self.ticket(3), .late)])
        let next = machine.submit(Self.ticket(4), bytes: 0, deadline: Self.at(9), now: Self.at(3))
        #expect(next == [.start(Self.tickets(4...4), by: Self.at(9))])
    }

    // MARK: - Shutting down

    @Test("An idle machine is drained at once, and admits nothing more")
    func drainIdle() {
        var machine = Self.machine()
        _ = machine.reserve(10)
        let drained = machine.shutDown()
        #expect(drained == [.drained])
        let effects = machine.submit(Self.ticket(1), bytes: 10, deadline: Self.at(9), now: Self.at(0))
        #expect(effects == [.refuse(Self.ticket(1), .shuttingDown)])
        #expect(machine.bytes == 0)
    }

    @Test("What was admitted before is applied first; then the machine is drained")
    func drainBusy() {
        var machine = Self.machine(batchMax: 1)
        _ = machine.submit(Self.ticket(1), bytes: 0, deadline: Self.at(9), now: Self.at(0))
        _ = machine.submit(Self.ticket(2), bytes: 0, deadline: Self.at(9), now: Self.at(0))
        _ = machine.submit(Self.ticket(3), bytes: 0, deadline: Self.at(2), now: Self.at(0))
        let shutDown = machine.shutDown()
        let refused = machine.submit(Self.ticket(4), bytes: 0, deadline: Self.at(9), now: Self.at(1))
        let second = machine.batchEnded(now: Self.at(1))
        let end = machine.batchEnded(now: Self.at(3))
        #expect(shutDown == [])
        #expect(refused == [.refuse(Self.ticket(4), .shuttingDown)])
        #expect(second == [.start(Self.tickets(2...2), by: Self.at(9))])
        #expect(end == [.refuse(Self.ticket(3), .late), .drained])
    }

    // MARK: - Any sequence of events

    /// What the machine is held against: everything that was handed in, and where it is.
    private struct World {
        enum Fault: Error, CustomStringConvertible {
            case secondBatch
            case overBound(Int)
            case outOfOrder([UInt64])
            case unknown(UInt64)
            case refusedTooEarly(UInt64)
            case startedLate(UInt64)
            case wrongDeadline
            case wrongBytes(machine: Int, world: Int)
            case drainedTooEarly
            case missing([UInt64])

            var description: String {
                switch self {
                case .secondBatch: "a batch began while another was under way"
                case .overBound(let count): "a batch of \(count)"
                case .outOfOrder(let numbers): "out of order: \(numbers)"
                case .unknown(let number): "delivery \(number) does not wait"
                case .refusedTooEarly(let number): "delivery \(number) had time left"
                case .startedLate(let number): "delivery \(number) had no time left"
                case .wrongDeadline: "a batch by another time than its first"
                case .wrongBytes(let machine, let world): "\(machine) bytes held, \(world) were handed in"
                case .drainedTooEarly: "drained with work left"
                case .missing(let numbers): "never answered: \(numbers)"
                }
            }
        }

        let batchMax: Int
        var waiting: [UInt64: (bytes: Int, deadline: Instant)] = [:]
        var batch: [UInt64: Int] = [:]
        var receiving: [Int] = []
        var lastStarted: UInt64 = 0
        var isShuttingDown = false
        var isDrained = false

        /// A delivery must be answered after this to be taken into a batch that begins now.
        static func earliest(_ now: Instant) -> Instant { now.advanced(by: IngestStateMachine.commitAllowance) }

        var bytes: Int {
            self.receiving.reduce(0, +) + self.batch.values.reduce(0, +)
                + self.waiting.values.reduce(0) { $0 + $1.bytes }
        }

        mutating func apply(_ effects: [IngestStateMachine.Effect], now: Instant) throws(Fault) {
            for effect in effects {
                switch effect {
                case .start(let tickets, let deadline):
                    guard self.batch.isEmpty else { throw .secondBatch }
                    guard (1...self.batchMax).contains(tickets.count) else { throw .overBound(tickets.count) }
                    let numbers = tickets.map(\.value)
                    guard numbers == numbers.sorted(), numbers[0] > self.lastStarted else {
                        throw .outOfOrder(numbers)
                    }
                    self.lastStarted = numbers.last ?? 0
                    var first: Instant?
                    for number in numbers {
                        guard let entry = self.waiting.removeValue(forKey: number) else { throw .unknown(number) }
                        guard entry.deadline > World.earliest(now) else { throw .startedLate(number) }
                        first = min(first ?? entry.deadline, entry.deadline)
                        self.batch[number] = entry.bytes
                    }
                    guard first == deadline else { throw .wrongDeadline }
                case .refuse(let ticket, let refusal):
                    guard let entry = self.waiting.removeValue(forKey: ticket.value) else {
                        throw .unknown(ticket.value)
                    }
                    let isRight = refusal == .late ? entry.deadline <= World.earliest(now) : self.isShuttingDown
                    guard isRight else { throw .refusedTooEarly(ticket.value) }
                case .drained:
                    guard self.isShuttingDown, self.batch.isEmpty, self.waiting.isEmpty else {
                        throw .drainedTooEarly
                    }
                    self.isDrained = true
                }
            }
        }

        func check(bytes: Int) throws(Fault) {
            guard bytes == self.bytes, bytes >= 0 else { throw .wrongBytes(machine: bytes, world: self.bytes) }
        }
    }

    /// - Parameter spoil: Changes the effects of a step, to see whether the world notices.
    private static func simulate(
        seed: UInt64, spoil: (inout [IngestStateMachine.Effect]) -> Void = { _ in }
    ) throws -> (started: UInt64, late: Int, full: Int) {
        var random = SeededGenerator(seed: seed)
        let batchMax = Int.random(in: 1...8, using: &random)
        let bytesMax = 2_000
        var machine = Self.machine(bytesMax: bytesMax, batchMax: batchMax)
        var world = World(batchMax: batchMax)
        var now = Self.at(0)
        var number: UInt64 = 0
        var late = 0
        var full = 0
        for _ in 0..<3_000 {
            now = now.advanced(by: .milliseconds(Int.random(in: 0...400, using: &random)))
            var effects: [IngestStateMachine.Effect] = []
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let bytes = Int.random(in: 0...300, using: &random)
                if machine.reserve(bytes) {
                    world.receiving.append(bytes)
                } else {
                    full += 1
                    if world.bytes + bytes <= bytesMax { throw World.Fault.wrongBytes(machine: -1, world: world.bytes) }
                }
            case 5:
                if let bytes = world.receiving.popLast() { machine.release(bytes) }
            case 6..<9:
                guard !world.receiving.isEmpty else { break }
                let bytes = world.receiving.removeFirst()
                number += 1
                let deadline = now.advanced(by: .milliseconds(Int.random(in: -100...6_000, using: &random)))
                world.waiting[number] = (bytes, deadline)
                effects = machine.submit(Self.ticket(number), bytes: bytes, deadline: deadline, now: now)
            default:
                guard !world.batch.isEmpty else { break }
                world.batch.removeAll()
                effects = machine.batchEnded(now: now)
            }
            late += effects.count { if case .refuse = $0 { true } else { false } }
            spoil(&effects)
            try world.apply(effects, now: now)
            try world.check(bytes: machine.bytes)
        }
        world.isShuttingDown = true
        try world.apply(machine.shutDown(), now: now)
        for bytes in world.receiving {
            number += 1
            world.receiving.removeFirst()
            world.waiting[number] = (bytes, now.advanced(by: .seconds(9)))
            try world.apply(
                machine.submit(Self.ticket(number), bytes: bytes, deadline: now.advanced(by: .seconds(9)), now: now),
                now: now)
        }
        while !world.batch.isEmpty {
            world.batch.removeAll()
            try world.apply(machine.batchEnded(now: now), now: now)
        }
        try world.check(bytes: machine.bytes)
        guard world.isDrained, world.waiting.isEmpty, machine.bytes == 0, machine.queued == 0 else {
            throw World.Fault.missing(world.waiting.keys.sorted())
        }
        return (world.lastStarted, late, full)
    }

    @Test(
        "Bytes are conserved, batches come one at a time and in order, and all are answered, whatever happens",
        arguments: 1...30)
    func anySequence(seed: UInt64) throws {
        do {
            let outcome = try Self.simulate(seed: seed)
            // Each path has been taken.
            #expect(outcome.started > 100, "seed \(seed)")
            #expect(outcome.late > 0, "seed \(seed)")
            #expect(outcome.full > 0, "seed \(seed)")
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
    }

    @Test("The world notices a delivery lost, turned round, applied twice, and a batch too many")
    func worldNotices() {
        #expect(throws: World.Fault.self) {
            try Self.simulate(seed: 1) { effects in
                for (index, effect) in effects.enumerated() {
                    guard case .start(let tickets, let deadline) = effect, tickets.count > 1 else { continue }
                    effects[index] = .start(Array(tickets.dropLast()), by: deadline)
                }
            }
        }
        #expect(throws: World.Fault.self) {
            try Self.simulate(seed: 1) { effects in
                for (index, effect) in effects.enumerated() {
                    guard case .start(let tickets, let deadline) = effect else { continue }
                    effects[index] = .start(tickets.reversed(), by: deadline)
                }
            }
        }
        #expect(throws: World.Fault.self) { try Self.simulate(seed: 1) { $0 += $0 } }
        #expect(throws: World.Fault.self) {
            try Self.simulate(seed: 1) { effects in
                effects.removeAll { if case .refuse = $0 { true } else { false } }
            }
        }
    }
}
