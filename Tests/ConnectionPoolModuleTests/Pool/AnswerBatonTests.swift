//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import ConnectionPoolModule

@Suite("AnswerBaton", .timeLimit(.minutes(1)))
struct AnswerBatonTests {
    private let monitor = Monitor()
    private let timer = DeadlineTimer()
    private let answered = Recorder<Int>()

    /// A job that writes its number down when it is answered.
    private func job(_ number: Int) -> LeaseJob {
        let job = LeaseJob(lease: Lease("baton"))
        job.call = { [answered] command in
            if case .answer = command { answered.append(number) }
            return nil
        }
        return job
    }

    @Test("one is answered at once, the others by the one who was answered, in order; then it begins anew")
    func order() {
        let baton = AnswerBaton(monitor: self.monitor, timer: self.timer)
        let jobs = (1...4).map(self.job)
        self.monitor.withLock {
            #expect(baton.hold(jobs[0]) === jobs[0] && jobs[0].carriesBaton)
            #expect(baton.hold(jobs[1]) == nil && !jobs[1].carriesBaton)
            #expect(baton.hold(jobs[2]) == nil)
            let held = baton.pass()
            #expect(held.count == 2 && held[0] === jobs[1] && held[1] === jobs[2])
            #expect(baton.pass().isEmpty)
            #expect(baton.hold(jobs[3]) === jobs[3] && jobs[3].carriesBaton)
        }
        self.timer.stop()
    }

    @Test("who waits behind a caller that does not come is answered by the timer, again and again")
    func lateCaller() async throws {
        let baton = AnswerBaton(monitor: self.monitor, timer: self.timer)
        for round in 0..<5 {
            let jobs = (1...3).map { self.job(10 * round + $0) }
            self.monitor.withLock {
                #expect(baton.hold(jobs[0]) === jobs[0])
                for late in jobs[1...] { #expect(baton.hold(late) == nil) }
            }
            #expect(try await eventually { self.answered.all.suffix(2) == [10 * round + 2, 10 * round + 3] })
        }
        self.timer.stop()
    }

    @Test("a pool that ends leaves nobody behind a late caller, though its timer has stopped")
    func end() {
        let baton = AnswerBaton(monitor: self.monitor, timer: self.timer)
        self.timer.stop()
        let jobs = (1...3).map(self.job)
        let left = self.monitor.withLock {
            for job in jobs { _ = baton.hold(job) }
            return baton.end()
        }
        #expect(left.count == 2 && left[0] === jobs[1] && left[1] === jobs[2])
        #expect(self.monitor.withLock { baton.pass() }.isEmpty)
    }
}
