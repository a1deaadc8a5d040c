//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench

/// What one peer did in one or more rounds of a case.
struct Measurement: Sendable {
    var operations: UInt64 = 0
    var seconds = 0.0
    /// Of the values read: two peers that did the same read the same.
    var sum: Int64 = 0
    var latencies = Histogram()
    /// Processor time of this process.
    var processorSeconds = 0.0
    /// Processor time of everything else on the machine; a sign of how far the other figures can be trusted.
    var othersSeconds = 0.0

    var perSecond: Double { self.seconds > 0 ? Double(self.operations) / self.seconds : 0 }
}

extension Peer {
    /// Runs one kind of operation under a load, with the processor time that it took.
    func timed(_ kind: Kind, _ load: Load) async throws -> Measurement {
        var before = 0.0
        var after = 0.0
        let mine = weir_bench_processor_seconds(&before)
        var found = try await self.run(kind, load)
        found.processorSeconds = weir_bench_processor_seconds(&after) - mine
        found.othersSeconds = max(0, after - before - found.processorSeconds)
        return found
    }
}

/// Latencies in buckets of 1.6 %; the buckets are those of the C loop.
struct Histogram: Sendable {
    private(set) var counts = [UInt64](repeating: 0, count: weir_bench_buckets)
    private(set) var count: UInt64 = 0
    private(set) var maxNanoseconds: UInt64 = 0

    mutating func record(_ nanoseconds: UInt64) {
        self.counts[Int(weir_bench_bucket(nanoseconds))] += 1
        self.count += 1
        self.maxNanoseconds = max(self.maxNanoseconds, nanoseconds)
    }

    mutating func add(_ buckets: UnsafePointer<UInt32>, max: UInt64) {
        for bucket in self.counts.indices {
            self.counts[bucket] += UInt64(buckets[bucket])
            self.count += UInt64(buckets[bucket])
        }
        self.maxNanoseconds = Swift.max(self.maxNanoseconds, max)
    }

    mutating func add(_ other: Histogram) {
        for bucket in self.counts.indices { self.counts[bucket] += other.counts[bucket] }
        self.count += other.count
        self.maxNanoseconds = max(self.maxNanoseconds, other.maxNanoseconds)
    }

    /// The latency that `share` of all do not exceed, in microseconds; nil without any.
    func percentile(_ share: Double) -> Double? {
        guard self.count > 0 else { return nil }
        let rank = min(self.count - 1, UInt64(Double(self.count) * share))
        var seen: UInt64 = 0
        for (bucket, count) in self.counts.enumerated() {
            seen += count
            if seen > rank { return Double(weir_bench_bucket_value(UInt32(bucket))) / 1e3 }
        }
        return Double(self.maxNanoseconds) / 1e3
    }
}

/// How much of a case to run.
struct Load: Sendable {
    var tasks: Int
    var seconds: Double
    /// Most operations of each task; for checks, which compare sums.
    var operationsMax: UInt64 = .max
    var seed: UInt64 = 1
}

/// Runs `operation` over and over on `load.tasks` tasks, each with random numbers of its own.
///
/// One reading of the clock per operation ends it and begins the next; each task counts into memory of its own.
func measure(
    _ load: Load, _ operation: @escaping @Sendable (_ random: UInt64) async throws -> Int64
) async throws -> Measurement {
    let began = weir_bench_now()
    let end = began + UInt64(load.seconds * 1e9)
    var result = Measurement()
    try await withThrowingTaskGroup(of: TaskResult.self) { group in
        for task in 0..<load.tasks {
            group.addTask { try await TaskResult.run(load, task: task, until: end, operation) }
        }
        for try await part in group {
            result.operations += part.operations
            result.sum &+= part.sum
            result.latencies.add(part.counts, max: part.maxNanoseconds)
            part.counts.deallocate()
        }
    }
    result.seconds = Double(weir_bench_now() - began) / 1e9
    return result
}

/// What one task did. The counts are its own until it hands them over.
private struct TaskResult: @unchecked Sendable {
    let counts: UnsafeMutablePointer<UInt32>
    var operations: UInt64 = 0
    var sum: Int64 = 0
    var maxNanoseconds: UInt64 = 0

    static func run(
        _ load: Load, task: Int, until end: UInt64, _ operation: @Sendable (UInt64) async throws -> Int64
    ) async throws -> TaskResult {
        let buckets = weir_bench_buckets
        var result = TaskResult(counts: .allocate(capacity: buckets))
        result.counts.initialize(repeating: 0, count: buckets)
        var state = load.seed &+ UInt64(task)
        var began = weir_bench_now()
        while result.operations < load.operationsMax, began < end, !weir_bench_is_stopped() {
            result.sum &+= try await operation(weir_bench_next(&state))
            let now = weir_bench_now()
            result.counts[Int(weir_bench_bucket(now - began))] += 1
            result.maxNanoseconds = max(result.maxNanoseconds, now - began)
            result.operations += 1
            began = now
        }
        return result
    }
}
