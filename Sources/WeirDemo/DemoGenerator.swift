//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Plays a believable stream of GitHub Actions lifecycles as webhook deliveries: an event-driven simulation.
///
/// Changes arrive by time of day, start workflows, whose jobs queue for a limited number of runners, run, fail, are
/// cancelled, wait for approval, and are run again. A value: the same seed, start and settings give the same bytes on
/// every machine, however the calls slice the time; a copy goes on independently.
///
/// The simulation starts with nothing running at its start. To have history, start it in the past and ask for the
/// deliveries in slices: a day at scale 1 is some 84,000 of them and 190 MB.
///
/// Isolation: none; a value without clock, randomness from outside or I/O.
public struct DemoGenerator: Sendable {
    /// How much happens, and how untidily it is sent.
    public let settings: DemoSettings
    /// Who and what there is.
    let catalogue: Catalogue
    /// JSON that does not change, written once.
    let fragments: PayloadFragments
    /// The only source of randomness.
    var random: DemoRandom
    /// What will happen, in time order.
    var agenda = EventQueue<SimulationEvent>()
    /// What is on its way to the receiver, in time order.
    var outbox = EventQueue<DemoDelivery>()
    /// Runs that are not over, or will be run again, by id. Bounded by ``DemoSettings/runsMax``.
    var runs: [Int64: RunState] = [:]
    /// The runner pools, in the order of ``PoolKind/allCases``.
    var pools: [RunnerPool]
    /// Who holds and who waits for each concurrency group.
    var groups: [ConcurrencyKey: ConcurrencyGroup] = [:]
    /// Open pull requests and counters per repository.
    var repositories: [RepositoryState]
    /// Ids of runs and jobs.
    var identifiers: IdentifierSource
    /// How often changes arrive.
    let arrivals: ArrivalCurve

    /// Starts a simulation.
    ///
    /// - Parameters:
    ///   - seed: Chooses everything that is left to chance.
    ///   - startMilliseconds: When it begins, in milliseconds since the epoch; ids grow with it, so a later start with
    ///     the same database makes new runs instead of changing old ones. Not before 2020.
    ///   - settings: How much happens.
    public init(seed: UInt64, startMilliseconds: Int64, settings: DemoSettings = DemoSettings()) {
        precondition(
            startMilliseconds >= DemoCalendar.year2020Milliseconds,
            "the demo cannot start before 2020: \(startMilliseconds)")
        let catalogue = Catalogue.standard
        self.settings = settings
        self.catalogue = catalogue
        self.fragments = PayloadFragments(catalogue)
        self.random = DemoRandom(seed: seed &+ UInt64(bitPattern: startMilliseconds) &* 0x2545_F491_4F6C_DD1D)
        self.pools = PoolKind.allCases.map { RunnerPool(kind: $0, scale: settings.scale) }
        self.repositories = catalogue.repositories.map {
            RepositoryState($0, daysOfHistory: DemoCalendar.day(startMilliseconds) - DemoCalendar.day2024)
        }
        self.identifiers = IdentifierSource(startMilliseconds: startMilliseconds)
        self.arrivals = ArrivalCurve(changesPerJob: 1 / catalogue.jobsPerChange, scale: settings.scale)
        self.scheduleFirst(at: startMilliseconds)
    }

    /// All deliveries due up to a moment, since the last call.
    ///
    /// - Parameter nowMilliseconds: The moment, in milliseconds since the epoch; earlier than the last gives none.
    /// - Returns: The deliveries, in the order of their times.
    /// - Complexity: O(n log m), n what happens in the time and m what is under way.
    public mutating func deliveries(until nowMilliseconds: Int64) -> [DemoDelivery] {
        var due: [DemoDelivery] = []
        while true {
            let nextEvent = self.agenda.nextAt ?? .max
            if let at = self.outbox.nextAt, at <= nowMilliseconds, at <= nextEvent {
                if let delivery = self.outbox.popFirst() { due.append(delivery.payload) }
            } else if nextEvent <= nowMilliseconds, let event = self.agenda.popFirst() {
                self.handle(event.payload, at: event.at)
            } else {
                return due
            }
        }
    }

    /// The earliest moment at which ``deliveries(until:)`` can return anything, in milliseconds since the epoch.
    ///
    /// A call at this moment may still return nothing; no delivery is due before it.
    public var nextDueMilliseconds: Int64 {
        let fromAgenda = (self.agenda.nextAt ?? (.max - Self.sendDelayMilliseconds)) + Self.sendDelayMilliseconds
        return min(self.outbox.nextAt ?? .max, fromAgenda)
    }

    /// Runs one event of the simulation.
    private mutating func handle(_ event: SimulationEvent, at now: Int64) {
        switch event {
        case .change: self.changeArrived(at: now)
        case .schedule(let repository, let workflow): self.scheduleFired(repository, workflow, at: now)
        case .advance(let run, let attempt): self.advance(run, attempt: attempt, at: now)
        case .createJob(let job): self.createJob(job, at: now)
        case .approveJob(let job): self.approveJob(job, at: now)
        case .startJob(let job, let runner): self.startJob(job, on: runner, at: now)
        case .finishJob(let job): self.finishJob(job, at: now)
        case .failFast(let run, let attempt, let matrix): self.failFast(run, attempt, matrix: matrix, at: now)
        case .cancelRun(let run, let attempt): self.cancelRun(run, attempt: attempt, at: now)
        case .approveRun(let run): self.approveRun(run, at: now)
        case .completeRun(let run, let attempt): self.completeRun(run, attempt: attempt, at: now)
        case .startupFailure(let run): self.failAtStartup(run, at: now)
        case .rerun(let run): self.rerun(run, at: now)
        }
    }
}
