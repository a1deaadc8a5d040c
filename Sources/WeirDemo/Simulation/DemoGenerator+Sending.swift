//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension DemoGenerator {
    /// The time from a transition to its delivery, in milliseconds.
    static let sendDelayMilliseconds: Int64 = 300

    /// Sends a body as a delivery: mostly at once, sometimes late, rarely twice with the same id.
    ///
    /// - Parameters:
    ///   - event: `workflow_job` or `workflow_run`.
    ///   - body: The JSON.
    ///   - now: When the transition happened, in milliseconds since the epoch.
    mutating func send(event: String, body: [UInt8], at now: Int64) {
        let id = self.random.uuid()
        var at = now + Self.sendDelayMilliseconds
        if self.random.chance(self.settings.lateShare) { at += self.random.integer(in: 1_500...12_000) }
        self.outbox.insert(DemoDelivery(event: event, id: id, atMilliseconds: at, body: body), at: at)
        if self.random.chance(self.settings.duplicateShare) {
            let again = at + self.random.integer(in: 1_000...30_000)
            self.outbox.insert(DemoDelivery(event: event, id: id, atMilliseconds: again, body: body), at: again)
        }
    }
}
