//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench

/// Runs cases: short rounds, the peers taking turns in an order that rotates, because the machine's pace drifts.
struct Runner {
    let options: Options

    /// Runs every case asked for, at each number of tasks.
    func run() async throws -> [Entry] {
        var entries: [Entry] = []
        for isSlow in [false, true] {
            let peers = Peers(self.options, isSlow: isSlow)
            weir_bench_slow_register(false)
            weir_bench_slow_set_delay(isSlow ? Case.slowDelay : 0)
            for one in Case.all where one.isSlow == isSlow && self.options.wants(one.name) {
                for tasks in self.options.tasks {
                    let entry = try await self.run(one, tasks: tasks, peers)
                    say(entry.summary)
                    entries.append(entry)
                }
            }
            if !isSlow { entries += try await BulkDeleteCase(options: self.options).run(peers) }
            try await peers.close()
        }
        return entries + (try await DeadlineCase(options: self.options).run())
    }

    private func run(_ one: Case, tasks: Int, _ peers: Peers) async throws -> Entry {
        let names = self.options.peers.map { wanted in one.peers.filter { wanted.contains($0) } } ?? one.peers
        var rounds: [PeerName: [Measurement]] = [:]
        var syncs: [PeerName: UInt64] = [:]
        for name in names {
            // New threads, statements to prepare, pages to fetch: not what is measured.
            _ = try await peers[name].run(one.kind, Load(tasks: tasks, seconds: self.options.seconds / 4, seed: 99))
        }
        for round in 0..<self.options.rounds {
            for turn in names.indices {
                let name = names[(turn + round) % names.count]
                let before = weir_bench_slow_syncs()
                let load = Load(tasks: tasks, seconds: self.options.seconds, seed: UInt64(round * 7_919 + 1))
                rounds[name, default: []].append(try await peers[name].timed(one.kind, load))
                syncs[name, default: 0] += weir_bench_slow_syncs() - before
            }
        }
        var entry = Entry(name: one.name, tasks: tasks)
        for name in names {
            let found = rounds[name] ?? []
            entry.add(name, found)
            let operations = found.reduce(0) { $0 + $1.operations }
            if one.isSlow {
                entry.add(name, "syncs_per_op", Double(syncs[name] ?? 0) / Double(max(1, operations)))
            } else if tasks <= Self.allocationTasksMax {
                let count = try await Self.allocations(one.kind, tasks: tasks, await peers[name])
                entry.add(name, "allocations_per_op", count)
            }
        }
        return entry
    }

    /// With more tasks than this the tasks' own memory would show in the count.
    private static let allocationTasksMax = 64

    /// Allocations of an operation, in the whole process; a round of its own, so that timed rounds share no counter.
    private static func allocations(_ kind: Kind, tasks: Int, _ peer: any Peer) async throws -> Double {
        let each = UInt64((kind == .scan ? 256 : 4_096) / tasks)
        let before = weir_bench_allocations()
        weir_bench_count_allocations(true)
        defer { weir_bench_count_allocations(false) }
        let found = try await peer.run(kind, Load(tasks: tasks, seconds: 10, operationsMax: each))
        return Double(weir_bench_allocations() - before) / Double(found.operations)
    }
}
