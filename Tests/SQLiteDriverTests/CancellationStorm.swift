//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore
import TestSupport

@testable import SQLiteDriver

/// Many tasks that ask, of which many leave, each at a moment that a seed decides.
///
/// What each of them gets is judged by its own fate alone: whoever neither left nor had too little time gets the right
/// result, whatever became of the others.
struct CancellationStorm: Sendable {
    /// When a task leaves.
    enum Moment: CaseIterable, Sendable {
        /// Before its lease is known to anyone.
        case before
        /// After some turns of the scheduler, or some time: on its way, waiting, or running.
        case yielding, spinning
        /// When its closure has begun, or has ended.
        case running, ending
    }

    /// How far a closure is; it cancels its own task there if that is its fate.
    final class Progress: @unchecked Sendable {
        // Everything is guarded by `monitor`.
        private let monitor = Monitor()
        private let moment: Moment?
        private var reached: Moment?
        private var cancel: (@Sendable () -> Void)?
        private var isCancelled = false

        init(_ moment: Moment?) { self.moment = moment }

        /// The closure runs.
        func begin() { self.reach(.running) }

        /// The closure is about to return.
        func end() { self.reach(.ending) }

        /// The task is there and can be cancelled; its closure may have been quicker.
        func arm(_ cancel: @escaping @Sendable () -> Void) {
            let isReached = self.monitor.withLock {
                self.cancel = cancel
                return self.moment != nil && self.reached == self.moment
            }
            if isReached { self.leave() }
        }

        /// Cancels the task.
        func leave() {
            self.monitor.withLock {
                self.isCancelled = true
                return self.cancel
            }?()
        }

        /// Whether the task was cancelled, sooner or later.
        var hasLeft: Bool { self.monitor.withLock { self.isCancelled } }

        private func reach(_ moment: Moment) {
            let isDue = self.monitor.withLock {
                if self.reached != self.moment { self.reached = moment }
                return self.cancel != nil && moment == self.moment
            }
            if isDue { self.leave() }
        }
    }

    enum Work: Sendable {
        /// The sum of the values of these rows.
        case sum(ClosedRange<Int64>)
        /// A query without an end.
        case endless
        /// Rows with this name, all or none.
        case write(Int64)
    }

    /// Who is asked.
    typealias Subject = @Sendable (Work, Lease, Progress) async throws -> Int64

    /// What happened.
    struct Tally: Sendable {
        var asked = 0
        var cancelled = 0
        var stopped = 0
        var tooLate = 0
        var overdue = 0
        var violations = 0
        var firstViolation: String?
        /// What became of each write: true and false where it is known.
        var writes: [Int64: Bool] = [:]
        var unknownWrites: Set<Int64> = []

        static func += (left: inout Tally, right: Tally) {
            left.asked += right.asked
            left.cancelled += right.cancelled
            left.stopped += right.stopped
            left.tooLate += right.tooLate
            left.overdue += right.overdue
            left.violations += right.violations
            left.firstViolation = left.firstViolation ?? right.firstViolation
            left.writes.merge(right.writes) { $1 }
            left.unknownWrites.formUnion(right.unknownWrites)
        }
    }

    /// One question and its fate.
    private struct Question: Sendable {
        let work: Work
        let moment: Moment?
        let isHasty: Bool
        let lease: Lease
        let expected: Int64
    }

    static let rows: Int64 = 20_000
    /// Rows of a write: most are small, some are not.
    static func rowCount(_ id: Int64) -> Int64 { id % 10 == 0 ? 40 : 1 }

    let seed: UInt64
    let tasks: Int
    /// Whether there are writes and queries without an end, too.
    let isMixed: Bool
    let subject: Subject

    /// Runs until so many tasks have left.
    func run(cancellations: Int) async -> Tally {
        await withTaskGroup(of: Tally.self) { group in
            for task in 0..<self.tasks {
                group.addTask {
                    var generator = SeededGenerator(seed: self.seed &+ UInt64(task))
                    var tally = Tally()
                    while tally.cancelled < cancellations / self.tasks + 1 {
                        let name = Int64(tally.asked * self.tasks + task)
                        await self.ask(self.question(name, using: &generator), &tally, using: &generator)
                    }
                    return tally
                }
            }
            return await group.reduce(into: Tally()) { $0 += $1 }
        }
    }

