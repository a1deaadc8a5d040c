//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Foundation
import SQLCore
import SQLiteDriver
import TestSupport
import Testing

/// No database call blocks Swift's cooperative threads.
@Suite("Heartbeat", .serialized, .timeLimit(.minutes(2)))
struct HeartbeatTests {
    /// The longest gap between two ticks of a task that asks for one every few milliseconds.
    private func longestGap(while work: @escaping @Sendable () async throws -> Void) async throws -> Duration {
        let worker = Task { try await work() }
        var longest = Duration.zero
        let end = ContinuousClock.now.advanced(by: .seconds(2))
        var last = ContinuousClock.now
        while ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(5))
            let now = ContinuousClock.now
            longest = max(longest, now - last)
            last = now
        }
        worker.cancel()
        // Cancelled on purpose; what it had begun ends by its own deadline.
        _ = try? await worker.value
        return longest
    }

    @Test("with every pool saturated a task still ticks; blocking the cooperative threads is ten times worse")
    func saturation() async throws {
        let directory = try TemporaryDirectory()
        var configuration = SQLiteConfiguration(path: directory.file("weir.db"), applicationID: 7)
        configuration.readersMax = 2
        let database = try await SQLiteDatabase.open(configuration)
        let endless: SQL = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
        let saturated = try await self.longestGap {
            await withDiscardingTaskGroup { group in
                for _ in 0..<200 {
                    group.addTask {
                        // Refused at their deadline, all of them: that is the point.
                        _ = try? await database.read(
                            Lease("endless", acquireTimeout: .milliseconds(1_500), timeout: .milliseconds(1_500))
                        ) { try $0.row(endless) { _ in } }
                    }
                    group.addTask {
                        _ = try? await database.write(
                            Lease("endless", acquireTimeout: .milliseconds(1_500), timeout: .milliseconds(1_500))
                        ) { try $0.row(endless) { _ in } }
                    }
                }
            }
        }
        let blocked = try await self.longestGap {
            await withDiscardingTaskGroup { group in
                for _ in 0..<(2 * ProcessInfo.processInfo.activeProcessorCount) {
                    // The control: as many tasks as there are threads sleep in them, as a locked database would have it.
                    group.addTask { Self.block(for: 0.8) }
                }
            }
        }
        #expect(saturated * 10 < blocked, "saturated \(saturated), blocked \(blocked)")
        await database.close()
    }

    private static func block(for seconds: Double) { Thread.sleep(forTimeInterval: seconds) }
}
