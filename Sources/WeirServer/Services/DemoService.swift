//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import GitHubWebhooks
import Logging
import ServiceLifecycle
import WeirDemo
import WeirIngest
import WeirModel

/// Plays believable lifecycles through the same path as real deliveries: some hours of history, then live.
struct DemoService: Service {
    let ingest: Ingest
    let logger: Logger
    let now: @Sendable () -> Timestamp

    /// History before the start; enough for the charts of an hour and the averages of a day.
    static let historySeconds: Int64 = 8 * 3_600
    /// Deliveries in flight while history is played.
    private static let inFlightMax = 256

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.play() }
        } catch is CancellationError {
            // The server stops.
        } catch {
            self.logger.error("the demo has ended; the board stays", metadata: ["error": "\(error)"])
            try? await gracefulShutdown()
        }
    }

    private func play() async throws {
        let start = self.now()
        var generator = DemoGenerator(
            seed: UInt64(bitPattern: start.milliseconds),
            startMilliseconds: start.milliseconds - Self.historySeconds * 1_000, settings: DemoSettings(scale: 3))
        var count = 0
        for slice in stride(from: -Self.historySeconds, to: 0, by: 900) {
            let until = start.adding(seconds: min(slice + 900, 0))
            count += try await self.send(generator.deliveries(until: until.milliseconds))
        }
        self.logger.info(
            "the demo has played its history",
            metadata: ["hours": "\(Self.historySeconds / 3_600)", "deliveries": "\(count)"])
        while !Task.isCancelled {
            _ = try await self.send(generator.deliveries(until: self.now().milliseconds))
            let pause = generator.nextDueMilliseconds - self.now().milliseconds
            try await Task.sleep(for: .milliseconds(min(max(pause, 20), 1_000)))
        }
    }

    /// Sends deliveries, some at a time.
    ///
    /// - Returns: How many.
    private func send(_ deliveries: [DemoDelivery]) async throws -> Int {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, delivery) in deliveries.enumerated() {
                // Hours of history are played at once: the server may be told to stop meanwhile.
                try Task.checkCancellation()
                if index >= Self.inFlightMax { try await group.next() }
                group.addTask { try await self.send(delivery) }
            }
            try await group.waitForAll()
        }
        return deliveries.count
    }

    private func send(_ delivery: DemoDelivery) async throws {
        let event = try GitHubEvent.read(type: delivery.event, json: Data(delivery.body))
        var reserved = self.ingest.reserve(delivery.body.count, isNew: true)
        while reserved == nil {
            // Real deliveries go first: the demo waits for room.
            try await Task.sleep(for: .milliseconds(50))
            reserved = self.ingest.reserve(delivery.body.count, isNew: true)
        }
        let played = Delivery(
            id: delivery.id, eventType: delivery.event, event: event,
            receivedAt: Timestamp(milliseconds: delivery.atMilliseconds))
        do {
            _ = try await self.ingest.submit(
                played, body: Data(delivery.body), bytes: reserved ?? 0, deadline: .now.advanced(by: .seconds(30)))
        } catch let error as IngestError {
            // One invented delivery less is no reason to stop.
            self.logger.warning("a delivery of the demo was not taken", metadata: ["cause": "\(error)"])
        }
    }
}
