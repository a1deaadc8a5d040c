//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import WeirIngest

/// A world around the machine: a database that fails, hangs and refuses single deliveries, an outbox that fails, and
/// senders. It keeps its own account of where each delivery is.
private struct IngestWorld {
    typealias Machine = IngestStateMachine

    struct Fault: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    /// A mistake in what the machine asks for, to see whether the world notices.
    enum Spoiler: CaseIterable {
        case none, answersEarly, losesSpill, losesAnswer, answersTwice, reverses, tellsLateEarly
    }

    var random: SeededGenerator
    let spoiler: Spoiler
    var now = ContinuousClock.now
    var isDatabaseUp = true
    var isOutboxUp = true
    var reserved: [Int] = []
    /// Senders that wait, by ticket.
    var waiting: [UInt64: (bytes: Int, deadline: ContinuousClock.Instant)] = [:]
    var acknowledged: Set<UInt64> = []
    var committed: Set<UInt64> = []
    var dead: Set<UInt64> = []
    var outbox: [Int64: UInt64] = [:]
    var nextSequence: Int64 = 0
    /// Deliveries that the database refuses, so many times more.
    var poison: [UInt64: Int] = [:]
    var work: Machine.Effect?
    var spill: [UInt64]?
    var lastApplied: UInt64 = 0
    var hasDrained = false
    var told: [String: Int] = [:]

    init(seed: UInt64, spoiler: Spoiler) {
        self.random = SeededGenerator(seed: seed)
        self.spoiler = spoiler
    }

    // MARK: - What the machine asks for

    mutating func perform(_ effects: [Machine.Effect]) throws(Fault) {
        for effect in self.spoil(effects) {
            switch effect {
            case .apply(let tickets):
                guard self.work == nil else { throw Fault("two works at once") }
                let numbers = tickets.map(\.value)
                guard !numbers.isEmpty, numbers == numbers.sorted(), numbers[0] > self.lastApplied else {
                    throw Fault("a batch out of order: \(numbers)")
                }
                self.lastApplied = numbers[numbers.count - 1]
                self.work = effect
            case .replay, .retry, .bury:
                guard self.work == nil else { throw Fault("two works at once") }
                self.work = effect
            case .spill(let tickets):
                guard self.spill == nil, !tickets.isEmpty else { throw Fault("two spills at once, or an empty one") }
                self.spill = tickets.map(\.value)
            case .answer(let tickets, let answer): for ticket in tickets { try self.answer(ticket.value, answer) }
            case .drained:
                guard self.waiting.isEmpty, self.spill == nil else { throw Fault("drained while senders wait") }
                self.hasDrained = true
            }
        }
    }

    private mutating func answer(_ number: UInt64, _ answer: Machine.Answer) throws(Fault) {
        guard let sender = self.waiting.removeValue(forKey: number) else { throw Fault("\(number) is told twice") }
        self.told["\(answer)", default: 0] += 1
        switch answer {
        case .committed:
            guard self.committed.contains(number) else { throw Fault("\(number) is acknowledged without a commit") }
            self.acknowledged.insert(number)
        case .kept:
            guard self.outbox.values.contains(number) || self.committed.contains(number) else {
                throw Fault("\(number) is acknowledged and not kept")
            }
            self.acknowledged.insert(number)
        case .late: guard sender.deadline <= self.now else { throw Fault("\(number) is told too early") }
        case .unavailable: guard !self.isOutboxUp else { throw Fault("\(number) is refused by a sound outbox") }
        case .shuttingDown: break
        }
    }

