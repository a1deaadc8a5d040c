//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// How often something changes, by hour and weekday (UTC).
struct ArrivalCurve: Sendable {
    /// Jobs a minute at each full hour of a working day; between the hours, the line that joins them.
    static let weekday: [Double] = [
        6, 6, 6, 6, 7, 8, 11, 15, 20, 23, 25, 23, 19, 20, 24, 25, 24, 21, 16, 12, 10, 8, 7, 6,
    ]
    /// Jobs a minute at each full hour of a Saturday or Sunday.
    static let weekend: [Double] = [
        6, 6, 6, 6, 6, 6, 6, 7, 8, 8, 9, 9, 9, 9, 9, 8, 8, 8, 7, 7, 7, 6, 6, 6,
    ]

    /// Changes per job, the reciprocal of what one change starts on average.
    private let changesPerJob: Double
    /// Factor on everything.
    private let scale: Double

    /// Makes a curve.
    ///
    /// - Parameters:
    ///   - changesPerJob: How many changes make one job, on average.
    ///   - scale: Factor on the number of jobs.
    init(changesPerJob: Double, scale: Double) {
        self.changesPerJob = changesPerJob
        self.scale = scale
    }

    /// Jobs a minute at a moment.
    static func jobsPerMinute(at milliseconds: Int64) -> Double {
        let table = DemoCalendar.isWeekend(milliseconds) ? Self.weekend : Self.weekday
        let hour = DemoCalendar.hour(milliseconds)
        let index = Int(hour)
        let fraction = hour - Double(index)
        return table[index] * (1 - fraction) + table[(index + 1) % 24] * fraction
    }

    /// When the next change arrives: a Poisson process whose rate is taken as constant up to that change.
    ///
    /// - Parameters:
    ///   - now: When the last one arrived, in milliseconds since the epoch.
    ///   - random: Where chance comes from.
    func next(after now: Int64, using random: inout DemoRandom) -> Int64 {
        let perMinute = Self.jobsPerMinute(at: now) * self.changesPerJob * self.scale
        return now + max(1, Int64(random.exponential(mean: 60_000 / perMinute)))
    }
}
