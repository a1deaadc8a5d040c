//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// One thread that calls its clients back at the instants they ask for.
///
/// A client has at most one pending instant. The call-back runs on the timer's thread without its lock, and returns
/// the client's next instant, if any.
package final class DeadlineTimer: @unchecked Sendable {
    // Everything mutable is guarded by `monitor`.
    package typealias Instant = MonotonicInstant
    package typealias Action = @Sendable (_ now: Instant) -> Instant?

    private struct Client {
        var due: Instant?
        let action: Action
    }

    private let monitor = Monitor()
    private let condition = Condition()
    private var clients: [Int: Client] = [:]
    private var nextClient = 0
    private var stopped = false

    package init() {
        WorkerThread.start(name: "weir-deadlines", stackBytes: 256 << 10) { [self] in self.run() }
    }

    /// Adds a client.
    ///
    /// - Returns: Its number, for ``arm(_:at:)`` and ``remove(_:)``.
    package func add(_ action: @escaping Action) -> Int {
        self.monitor.withLock {
            self.nextClient += 1
            self.clients[self.nextClient] = Client(due: nil, action: action)
            return self.nextClient
        }
    }

    /// Asks for a call at `instant`, or earlier if an earlier one is pending.
    package func arm(_ client: Int, at instant: Instant) {
        self.monitor.withLock {
            guard var entry = self.clients[client] else { return }
            if let due = entry.due, due <= instant { return }
            entry.due = instant
            self.clients[client] = entry
            self.condition.signal()
        }
    }

    /// Forgets a client; a call under way still ends.
    package func remove(_ client: Int) {
        self.monitor.withLock { _ = self.clients.removeValue(forKey: client) }
    }

    /// Ends the thread.
    package func stop() {
        self.monitor.withLock {
            self.stopped = true
            self.clients.removeAll()
            self.condition.signal()
        }
    }

    private func run() {
        self.monitor.lock()
        while !self.stopped {
            let now = Instant.now
            let due = self.clients.filter { $0.value.due.map { $0 <= now } ?? false }
            if due.isEmpty {
                if let next = self.clients.values.compactMap(\.due).min() {
                    _ = self.condition.wait(self.monitor, for: next - now)
                } else {
                    self.condition.wait(self.monitor)
                }
                continue
            }
            for key in due.keys { self.clients[key]?.due = nil }
            self.monitor.unlock()
            let results = due.map { ($0.key, $0.value.action(now)) }
            self.monitor.lock()
            for (key, next) in results {
                guard let next, var entry = self.clients[key] else { continue }
                entry.due = entry.due.map { min($0, next) } ?? next
                self.clients[key] = entry
            }
        }
        self.monitor.unlock()
    }
}
