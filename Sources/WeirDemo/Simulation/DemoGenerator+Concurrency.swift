//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension DemoGenerator {
    /// Enters a run into its concurrency group.
    ///
    /// - Parameters:
    ///   - run: The new run.
    ///   - rule: Its workflow's rule.
    ///   - now: The moment, in milliseconds since the epoch.
    /// - Returns: Whether the run may go; otherwise it is held until the group's active run is over.
    mutating func joinGroup(_ run: RunState, _ rule: ConcurrencyRule, at now: Int64) -> Bool {
        let key = ConcurrencyKey(run)
        switch rule {
        case .none:
            return true
        case .cancelInProgress:
            guard run.cause.event == "pull_request" else { return true }
            if let active = self.groups[key]?.active, let attempt = self.runs[active]?.attempt {
                self.agenda.insert(.cancelRun(active, attempt), at: now + 500)
            }
            self.groups[key] = ConcurrencyGroup(active: run.id)
            return true
        case .queue:
            guard let group = self.groups[key] else {
                self.groups[key] = ConcurrencyGroup(active: run.id)
                return true
            }
            if let displaced = group.pending, let attempt = self.runs[displaced]?.attempt {
                self.agenda.insert(.cancelRun(displaced, attempt), at: now + 500)
            }
            self.groups[key]?.pending = run.id
            return false
        }
    }

    /// Takes a run that is over out of its group, and lets the held one go.
    mutating func leaveGroup(_ run: RunState, at now: Int64) {
        let key = ConcurrencyKey(run)
        guard let group = self.groups[key] else { return }
        if group.pending == run.id { self.groups[key]?.pending = nil }
        guard group.active == run.id else { return }
        guard let next = group.pending, let held = self.runs[next] else {
            self.groups[key] = nil
            return
        }
        self.groups[key] = ConcurrencyGroup(active: next)
        guard held.phase == .pending, !held.isCancelled else { return }
        self.runs[next]?.phase = .queued
        for (template, job) in held.jobs.enumerated() where job.phase == .pending {
            self.releaseJob(JobAddress(run: next, template: template, id: job.id), at: now + 300)
        }
    }
}

extension ConcurrencyKey {
    /// The group of a run.
    init(_ run: RunState) {
        self.init(repository: run.repository, workflow: run.workflow, branch: run.cause.branch)
    }
}
