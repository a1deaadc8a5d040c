//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension DemoGenerator {
    /// Puts the first change and the first nightly runs on the agenda.
    mutating func scheduleFirst(at start: Int64) {
        self.agenda.insert(.change, at: self.arrivals.next(after: start, using: &self.random))
        let midnight = start - start % DemoCalendar.dayMilliseconds
        for (repository, definition) in self.catalogue.repositories.enumerated() {
            for (workflow, definition) in definition.workflows.enumerated() {
                guard let minute = definition.scheduledAtMinute else { continue }
                let today = midnight + Int64(minute) * 60_000
                let at = today < start ? today + DemoCalendar.dayMilliseconds : today
                self.agenda.insert(.schedule(repository, workflow), at: at)
            }
        }
    }

    /// Something changed: starts the workflows it triggers, unless too many runs are under way.
    mutating func changeArrived(at now: Int64) {
        self.agenda.insert(.change, at: self.arrivals.next(after: now, using: &self.random))
        guard self.runs.count < self.settings.runsMax else { return }
        let repository = self.random.index(weights: self.catalogue.repositories.map(\.weight))
        let trigger = Trigger.allCases[self.random.index(weights: Trigger.allCases.map(\.share))]
        let cause = self.cause(of: trigger, in: repository)
        for (workflow, definition) in self.catalogue.repositories[repository].workflows.enumerated() {
            guard let share = definition.triggers[trigger], self.random.chance(share) else { continue }
            self.beginRun(repository, workflow, cause, at: now)
        }
    }

    /// A workflow's daily time has come.
    mutating func scheduleFired(_ repository: Int, _ workflow: Int, at now: Int64) {
        self.agenda.insert(.schedule(repository, workflow), at: now + DemoCalendar.dayMilliseconds)
        guard self.runs.count < self.settings.runsMax else { return }
        let cause = RunCause(
            event: "schedule", branch: "main", commit: self.random.hexadecimal(40), title: nil,
            actor: repository % self.catalogue.humans)
        self.beginRun(repository, workflow, cause, at: now)
    }

    /// Who did what to which branch.
    private mutating func cause(of trigger: Trigger, in index: Int) -> RunCause {
        let repository = self.catalogue.repositories[index]
        let commit = self.random.hexadecimal(40)
        let person = self.random.below(self.catalogue.humans)
        switch trigger {
        case .pullRequest:
            let request = self.repositories[index].pullRequestWithNewCommit(
                repository, self.catalogue, using: &self.random)
            return RunCause(
                event: "pull_request", branch: request.branch, commit: commit, title: request.title,
                actor: request.author)
        case .push:
            var title = CommitSubject.make(repository.topics, using: &self.random)
            if self.random.chance(0.8), let merged = self.repositories[index].merge(using: &self.random) {
                title = "\(merged.title) (#\(merged.number))"
            }
            return RunCause(event: "push", branch: "main", commit: commit, title: title, actor: person)
        case .dispatch:
            return RunCause(event: "workflow_dispatch", branch: "main", commit: commit, title: nil, actor: person)
        case .release:
            let tag = self.repositories[index].nextTag(using: &self.random)
            return RunCause(event: "push", branch: tag, commit: commit, title: "Release \(tag)", actor: person)
        }
    }
}
