//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

package import FoundationEssentials

/// What came out of a load, with the conditions it ran under.
package struct LoadResults: Sendable, Codable {
    /// What it ran on.
    package struct Conditions: Sendable, Codable, Equatable {
        package var version: String
        package var url: String
        package var cores: Int
        package var system: String
        package var connections: Int
        package var timeoutMilliseconds: Int64
        package var redelivers: Bool

        package init(
            version: String, url: String, cores: Int, system: String, connections: Int, timeoutMilliseconds: Int64,
            redelivers: Bool
        ) {
            self.version = version
            self.url = url
            self.cores = cores
            self.system = system
            self.connections = connections
            self.timeoutMilliseconds = timeoutMilliseconds
            self.redelivers = redelivers
        }
    }

    /// One second of the load, by when its deliveries were to be sent.
    package struct Second: Sendable, Codable, Equatable {
        package var offered = 0
        package var accepted = 0
        package var unavailable = 0
        /// Other answers.
        package var other = 0
        /// Those without an answer, and those never sent.
        package var failed = 0
        /// The worst latency of a 202.
        package var acceptedMaxMicroseconds: UInt32 = 0
    }

    /// Raised when the meaning of a member changes.
    package static let formatVersion = 1

    package var formatVersion = Self.formatVersion
    package var parameters: LoadParameters
    package var conditions: Conditions
    package var isInterrupted: Bool
    /// From the first send that was due to the last, and to the last answer.
    package var scheduleSeconds: Double
    package var elapsedSeconds: Double
    /// Deliveries that were due; those that were answered at the first attempt.
    package var offered: Int
    package var answered: Int
    package var offeredPerSecond: Double
    package var answeredPerSecond: Double
    package var acceptedPerSecond: Double
    /// First attempts by status; `none` without an answer, `unsent` never sent.
    package var statuses: [String: Int]
    /// Further attempts, likewise.
    package var redeliveries: [String: Int]
    package var retryAfters: Int
    /// Latencies from the intended instant of sending; nil when there were none.
    package var accepted: LatencySummary?
    package var unavailable: LatencySummary?
    package var other: LatencySummary?
    package var all: LatencySummary?
    /// How late the generator came to a delivery.
    package var lag: LatencySummary?
    /// From when a request was written until its answer; the others count from when a delivery was due.
    package var exchange: LatencySummary?
    package var bytesSent: Int
    package var bytesReceived: Int
    package var connectionsOpened: Int
    package var connectionsMax: Int
    package var backlogMax: Int
    /// The generator's own time on the processors.
    package var userSeconds: Double
    package var systemSeconds: Double
    package var cpuMicrosecondsPerRequest: Double
    package var seconds: [Second]

    /// Lag, at the 99th percentile, above which figures are the generator's rather than the server's.
    package static let lagWarningMicroseconds: UInt64 = 10_000

    /// Why the figures are not to be trusted; nil when they are.
    package var warning: String? {
        guard let lag = self.lag, lag.p99Microseconds > Self.lagWarningMicroseconds else { return nil }
        return "the generator itself was \(TextTable.milliseconds(lag.p99Microseconds)) late at p99: these are its "
            + "figures, not the server's; give it a processor of its own, or a lower rate"
    }

    // MARK: - File

    package var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return try encoder.encode(self) + Data("\n".utf8)
        }
    }

    /// Reads a file of results.
    ///
    /// - Throws: ``LoadError``.
    package init(path: String) throws {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw LoadError("\(path) cannot be read; see that it exists and may be read")
        }
        guard let results = try? JSONDecoder().decode(LoadResults.self, from: data),
            results.formatVersion == Self.formatVersion
        else {
            throw LoadError("\(path) is no file of results, or one of another version; weir load --results writes them")
        }
        self = results
    }
}

extension LoadResults {
    /// Puts together what a load has seen.
    init(
        _ figures: LoadFigures, parameters: LoadParameters, conditions: Conditions, isInterrupted: Bool,
        scheduleSeconds: Double, elapsedSeconds: Double, userSeconds: Double, systemSeconds: Double
    ) {
        func named(_ statuses: [UInt16: Int]) -> [String: Int] {
            Dictionary(uniqueKeysWithValues: statuses.map { (Self.name(ofStatus: $0.key), $0.value) })
        }
        self.parameters = parameters
        self.conditions = conditions
        self.isInterrupted = isInterrupted
        self.scheduleSeconds = scheduleSeconds
        self.elapsedSeconds = elapsedSeconds
        self.offered = figures.offered
        self.answered = figures.answered
        self.offeredPerSecond = Double(self.offered) / max(scheduleSeconds, 0.001)
        // What was answered after the schedule's end counts into a time that is longer by as much.
        self.answeredPerSecond = Double(figures.answered) / max(elapsedSeconds, scheduleSeconds, 0.001)
        self.acceptedPerSecond =
            Double(figures.statuses[202, default: 0]) / max(elapsedSeconds, scheduleSeconds, 0.001)
        self.statuses = named(figures.statuses)
        self.redeliveries = named(figures.redeliveries)
        self.retryAfters = figures.retryAfters
        self.accepted = LatencySummary(figures.accepted)
        self.unavailable = LatencySummary(figures.unavailable)
        self.other = LatencySummary(figures.other)
        self.all = LatencySummary(figures.all)
        self.lag = LatencySummary(figures.lag)
        self.exchange = LatencySummary(figures.exchange)
        self.bytesSent = figures.bytesSent
        self.bytesReceived = figures.bytesReceived
        self.connectionsOpened = figures.connectionsOpened
        self.connectionsMax = figures.connectionsMax
        self.backlogMax = figures.backlogMax
        self.userSeconds = userSeconds
        self.systemSeconds = systemSeconds
        let requests = figures.answered + figures.redeliveries.values.reduce(0, +)
        self.cpuMicrosecondsPerRequest = (userSeconds + systemSeconds) * 1e6 / Double(max(requests, 1))
        self.seconds = figures.seconds
    }

    static func name(ofStatus status: UInt16) -> String {
        switch status {
        case LedgerEntry.noAnswer: "none"
        case LedgerEntry.notSent: "unsent"
        default: String(status)
        }
    }
}
