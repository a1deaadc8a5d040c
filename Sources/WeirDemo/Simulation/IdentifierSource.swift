//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Ids of runs and jobs: growing, with gaps, and larger for a later start of the simulation.
///
/// Ten run ids and forty job ids belong to each second since the epoch. At the largest scale, 20, a simulation uses
/// about four and seventeen of them, so one that starts when another stopped cannot give the same id again.
struct IdentifierSource: Sendable {
    /// The last run id given.
    private var run: Int64
    /// The last job id given.
    private var job: Int64

    /// Starts the sequences.
    ///
    /// - Parameter startMilliseconds: When the simulation begins, in milliseconds since the epoch.
    init(startMilliseconds: Int64) {
        self.run = startMilliseconds / 100
        self.job = startMilliseconds / 25
    }

    /// The next run's id.
    mutating func nextRun(using random: inout DemoRandom) -> Int64 {
        self.run += random.integer(in: 1...3)
        return self.run
    }

    /// The next job's id.
    mutating func nextJob(using random: inout DemoRandom) -> Int64 {
        self.job += random.integer(in: 1...3)
        return self.job
    }
}