    private mutating func spoil(_ effects: [Machine.Effect]) -> [Machine.Effect] {
        switch self.spoiler {
        case .none: return effects
        case .answersEarly:
            return effects.flatMap { effect in
                if case .apply(let tickets) = effect { [effect, .answer(tickets, .committed)] } else { [effect] }
            }
        case .losesSpill:
            return effects.map { effect in
                if case .spill(let tickets) = effect, tickets.count > 1 { .spill(tickets.dropLast()) } else { effect }
            }
        case .losesAnswer: return effects.filter { if case .answer(_, .kept) = $0 { false } else { true } }
        case .answersTwice: return effects.flatMap { if case .answer = $0 { [$0, $0] } else { [$0] } }
        case .reverses:
            return effects.map { if case .apply(let tickets) = $0 { .apply(tickets.reversed()) } else { $0 } }
        case .tellsLateEarly:
            return effects.map { if case .answer(let tickets, .committed) = $0 { .answer(tickets, .late) } else { $0 } }
        }
    }

    // MARK: - What happens

    mutating func endWork(_ machine: inout Machine) throws(Fault) {
        guard let work = self.work else { return }
        self.work = nil
        switch work {
        case .apply(let tickets):
            let failure = self.tryToCommit(tickets.map(\.value))
            try self.perform(machine.batchEnded(failure, now: self.now, using: &self.random))
        case .replay(let after, let limit):
            let sequences = self.outbox.keys.filter { $0 > after }.sorted().prefix(limit)
            try self.replay(Array(sequences), &machine)
        case .retry(let sequence): try self.replay(self.outbox[sequence] == nil ? [] : [sequence], &machine)
        case .bury(let sequence):
            if self.isDatabaseUp, let number = self.outbox.removeValue(forKey: sequence) { self.dead.insert(number) }
            let effects = machine.buryEnded(hasSucceeded: self.isDatabaseUp, now: self.now, using: &self.random)
            try self.perform(effects)
        default: break
        }
    }

    private mutating func replay(_ sequences: [Int64], _ machine: inout Machine) throws(Fault) {
        let result: Machine.Replayed
        var removed = 0
        if sequences.isEmpty {
            result = .done(count: 0, through: nil)
        } else if let failure = self.tryToCommit(sequences.compactMap { self.outbox[$0] }) {
            result = .failed(failure, only: sequences.count == 1 ? sequences[0] : nil)
        } else {
            for sequence in sequences { self.outbox[sequence] = nil }
            removed = sequences.count
            result = .done(count: sequences.count, through: sequences.last)
        }
        try self.perform(machine.replayEnded(result, now: self.now, using: &self.random))
        if removed > 0 { try self.perform(machine.outboxShrank(by: removed, now: self.now)) }
    }

    /// A transaction: all, or none.
    private mutating func tryToCommit(_ numbers: [UInt64]) -> Machine.Failure? {
        guard self.isDatabaseUp else { return .transient }
        if let culprit = numbers.first(where: { self.poison[$0, default: 0] > 0 }) {
            self.poison[culprit, default: 0] -= 1
            return .permanent
        }
        self.committed.formUnion(numbers)
        return nil
    }

    mutating func endSpill(_ machine: inout Machine) throws(Fault) {
        guard let numbers = self.spill else { return }
        self.spill = nil
        guard self.isOutboxUp else { return try self.perform(machine.spillEnded(added: nil, now: self.now)) }
        for number in numbers {
            self.nextSequence += 1
            self.outbox[self.nextSequence] = number
        }
        try self.perform(machine.spillEnded(added: numbers.count, now: self.now))
    }

    // MARK: - A life

