//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Lets resumed callers resume each other, so that a connection's thread wakes a sleeping cooperative thread once for many
/// answers and not once for each.
///
/// Resuming a task from a foreign thread may take a system call and a switch of threads; resuming it from the thread that
/// runs tasks takes neither. So while one resumed caller (who carries the baton) is on its way to its thread, further
/// results are held; it resumes their callers when it gets there. Nothing is delayed on purpose: a result that finds no
/// baton out is answered at once. A caller may be slow to get a thread, since it belongs to a busy actor; then a timer
/// answers those who wait behind it.
///
/// Isolation: everything with the pool's lock held. Measured by: "point read" at 64 and 512 tasks.
final class AnswerBaton: @unchecked Sendable {
    // Guarded by the pool's monitor.
    @exclusivity(unchecked) private var held: [LeaseJob] = []
    @exclusivity(unchecked) private var isOut = false
    @exclusivity(unchecked) private var isGuarded = false
    private let timer: DeadlineTimer
    private var timerClient = 0

    /// The longest that a result waits for a caller who does not come.
    private static let patience: Duration = .milliseconds(5)

    init(monitor: Monitor, timer: DeadlineTimer) {
        self.timer = timer
        self.timerClient = timer.add { [weak self] _ in
            guard let self else { return nil }
            // Who is late finds nothing to pass on.
            let late = monitor.withLock {
                self.isGuarded = false
                return self.isOut ? self.pass() : []
            }
            for job in late { job.answer() }
            return nil
        }
    }

    /// A result is there. Nothing is gained by holding one whose caller is a closure.
    ///
    /// - Returns: The job to be answered now, if it has to be this one.
    func hold(_ job: LeaseJob) -> LeaseJob? {
        if job.isDirect { return job }
        guard self.isOut else {
            self.isOut = true
            job.carriesBaton = true
            return job
        }
        self.held.append(job)
        if !self.isGuarded {
            self.isGuarded = true
            self.timer.arm(self.timerClient, at: .now.advanced(by: Self.patience))
        }
        return nil
    }

    /// Whoever carries the baton takes all that was held.
    func pass() -> [LeaseJob] {
        self.isOut = false
        defer { self.held = [] }
        return self.held
    }

    /// The pool has ended, and nobody looks after those who wait behind a late caller any more: they are answered now.
    func end() -> [LeaseJob] {
        self.timer.remove(self.timerClient)
        return self.pass()
    }
}
