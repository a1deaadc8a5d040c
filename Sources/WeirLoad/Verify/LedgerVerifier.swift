//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

package import ConnectionPoolModule
import GitHubWebhooks
import WeirModel
package import WeirStore

/// Compares what senders were told with what a database holds.
///
/// Every delivery that was answered 202 must be there once, every refused one must not; and each job and each run must be
/// what its deliveries fold into by the rules of `WeirModel`, field by field. Then everything that is kept beside the
/// rows is computed from them again. One that could never be applied is a dead letter, and one that is not applied yet
/// is in the outbox: neither is lost, and both are counted.
///
/// The rows of the ledgers' jobs must come from the ledgers' deliveries alone; other rows are left alone. Memory is for
/// the jobs and runs of the ledgers.
package struct LedgerVerifier: Sendable {
    private let states: [LedgerState]
    private let ledgerCount: Int

    /// - Throws: ``LoadError`` when what was replayed is not there any more.
    package init(_ ledgers: [LoadLedger]) throws {
        var states: [LedgerState] = []
        for ledger in ledgers {
            let state = try LedgerState(ledger)
            if let known = states.firstIndex(where: { $0.isSameReplay(as: state) }) {
                states[known].add(state)
            } else {
                states.append(state)
            }
        }
        self.states = states
        self.ledgerCount = ledgers.count
    }

    /// Compares with a database that nobody sends to meanwhile.
    ///
    /// - Parameter waiting: The deliveries that the outbox holds.
    /// - Throws: What the store throws.
    package func verify(
        _ store: WeirStore, waiting: [String] = [], lease: Lease
    ) async throws -> VerifyReport {
        let states = self.states
        var report = try await store.checkingRows(lease: lease) { rows in
            var comparison = LedgerComparison(states, waiting: waiting, dead: try rows.deadLetters())
            try comparison.run(rows)
            return comparison.report
        }
        report.ledgers = self.ledgerCount
        for difference in try await store.differences(lease: lease) {
            report.report("kept beside the rows: \(difference)")
        }
        return report
    }
}

/// One pass over the rows.
private struct LedgerComparison {
    private var states: [LedgerState]
    /// What the deliveries found fold into; nil for a job or run none of whose deliveries was found.
    private var jobs: [JobKey<String>: JobRecord<String>?] = [:]
    private var runs: [RunKey<String>: RunRecord<String>?] = [:]
    private(set) var report = VerifyReport()

    /// Where a delivery is that is not there, by load and number.
    private enum Elsewhere: String {
        case waiting = "in the outbox"
        case dead = "a dead letter"
    }

    private var elsewhere: [[Int: Elsewhere]]

    init(_ states: [LedgerState], waiting: [String], dead: [String]) {
        self.states = states
        self.elsewhere = states.map { state in
            var places: [Int: Elsewhere] = [:]
            // One that died and is tried again is in both.
            for id in dead { if let number = state.index.number(id) { places[number] = .dead } }
            for id in waiting { if let number = state.index.number(id) { places[number] = .waiting } }
            return places
        }
    }

    mutating func run(_ rows: StoredRows) throws {
        try rows.forEachDelivery { self.take($0) }
        for load in self.states.indices { self.settle(load) }
        try self.compareJobs(rows)
        try self.compareRuns(rows)
    }

    // MARK: - Deliveries

    private mutating func take(_ stored: StoredRows.Delivery) {
        for load in self.states.indices {
            guard let number = self.states[load].index.number(stored.id) else { continue }
            guard self.states[load].noteFound(number) else {
                return self.report.report("delivery \(stored.id) is there more than once")
            }
            let message = self.states[load].source.message(number)
            guard let event = try? GitHubEvent.read(type: message.event, json: message.json) else {
                return self.report.report("delivery \(stored.id) is there, though it cannot be read")
            }
            self.compare(stored, message.event, event)
            return self.fold(event, receivedAt: stored.receivedAt)
        }
        self.report.foreign += 1
    }

    private mutating func compare(_ stored: StoredRows.Delivery, _ type: String, _ event: LifecycleEvent) {
        let (run, job): (Int64, Int64?) =
            switch event {
            case .job(let record): (record.runID, record.key.id)
            case .run(let record): (record.key.id, nil)
            }
        guard stored.event != type || stored.runID != run || stored.jobID != job else { return }
        self.report.report(
            "delivery \(stored.id) is kept as \(stored.event) of run \(stored.runID) and job "
                + "\(stored.jobID.map(String.init) ?? "none"), should be \(type) of \(run) and "
                + "\(job.map(String.init) ?? "none")")
    }

