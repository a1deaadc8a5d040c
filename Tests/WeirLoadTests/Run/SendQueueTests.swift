//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import WeirLoad

@Suite("Queues of a load")
struct SendQueueTests {
    private func pending(_ send: Int, due: Int64) -> PendingSend { PendingSend(send: send, attempt: 0, due: due) }

    @Test("What waits for a connection gets one in turn, or is given up after its time")
    func backlog() {
        var queue = SendQueue(timeout: .seconds(2))
        for send in 0..<3 { queue.wait(self.pending(send, due: Int64(send) * 1_000_000_000)) }
        #expect(queue.next()?.send == 0)
        #expect(queue.expired(at: 2_999_999_999) == nil)
        #expect(queue.expired(at: 3_000_000_000)?.send == 1)
        #expect(queue.expired(at: 3_000_000_000) == nil)
        #expect(queue.backlogCount == 1)
    }

    @Test("An answer is overdue after its time, counted from the sending")
    func overdue() {
        var queue = SendQueue(timeout: .milliseconds(5))
        queue.sent(on: 4, request: 9, at: 1_000_000)
        queue.sent(on: 5, request: 1, at: 2_000_000)
        #expect(queue.overdue(at: 5_999_999) == nil)
        let overdue = queue.overdue(at: 6_000_000)
        #expect(overdue?.connection == 4 && overdue?.request == 9)
        #expect(queue.overdue(at: 6_000_000) == nil)
    }

    @Test("What was not taken is due again, as the next attempt")
    func redelivery() {
        var queue = SendQueue(timeout: .seconds(1), redeliverAfter: .seconds(3))
        queue.redeliver(self.pending(7, due: 5), at: 100)
        #expect(queue.redelivery(at: 3_000_000_099) == nil)
        #expect(queue.redelivery(at: 3_000_000_100) == PendingSend(send: 7, attempt: 1, due: 3_000_000_100))
        queue.redeliver(self.pending(8, due: 5), at: 100)
        queue.forgetRedeliveries()
        #expect(queue.redeliveryCount == 0)
    }
}
