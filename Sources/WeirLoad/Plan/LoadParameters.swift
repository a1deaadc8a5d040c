//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What a load consists of.
package enum LoadScenario: String, Sendable, Codable, CaseIterable {
    /// A constant rate.
    case steady
    /// A rate that rises evenly.
    case stress
    /// A constant rate with many deliveries out of order and many sent twice.
    case reorder
    /// Deliveries from a file, at a constant rate.
    case replay
}

/// Everything a load follows from: with these, every delivery can be made again, byte for byte.
package struct LoadParameters: Sendable, Codable, Equatable {
    /// Raised whenever the same parameters would give other deliveries.
    package static let planVersion = 1

    package var planVersion = Self.planVersion
    package var scenario: LoadScenario
    package var seed: UInt64
    /// When the load began, in milliseconds since the epoch: events are dated from here, and no two loads share ids.
    package var startedAtMilliseconds: Int64
    /// Deliveries per second at the beginning, and at the end.
    package var fromRate: Double
    package var toRate: Double
    package var durationMilliseconds: Int64
    /// Lifecycles that go on at once.
    package var lifecycles: Int
    /// The share of sends that repeat a delivery.
    package var duplicates = 0.01
    /// The share of deliveries that change places with others.
    package var reordered = 0.02
    /// How far apart such places may be.
    package var reorderSpanMilliseconds: Int64 = 2_000
    /// The share of deliveries sent as a form.
    package var form = 0.05
    /// The share of jobs with a label of their own.
    package var uniqueLabels = 0.01
    /// The least size of the JSON of jobs, and of runs.
    package var bodyBytes = 8 << 10
    package var runBodyBytes = 19_000
    /// What is replayed; nil for other scenarios.
    package var replay: ReplaySource?

    /// The file of a replay.
    package struct ReplaySource: Sendable, Codable, Equatable {
        package var path: String
        /// Deliveries in it.
        package var count: Int
        /// SHA-256 of its bytes, in hexadecimal digits.
        package var digest: String

        package init(path: String, count: Int, digest: String) {
            self.path = path
            self.count = count
            self.digest = digest
        }
    }

    /// - Parameter lifecycles: Nil gives each lifecycle some twelve seconds.
    package init(
        _ scenario: LoadScenario, seed: UInt64, startedAtMilliseconds: Int64, fromRate: Double, toRate: Double,
        durationMilliseconds: Int64, lifecycles: Int? = nil
    ) {
        self.scenario = scenario
        self.seed = seed
        self.startedAtMilliseconds = startedAtMilliseconds
        self.fromRate = fromRate
        self.toRate = toRate
        self.durationMilliseconds = durationMilliseconds
        self.lifecycles = lifecycles ?? max(16, Int((fromRate + toRate) / 4))
    }

    /// When each delivery is to be sent.
    package var schedule: ArrivalSchedule {
        ArrivalSchedule(
            fromRate: self.fromRate, toRate: self.toRate, seconds: Double(self.durationMilliseconds) / 1_000)
    }

    /// The most sends of a load, so that each of its runs and jobs has a number of its own.
    package static let sendsMax = LoadPlan.deliveriesMax

    /// How many sends there are.
    package var sends: Int { min(self.schedule.count, self.replay?.count ?? Int.max) }
}