    mutating func live(steps: Int) throws(Fault) {
        var limits = Machine.Limits(bytesMax: 4_000)
        limits.batchMax = Int.random(in: 1...6, using: &self.random)
        limits.replayMax = Int.random(in: 1...6, using: &self.random)
        limits.attemptsMax = 5
        limits.overheadBytes = 30
        var machine = Machine(limits: limits)
        var number: UInt64 = 0
        for _ in 0..<steps {
            self.now = self.now.advanced(by: .milliseconds(Int.random(in: 0...60, using: &self.random)))
            switch Int.random(in: 0..<100, using: &self.random) {
            case 0..<30:
                let bytes = Int.random(in: 0...200, using: &self.random)
                if let counted = machine.reserve(bytes) { self.reserved.append(counted) }
            case 30..<33: if let bytes = self.reserved.popLast() { machine.release(bytes) }
            case 33..<60:
                guard let bytes = self.reserved.popLast() else { break }
                number += 1
                if Int.random(in: 0..<40, using: &self.random) == 0 {
                    self.poison[number] = Int.random(in: 1...8, using: &self.random)
                }
                let patience = Duration.milliseconds(Int.random(in: 100...9_000, using: &self.random))
                let deadline = self.now.advanced(by: patience)
                self.waiting[number] = (bytes, deadline)
                try self.perform(
                    machine.submit(.init(value: number), bytes: bytes, deadline: deadline, now: self.now))
            case 60..<75: try self.endWork(&machine)
            case 75..<88: try self.endSpill(&machine)
            case 88..<97:
                try self.perform(machine.tick(now: self.now))
                if let late = self.waiting.first(where: { $0.value.deadline <= self.now }) {
                    throw Fault("\(late.key) has waited beyond its deadline")
                }
            case 97: self.isDatabaseUp.toggle()
            case 98: self.isOutboxUp.toggle()
            default: self.isDatabaseUp = true
            }
        }
        try self.heal(&machine)
        try self.account(machine)
        try self.perform(machine.shutDown(now: self.now))
        guard self.hasDrained else { throw Fault("not drained") }
    }

    /// Everything works again, and time passes.
    private mutating func heal(_ machine: inout Machine) throws(Fault) {
        self.isDatabaseUp = true
        self.isOutboxUp = true
        for bytes in self.reserved { machine.release(bytes) }
        for _ in 0..<4_000 where !machine.isIdle {
            self.now = self.now.advanced(by: .milliseconds(50))
            try self.endSpill(&machine)
            try self.endWork(&machine)
            try self.perform(machine.tick(now: self.now))
        }
        guard machine.isIdle else { throw Fault("not at rest 200 s after everything works again") }
    }

    private func account(_ machine: borrowing Machine) throws(Fault) {
        let lost = self.acknowledged.subtracting(self.committed).subtracting(self.dead)
        guard lost.isEmpty else { throw Fault("acknowledged and lost: \(lost.sorted())") }
        guard self.waiting.isEmpty else { throw Fault("never told: \(self.waiting.keys.sorted())") }
        guard self.outbox.isEmpty else { throw Fault("left in the outbox: \(self.outbox.values.sorted())") }
        guard machine.bytes == 0, machine.queued == 0 else {
            throw Fault("\(machine.bytes) bytes are never given back")
        }
    }
}

@Suite("Simulation of ingest")
struct IngestSimulationTests {
    @Test("whatever fails, hangs or is refused, every acknowledged delivery is committed or a dead letter in the end")
    func anySequence() {
        var told: [String: Int] = [:]
        var dead = 0
        let first = UInt64.random(in: 0...UInt64.max)
        print("ingest simulation: first seed \(first)")
        for offset in UInt64(0)..<200 {
            let seed = first &+ offset
            var world = IngestWorld(seed: seed, spoiler: .none)
            do { try world.live(steps: 2_000) } catch { Issue.record("seed \(seed): \(error)") }
            told.merge(world.told, uniquingKeysWith: +)
            dead += world.dead.count
        }
        print("told \(told.sorted { $0.key < $1.key }), dead letters \(dead)")
        // Each path was taken.
        for answer in ["committed", "kept", "late", "unavailable"] { #expect(told[answer, default: 0] > 200) }
        #expect(dead > 20)
    }

    @Test("control: each planted mistake is noticed", arguments: [1, 2, 3, 4, 5, 6])
    func control(_ index: Int) {
        let spoiler = IngestWorld.Spoiler.allCases[index]
        let noticed = (UInt64(0)..<40).contains { seed in
            var world = IngestWorld(seed: seed, spoiler: spoiler)
            do { try world.live(steps: 2_000) } catch { return true }
            return false
        }
        #expect(noticed, "\(spoiler)")
    }
}