    private func question(_ name: Int64, using generator: inout SeededGenerator) -> Question {
        let isHasty = Int.random(in: 0..<25, using: &generator) == 0
        let timeout: Duration = isHasty ? .microseconds(Int.random(in: 50...3_000, using: &generator)) : .seconds(60)
        let leaves = Int.random(in: 0..<3, using: &generator) > 0
        var moment = leaves ? Moment.allCases.randomElement(using: &generator) : nil
        let first = Int64.random(in: 1...Self.rows - 2_000, using: &generator)
        let work: Work
        var expected: Int64 = 0
        switch Int.random(in: 0..<100, using: &generator) {
        case 0 where self.isMixed && (isHasty || moment != nil):
            work = .endless
            if moment == .ending { moment = .running }
        case ..<30 where self.isMixed:
            work = .write(name)
            expected = Self.rowCount(name)
        case ..<45:
            work = .sum(first...first + 2_000)
            expected = 3 * 2_001 * (first + 1_000)
        default:
            work = .sum(first...first)
            expected = first * 3
        }
        let lease = Lease("storm", acquireTimeout: timeout, timeout: timeout)
        return Question(work: work, moment: moment, isHasty: isHasty, lease: lease, expected: expected)
    }

    private func ask(
        _ question: Question, _ tally: inout Tally, using generator: inout SeededGenerator
    ) async {
        let progress = Progress(question.moment)
        let task = Task {
            if question.moment == .before { withUnsafeCurrentTask { $0?.cancel() } }
            return try await self.subject(question.work, question.lease, progress)
        }
        progress.arm { task.cancel() }
        switch question.moment {
        case nil, .running, .ending: break
        case .before: progress.leave()
        case .yielding:
            for _ in 0..<Int.random(in: 0...6, using: &generator) { await Task.yield() }
            progress.leave()
        case .spinning:
            let end = MonotonicInstant.now.advanced(by: .microseconds(Int.random(in: 0...200, using: &generator)))
            while MonotonicInstant.now < end {}
            progress.leave()
        }
        let result = await task.result
        let hasLeft = progress.hasLeft
        tally.asked += 1
        if hasLeft { tally.cancelled += 1 }
        if case .write(let id) = question.work { self.note(result, of: id, &tally) }
        guard let violation = self.judge(result, question, hasLeft: hasLeft, &tally) else { return }
        tally.violations += 1
        tally.firstViolation = tally.firstViolation ?? violation
    }

    /// What is wrong with an answer, given the fate of the one who asked.
    private func judge(
        _ result: Result<Int64, any Error>, _ question: Question, hasLeft: Bool, _ tally: inout Tally
    ) -> String? {
        let subject = "\(question.work), \(hasLeft ? "left \(question.moment.map { "\($0)" } ?? "")" : "stayed")"
        switch result {
        case .success(let value):
            if hasLeft { tally.tooLate += 1 }
            return value == question.expected ? nil : "\(subject): \(value), not \(question.expected)"
        case .failure(is CancellationError):
            tally.stopped += 1
            return hasLeft ? nil : "\(subject): cancelled"
        case .failure(let error as LeaseError) where error.reason == .deadlineExceeded || error.reason == .busy:
            tally.overdue += 1
            return question.isHasty ? nil : "\(subject): \(error)"
        case .failure(let error as DatabaseError) where error.code.primary == .sqliteInterrupt:
            // A write that came too late for its own deadline is told so by the driver.
            tally.overdue += 1
            return question.isHasty || hasLeft ? nil : "\(subject): \(error)"
        case .failure(let error): return "\(subject): \(error)"
        }
    }

    /// What the one who asked for a write knows of it.
    private func note(_ result: Result<Int64, any Error>, of id: Int64, _ tally: inout Tally) {
        switch result {
        case .success: tally.writes[id] = true
        case .failure(let error as LeaseError) where error.hadStarted: tally.unknownWrites.insert(id)
        case .failure: tally.writes[id] = false
        }
    }
}
