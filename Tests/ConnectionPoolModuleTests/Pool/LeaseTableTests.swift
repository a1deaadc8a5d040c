//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import ConnectionPoolModule

/// The table of leases against a list that is looked through.
@Suite("LeaseTable")
struct LeaseTableTests {
    /// What the table should hold.
    private struct Naive {
        var waiting: [(id: LeaseID, lane: Lane, askedAt: MonotonicInstant)] = []
        var running: [(id: LeaseID, connection: ConnectionID)] = []
        var former: [LeaseID] = []
        var formerNames: Set<LeaseID> = []

        mutating func remove(_ id: LeaseID) -> LeaseTable.State? {
            self.former.append(id)
            self.formerNames.insert(id)
            if let index = self.running.firstIndex(where: { $0.id == id }) {
                return .running(self.running.remove(at: index).connection)
            }
            guard let index = self.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            self.waiting.remove(at: index)
            return .waiting
        }
    }

    /// The first difference between the table and the list; a planted fault forgets to tell the list of some removals.
    private func difference(seed: UInt64, steps: Int, forgets: Bool = false) -> String? {
        var generator = SeededGenerator(seed: seed)
        var table = LeaseTable()
        var naive = Naive()
        let start = MonotonicInstant.now
        for step in 0..<steps {
            let lane = Lane.allCases[Int.random(in: 0..<4, using: &generator)]
            let now = start.advanced(by: .microseconds(step))
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4:
                let id = table.append(lane: lane, askedAt: now, acquireBy: now, deadline: now)
                if table[id]?.state != .waiting || naive.formerNames.contains(id) {
                    return "step \(step): \(id) is not new"
                }
                naive.waiting.append((id, lane, now))
            case 4..<6:
                guard let first = naive.waiting.firstIndex(where: { $0.lane == lane }) else { continue }
                let connection = ConnectionID(step)
                let id = table.startHead(of: lane, on: connection).id
                guard id == naive.waiting[first].id else { return "step \(step): \(id) is not the first of \(lane)" }
                naive.waiting.remove(at: first)
                naive.running.append((id, connection))
            default:
                let all = naive.waiting.map(\.id) + naive.running.map(\.id)
                let isFormer = Int.random(in: 0..<5, using: &generator) == 0
                guard let id = (isFormer ? naive.former : all).randomElement(using: &generator) else { continue }
                let removed = table.remove(id)
                if forgets, step % 100 == 99 { continue }
                let expected = isFormer ? nil : naive.remove(id)
                guard removed == expected, table[id] == nil else { return "step \(step): \(id) was removed wrongly" }
            }
            if step % 10 == 0, let text = self.compare(table, naive) { return "step \(step): \(text)" }
        }
        return nil
    }

    private func compare(_ table: LeaseTable, _ naive: Naive) -> String? {
        guard table.waitingCount == naive.waiting.count, table.runningCount == naive.running.count else {
            return "\(table.waitingCount) wait and \(table.runningCount) run"
        }
        for lane in Lane.allCases
        where table.headAskedAt(lane) != naive.waiting.first(where: { $0.lane == lane })?.askedAt {
            return "the head of \(lane) is wrong"
        }
        guard table.running(atMost: .max) == naive.running.map(\.id),
            table.running(atMost: 3) == naive.running.prefix(3).map(\.id)
        else { return "those that run are not in the order of their beginning" }
        var seen: [LeaseID: LeaseTable.State] = [:]
        table.forEach { id, record in seen[id] = record.state }
        var expected = Dictionary(uniqueKeysWithValues: naive.waiting.map { ($0.id, LeaseTable.State.waiting) })
        for (id, connection) in naive.running { expected[id] = .running(connection) }
        return seen == expected ? nil : "the leases are not those that are in it"
    }

    @Test("10,000 random steps leave the table and a plain list the same, and no old name finds anything")
    func model() {
        let seed = UInt64.random(in: 1...UInt64.max)
        #expect(self.difference(seed: seed, steps: 10_000) == nil, "seed \(seed)")
    }

    @Test("control: a list that misses some removals is noticed")
    func control() { #expect(self.difference(seed: 1, steps: 10_000, forgets: true) != nil) }
}

@Suite("Effects")
struct EffectsTests {
    private let all: [PoolStateMachine.Effect] = [
        .open(c(1)), .run(c(1), l(1)), .refuse(l(1), .down), .close(c(1), .idle), .emptied,
    ]

    private func list(_ effects: some Sequence<PoolStateMachine.Effect>) -> PoolStateMachine.Effects {
        var list = PoolStateMachine.Effects()
        for effect in effects { list.append(effect) }
        return list
    }

    @Test("a list holds what was put in, in order, however it was put together")
    func order() {
        for count in 0...self.all.count {
            for cut in 0...count {
                var joined = self.list(self.all[..<cut])
                joined += self.list(self.all[cut..<count])
                #expect(Array(joined) == Array(self.all[..<count]))
                #expect(joined == self.list(self.all[..<count]))
                #expect(joined.isEmpty == (count == 0))
            }
        }
    }

    @Test("lists differ when an effect, its place or their number differs")
    func difference() {
        let list = self.list(self.all)
        #expect(list != self.list(self.all.reversed()))
        #expect(list != self.list(self.all.dropLast()))
        #expect(list != self.list(self.all.dropFirst()))
        #expect(self.list([.open(c(1))]) != self.list([.open(c(2))]))
        #expect(self.list([.close(c(1), .idle)]) != self.list([.close(c(1), .lifetime)]))
    }
}
