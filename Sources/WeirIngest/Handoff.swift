//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization

/// One place from which a loop takes what it is to do next. Holds one thing at a time; `nil` ends the loop.
final class Handoff<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var isFinished = false
        var waiter: CheckedContinuation<Value?, Never>?
    }

    private let state = Mutex(State())

    /// Gives the loop something to do; it has taken what it was given before.
    func put(_ value: Value) {
        let waiter = self.state.withLock { state in
            precondition(state.value == nil, "the loop has not taken what it was given before")
            let waiter = state.waiter.take()
            if waiter == nil { state.value = value }
            return waiter
        }
        waiter?.resume(returning: value)
    }

    /// Lets the loop end when it has done what it was given.
    func finish() {
        let waiter = self.state.withLock { state in
            state.isFinished = true
            return state.waiter.take()
        }
        waiter?.resume(returning: nil)
    }

    /// What is to be done next; nil when nothing will be. For one caller at a time.
    func next() async -> Value? {
        await withCheckedContinuation { continuation in
            let ready: Value?? = self.state.withLock { state in
                if let value = state.value.take() { return .some(value) }
                if state.isFinished { return .some(nil) }
                state.waiter = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
