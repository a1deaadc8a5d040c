//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension ConnectionPool {
    /// A connection's life, on its own thread.
    func runThread(_ id: ConnectionID, _ slot: Slot) {
        let started = ContinuousClock.now
        let connection: Driver.Connection
        do {
            connection = try self.driver.open(id)
        } catch {
            return self.openFailed(id, error)
        }
        self.opened(id, after: .now - started)
        var isHealthy = true
        while let batch = self.nextBatch(slot, connection) {
            var verdict = self.driver.execute(batch, on: connection) { job in self.answer(job) }
            if verdict == .suspect { verdict = self.driver.validate(connection) ? .reusable : .broken }
            isHealthy = verdict != .broken
            self.finished(id, slot, batch, isReusable: verdict == .reusable)
        }
        self.driver.close(connection, isHealthy: isHealthy)
        self.closed(id)
    }

    private func nextBatch(_ slot: Slot, _ connection: Driver.Connection) -> LeaseBatch<Driver.Connection>? {
        self.monitor.lock()
        if slot.batch == nil, !slot.isClosing {
            self.monitor.unlock()
            self.driver.becameIdle(connection)
            self.monitor.lock()
            while slot.batch == nil, !slot.isClosing { slot.condition.wait(self.monitor) }
        }
        defer { self.monitor.unlock() }
        defer { slot.batch = nil }
        return slot.batch
    }
}
