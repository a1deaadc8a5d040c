//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization
import TestSupport

@testable import ConnectionPoolModule

/// A driver whose connections are numbers.
final class NumberDriver: PoolDriver {
    struct OpenFailed: Error {}

    let name = "test"
    let opened = Counter()
    let closed = Counter()
    /// Openings that were tried, also those that failed.
    let tried = Counter()
    let failsToOpen = Atomic<Bool>(false)

    /// A connection with a number.
    final class Numbered {
        let number: Int

        init(_ number: Int) { self.number = number }
    }

    func open(_ id: ConnectionID) throws -> Numbered {
        self.tried.increment()
        if self.failsToOpen.load(ordering: .sequentiallyConsistent) { throw OpenFailed() }
        return Numbered(self.opened.increment())
    }

    func execute(
        _ batch: LeaseBatch, on connection: Numbered, answer: (LeaseJob) -> Void
    ) -> ConnectionVerdict {
        for job in batch { _ = job.run(on: connection) }
        return .reusable
    }

    func validate(_ connection: Numbered) -> Bool { true }

    func becameIdle(_ connection: Numbered) {}

    func close(_ connection: Numbered, isHealthy: Bool) { self.closed.increment() }

    /// A pool of such connections, with a timer of its own.
    func pool(
        connections: Int = 2, waiters: Int = 1_000, delegate: (any PoolDelegate)? = nil,
        _ change: (inout PoolStateMachine.Limits) -> Void = { _ in }
    ) -> ConnectionPool<NumberDriver> {
        var limits = PoolStateMachine.Limits(connectionsMax: connections, waitersMax: waiters)
        change(&limits)
        return ConnectionPool(driver: self, limits: limits, timer: DeadlineTimer(), delegate: delegate)
    }
}

/// A thread's stop light.
final class Signal: @unchecked Sendable {
    // `isSet` is guarded by `monitor`.
    private let monitor = Monitor()
    private let condition = Condition()
    private var isSet = false

    func set() {
        self.monitor.withLock {
            self.isSet = true
            self.condition.broadcast()
        }
    }

    /// Holds the thread until the light is set, for half a minute at most.
    func wait() {
        let end = MonotonicInstant.now.advanced(by: .seconds(30))
        self.monitor.withLock {
            while !self.isSet, self.condition.wait(self.monitor, for: end - .now) {}
        }
    }
}

/// A number that threads share.
final class Counter: Sendable {
    private let atomic = Atomic<Int>(0)

    var value: Int { self.atomic.load(ordering: .sequentiallyConsistent) }

    /// - Returns: The number after the increment.
    @discardableResult
    func increment() -> Int { self.atomic.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
}

/// A list that threads share.
final class Recorder<Element: Sendable>: @unchecked Sendable {
    // `elements` is guarded by `monitor`.
    private let monitor = Monitor()
    private var elements: [Element] = []

    func append(_ element: Element) { self.monitor.withLock { self.elements.append(element) } }

    var all: [Element] { self.monitor.withLock { self.elements } }
}
