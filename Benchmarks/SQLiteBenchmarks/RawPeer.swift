//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench
import ConnectionPoolModule

/// The C loop: what the machine and SQLite give when nothing stands between.
///
/// It has a thread and a connection for each reader, whatever the number of tasks, and one writer; it answers nobody.
struct RawPeer: Peer, @unchecked Sendable {
    // The loop locks what its threads share, and the benchmark runs one case at a time.
    private let raw: OpaquePointer

    init(_ setup: PeerSetup) {
        self.raw = weir_bench_raw_open(
            setup.path, Int32(setup.readers), setup.isFull, Int32(setup.readerCacheKiB), Int32(setup.writerCacheKiB),
            setup.rows, setup.isSlow ? weir_bench_slow_vfs : nil)
    }

    func close() async { weir_bench_raw_close(self.raw) }

    func execute(_ statement: BenchStatement) async throws {
        await self.blocking { weir_bench_raw_execute(self.raw, "\(statement.text)") }
    }

    func run(_ kind: Kind, _ load: Load) async throws -> Measurement {
        await self.blocking {
            let found = UnsafeMutablePointer<weir_bench_result>.allocate(capacity: 1)
            defer { found.deallocate() }
            weir_bench_raw_run(
                self.raw, kind.raw, Int32(clamping: load.tasks), load.seconds, load.operationsMax, load.seed, found)
            var result = Measurement()
            result.operations = found.pointee.operations
            result.seconds = Double(found.pointee.elapsed_ns) / 1e9
            result.sum = found.pointee.sum
            withUnsafePointer(to: &found.pointee.counts) {
                $0.withMemoryRebound(to: UInt32.self, capacity: weir_bench_buckets) {
                    result.latencies.add($0, max: found.pointee.max_ns)
                }
            }
            return result
        }
    }

    /// Runs what blocks on a thread of its own.
    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            WorkerThread.start(name: "raw") { continuation.resume(returning: body()) }
        }
    }
}
