//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench

/// Runs every kind of operation a few times and compares what the peers read and wrote.
///
/// A benchmark whose peers do different work measures nothing. Each check is also made where it must fail.
struct SelfCheck {
    let options: Options

    func run() async throws {
        try self.checkHistogram()
        weir_bench_slow_register(false)
        weir_bench_slow_set_delay(0)
        let peers = Peers(self.options, isSlow: true)
        for kind in Kind.allCases { try await self.checkSums(kind, peers) }
        try await self.checkAllocations(peers)
        try await self.checkSyncs(peers)
        try await peers.close()
        say("self-check: the peers do the same work")
    }

    /// The median of 1 to 1,000 µs is 500 µs, within a bucket's width; that of a shifted set is not.
    private func checkHistogram() throws {
        for shift: UInt64 in [0, 100] {
            var histogram = Histogram()
            for value: UInt64 in 1...1_000 { histogram.record((value + shift) * 1_000) }
            let isClose = abs((histogram.percentile(0.5) ?? 0) - 500) < 500 * 0.016 + 1
            try self.expect(isClose == (shift == 0), "the histogram's median, shifted by \(shift) µs")
        }
    }

    /// The same seed reads and writes the same rows in every peer; another seed does not.
    private func checkSums(_ kind: Kind, _ peers: Peers) async throws {
        let count: UInt64 = kind == .scan ? 5 : 200
        var sums: [PeerName: Int64] = [:]
        for name in PeerName.allCases {
            let load = Load(tasks: 1, seconds: 60, operationsMax: count)
            let peer = try await peers[name]
            let before = peers.attempts(name)
            let found = try await peer.run(kind, load)
            try self.expect(found.operations == count, "\(name) did \(found.operations) of \(count) \(kind)")
            let written = peers.attempts(name) - before
            try self.expect(self.isRight(written, kind, count), "\(name), \(kind): \(written) rows were written")
            sums[name] = found.sum
        }
        try self.expect(Set(sums.values).count == 1, "\(kind): the peers' sums differ: \(sums)")
        if kind == .pointRead {
            let wanted = self.pointSum(seed: 1, count: count)
            try self.expect(sums[.weir] == wanted, "point reads: the sum is not that of the rows")
        }
        guard kind != .emptyLease else { return }
        let other = try await peers[.weir].run(kind, Load(tasks: 1, seconds: 60, operationsMax: count, seed: 2))
        try self.expect(other.sum != sums[.weir], "\(kind): another seed gave the same sum")
        // Many tasks, the same rows.
        let load = Load(tasks: 8, seconds: 60, operationsMax: count / 4)
        let weir = try await peers[.weir].run(kind, load)
        let grdb = try await peers[.grdb].run(kind, load)
        try self.expect(weir.sum == grdb.sum && weir.operations == 8 * (count / 4), "\(kind): sums of 8 tasks differ")
    }

    /// Whether so many rows are what `count` operations write.
    private func isRight(_ written: Int64, _ kind: Kind, _ count: UInt64) -> Bool {
        switch kind {
        case .singleWrite: written == Int64(count)
        case .tenWrites: written == 10 * Int64(count)
        case .mixed: written > 0 && written < Int64(count) / 4
        case .emptyLease, .pointRead, .pageRead, .scan: written == 0
        }
    }

    /// What point reads must add up to, computed from the rows' definition and not from a database.
    private func pointSum(seed: UInt64, count: UInt64) -> Int64 {
        var state = seed
        return (0..<count).reduce(0) { sum, _ in
            let id = pick(weir_bench_next(&state), self.options.rows)
            let status = ["completed", "in_progress", "queued"][Int(id % 3)]
            let name = "build and test / linux (\(id % 1_000))"
            return sum + Int64(name.utf8.count + status.utf8.count) + 1_700_000_000_000 + id * 1_000
        }
    }

    /// The counter sees an allocation when told to, and not otherwise.
    private func checkAllocations(_ peers: Peers) async throws {
        #if os(Linux)
        for isCounting in [false, true] {
            let before = weir_bench_allocations()
            weir_bench_count_allocations(isCounting)
            _ = try await peers[.weir].run(.pointRead, Load(tasks: 1, seconds: 60, operationsMax: 10))
            weir_bench_count_allocations(false)
            let counted = weir_bench_allocations() - before
            try self.expect((counted >= 10) == isCounting, "\(counted) allocations, counting: \(isCounting)")
        }
        #endif
    }

    /// One by one, each write of a FULL peer is synchronised; most of a NORMAL one's are not.
    private func checkSyncs(_ peers: Peers) async throws {
        for name in PeerName.allCases {
            let before = weir_bench_slow_syncs()
            _ = try await peers[name].run(.singleWrite, Load(tasks: 1, seconds: 60, operationsMax: 100))
            let syncs = weir_bench_slow_syncs() - before
            try self.expect((syncs >= 100) == name.isFull, "\(name): \(syncs) syncs for 100 transactions")
        }
    }

    private func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws {
        if !holds { throw BenchFailure("self-check failed: \(what())") }
    }
}