    private mutating func fold(_ event: LifecycleEvent, receivedAt: Timestamp) {
        switch event {
        case .job(var record):
            record.receipts = Receipts(stage: record.stage, at: receivedAt)
            let known = self.jobs[record.key] ?? nil
            self.jobs[record.key] = known?.merged(with: record) ?? record
        case .run(let record):
            let known = self.runs[record.key] ?? nil
            self.runs[record.key] = known?.merged(with: record) ?? record
        }
    }

    /// Compares the claims of one load with what was found of it.
    private mutating func settle(_ load: Int) {
        self.report.sends += self.states[load].recordedSends
        for number in 0..<self.states[load].count {
            let found = self.states[load].found(number)
            switch self.states[load].claim(number) {
            case .applied:
                self.report.applied += 1
                if found == 0 { self.settleMissing(load, number) }
            case .absent:
                self.report.absent += 1
                if found > 0 {
                    self.report.report("delivery \(self.name(load, number)) was refused and is there")
                } else if let place = self.elsewhere[load][number] {
                    self.report.report("delivery \(self.name(load, number)) was refused and is \(place.rawValue)")
                }
            case .open:
                guard self.states[load].isRecorded(number) || found > 0 else { continue }
                self.report.open += 1
                if found > 0 { self.report.openFound += 1 }
            }
            if found == 0 { self.expectNothing(load, number) }
        }
    }

    private mutating func settleMissing(_ load: Int, _ number: Int) {
        switch self.elsewhere[load][number] {
        case .waiting: self.report.waiting += 1
        case .dead: self.report.deadLetters += 1
        case nil: self.report.report("delivery \(self.name(load, number)) was answered 202 and is not there")
        }
    }

    private func name(_ load: Int, _ number: Int) -> String { self.states[load].source.id(number) }

    /// A job or run that is known only from deliveries which are not there must not be there either.
    private mutating func expectNothing(_ load: Int, _ number: Int) {
        let message = self.states[load].source.message(number)
        switch try? GitHubEvent.read(type: message.event, json: message.json) {
        case .job(let record): if self.jobs[record.key] == nil { self.jobs[record.key] = .some(nil) }
        case .run(let record): if self.runs[record.key] == nil { self.runs[record.key] = .some(nil) }
        case nil: break
        }
    }

    // MARK: - Rows

    private mutating func compareJobs(_ rows: StoredRows) throws {
        // The attempts that jobs tell of have a row, whether or not an event of the run itself came.
        for case .some(let job) in self.jobs.values where self.runs[job.runKey] == .some(nil) {
            self.runs.removeValue(forKey: job.runKey)
        }
        try rows.forEachJob { stored, pool in
            guard let known = self.jobs.removeValue(forKey: stored.key) else { return }
            guard var expected = known else {
                return self.report.report("job \(stored.key.id) is there, and none of its deliveries is")
            }
            self.report.jobs += 1
            let faults = RecordDifference.receipts(expected: expected.receipts, stored: stored.receipts)
            expected.receipts = stored.receipts
            let fields = RecordDifference.fields(expected: expected, stored: stored)
            for fault in faults + fields { self.report.report("job \(stored.key.id): \(fault)") }
            let expectedPool = RunnerPool.name(for: LabelSet(canonicalText: expected.labels ?? ""))
            if pool != expectedPool, pool != RunnerPool.other {
                self.report.report("job \(stored.key.id): its pool is \(pool), should be \(expectedPool)")
            }
        }
        for case (let key, .some) in self.jobs { self.report.report("job \(key.id) is missing") }
    }

    private mutating func compareRuns(_ rows: StoredRows) throws {
        try rows.forEachRun { stored in
            guard let known = self.runs.removeValue(forKey: stored.key) else { return }
            let name = "run \(stored.key.id), attempt \(stored.key.attempt)"
            guard let expected = known else {
                return self.report.report("\(name) is there, and none of its deliveries is")
            }
            self.report.runs += 1
            for field in RecordDifference.fields(expected: expected, stored: stored) {
                self.report.report("\(name): \(field)")
            }
        }
        for case (let key, .some) in self.runs {
            self.report.report("run \(key.id), attempt \(key.attempt) is missing")
        }
    }
}
