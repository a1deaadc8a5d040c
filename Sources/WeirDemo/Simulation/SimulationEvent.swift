//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// One job of one attempt; an event about a job that was replaced by a re-run finds another id and does nothing.
struct JobAddress: Sendable, Equatable {
    /// The run.
    let run: Int64
    /// The index of the job's template in its workflow.
    let template: Int
    /// The job's id; 0 for a job that has none yet.
    let id: Int64
}

/// What can happen at a moment of the simulation.
enum SimulationEvent: Sendable {
    /// Something changed in some repository.
    case change
    /// A workflow's daily time has come; by indices of repository and workflow.
    case schedule(Int, Int)
    /// Jobs of a run may be ready to be made; with the attempt.
    case advance(Int64, Int)
    /// A job whose needs are met appears.
    case createJob(JobAddress)
    /// Somebody approved a waiting job.
    case approveJob(JobAddress)
    /// A runner begins a job.
    case startJob(JobAddress, Runner)
    /// A running job ends as planned.
    case finishJob(JobAddress)
    /// A job of a matrix failed: its siblings are cancelled; with the attempt and the matrix's key.
    case failFast(Int64, Int, String)
    /// Somebody, or a newer run, cancels a run; with the attempt.
    case cancelRun(Int64, Int)
    /// Somebody approved a run of a first-time contributor.
    case approveRun(Int64)
    /// All jobs of a run are over; with the attempt.
    case completeRun(Int64, Int)
    /// A run's workflow file cannot be used.
    case startupFailure(Int64)
    /// Somebody runs a failed run again.
    case rerun(Int64)
}
