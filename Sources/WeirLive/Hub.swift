//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import SQLCore
import Synchronization
public import WeirModel

/// Tells subscribers what was committed: at most one frame per topic and interval, the latest state always.
///
/// Its only input is a ``Committed`` change, which nothing but a database's writer can make.
public final class Hub: Sendable {
    private struct State: ~Copyable {
        var machine: HubStateMachine
        var waiters: [HubStateMachine.Subscriber: CheckedContinuation<Void, Never>] = [:]
        var nextSubscriber: UInt64 = 0
        var flusher: CheckedContinuation<Void, Never>?
        var hasChange = false
        var isClosed = false
    }

    private let state: Mutex<State>
    private let interval: Duration
    private let heartbeatInterval: Duration
    /// Tells this hub's history from that of an earlier process.
    public let epoch: Int64

    /// - Parameters:
    ///   - counts: The figures at the start.
    ///   - lastDeliveryAt: When the feed was last heard of.
    ///   - interval: Least time between two frames of a topic. Default: 500 ms.
    ///   - heartbeatInterval: Time between two signs of life. Default: 5 s.
    ///   - subscribersMax: Most subscribers. Default: 512.
    public init(
        counts: LiveCounts, lastDeliveryAt: Timestamp? = nil, now: Timestamp, interval: Duration = .milliseconds(500),
        heartbeatInterval: Duration = .seconds(5), subscribersMax: Int = 512
    ) {
        self.interval = interval
        self.heartbeatInterval = heartbeatInterval
        self.epoch = now.milliseconds
        self.state = Mutex(
            State(
                machine: HubStateMachine(
                    subscribersMax: subscribersMax, counts: counts, lastDeliveryAt: lastDeliveryAt, now: now)))
    }

    /// Subscribers present.
    public var subscriberCount: Int { self.state.withLock { $0.machine.subscriberCount } }

    /// Whether one more may subscribe.
    public var acceptsSubscribers: Bool { self.state.withLock { !$0.isClosed && !$0.machine.isFull } }

    /// Takes a committed change. Never waits.
    public func publish(_ change: Committed<LiveChange>) {
        let flusher = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.machine.collect(change.value) else { return nil }
            state.hasChange = true
            return state.flusher.take()
        }
        flusher?.resume()
    }

    /// Sends frames until cancelled.
    ///
    /// - Parameter clock: Gives the time of heartbeats.
    public func run(clock: @escaping @Sendable () -> Timestamp) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    await self.waitForChange()
                    self.wake { $0.flush(now: clock()) }
                    // A cancelled sleep ends the loop by its condition.
                    try? await Task.sleep(for: self.interval)
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: self.heartbeatInterval)
                    self.wake { $0.beat(now: clock()) }
                }
            }
        }
    }

    /// Ends every stream, and each that would still begin.
    public func close() {
        let (waiters, flusher) = self.state.withLock { state in
            state.isClosed = true
            let waiters = Array(state.waiters.values)
            state.waiters.removeAll()
            return (waiters, state.flusher.take())
        }
        for waiter in waiters { waiter.resume() }
        flusher?.resume()
    }

    private func waitForChange() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = self.state.withLock { state in
                    if state.hasChange || state.isClosed || Task.isCancelled {
                        state.hasChange = false
                        return true
                    }
                    state.flusher = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.flusher.take() }?.resume()
        }
        self.state.withLock { $0.hasChange = false }
    }

    private func wake(_ transition: (inout HubStateMachine) -> [HubStateMachine.Subscriber]) {
        let waiters = self.state.withLock { state in
            transition(&state.machine).compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: - Subscribers

    /// A place in the hub's history.
    public struct Subscription: Sendable {
        fileprivate let hub: Hub
        fileprivate let subscriber: HubStateMachine.Subscriber

        /// What happened since the last call, as soon as something has; nil when the stream is to end.
        ///
        /// Cancellation: returns nil.
        public func next() async -> (id: String, frames: [LiveFrame])? {
            while !Task.isCancelled {
                if self.hub.isClosed { return nil }
                if let next = self.hub.take(self.subscriber) { return ("\(self.hub.epoch)-\(next.step)", next.frames) }
                await self.hub.wait(self.subscriber)
            }
            return nil
        }

    }

    /// Runs `body` with a subscription that ends with it.
    ///
    /// - Parameter lastEventID: The id of the last frame of an earlier stream; one of another process is ignored.
    /// - Returns: Nil, without running `body`, when there are too many subscribers or the hub is closed.
    public func withSubscription<Value>(
        lastEventID: String?, _ body: (Subscription) async throws -> Value
    ) async rethrows -> Value? {
        let subscriber = self.state.withLock { state -> HubStateMachine.Subscriber? in
            guard !state.isClosed else { return nil }
            state.nextSubscriber += 1
            let subscriber = HubStateMachine.Subscriber(value: state.nextSubscriber)
            return state.machine.subscribe(subscriber, lastSeen: self.step(of: lastEventID)) ? subscriber : nil
        }
        guard let subscriber else { return nil }
        defer { self.unsubscribe(subscriber) }
        return try await body(Subscription(hub: self, subscriber: subscriber))
    }

    private func step(of lastEventID: String?) -> Int? {
        guard let parts = lastEventID?.split(separator: "-"), parts.count == 2, Int64(parts[0]) == self.epoch else {
            return nil
        }
        return Int(parts[1])
    }

    private var isClosed: Bool { self.state.withLock { $0.isClosed } }

    private func take(_ subscriber: HubStateMachine.Subscriber) -> (step: Int, frames: [LiveFrame])? {
        self.state.withLock { $0.machine.next(subscriber) }
    }

    private func wait(_ subscriber: HubStateMachine.Subscriber) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = self.state.withLock { state in
                    guard !state.isClosed, !Task.isCancelled, state.machine.isIdle(subscriber) else { return false }
                    state.waiters[subscriber] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiters.removeValue(forKey: subscriber) }?.resume()
        }
    }

    private func unsubscribe(_ subscriber: HubStateMachine.Subscriber) {
        let waiter = self.state.withLock { state in
            state.machine.unsubscribe(subscriber)
            return state.waiters.removeValue(forKey: subscriber)
        }
        waiter?.resume()
    }
}
