//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import Synchronization
import TestSupport
import Testing
import WeirLive
import WeirModel

@Suite(.timeLimit(.minutes(1))) struct HubTests {
    private static let start = Timestamp(milliseconds: 1_700_000_000_000)

    private static func hub(
        interval: Duration = .milliseconds(1), heartbeatInterval: Duration = .seconds(3_600), subscribersMax: Int = 512,
        now: Timestamp = Self.start
    ) -> Hub {
        Hub(
            counts: LiveCounts(), now: now, interval: interval, heartbeatInterval: heartbeatInterval,
            subscribersMax: subscribersMax)
    }

    /// A committed change in which everything tells its number.
    private static func change(_ number: Int64) -> Committed<LiveChange> {
        Committed(
            LiveChange(
                runs: [RunKey(source: "github.com", id: number, attempt: 1)],
                counts: LiveCounts(running: number), deliveries: 1, at: Self.start.adding(seconds: number)))
    }

    /// Runs `body` beside a running hub.
    private static func running<Value: Sendable>(
        _ hub: Hub, clock: @escaping @Sendable () -> Timestamp = { Self.start },
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                await hub.run(clock: clock)
                return nil
            }
            group.addTask { try await body() }
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                return result
            }
            throw CancellationError()
        }
    }

    /// The number of the latest figures in some frames.
    private static func number(_ frames: [LiveFrame]) -> Int64? {
        for case .counts(let counts, _) in frames.reversed() { return counts.running }
        return nil
    }

    /// Waits for figures of at least a number.
    ///
    /// - Returns: The frames they came with; nil when the stream ended before.
    private static func next(_ subscription: Hub.Subscription, _ number: Int64) async -> [LiveFrame]? {
        while let next = await subscription.next() {
            if (Self.number(next.frames) ?? -1) >= number { return next.frames }
        }
        return nil
    }

    // MARK: - Delivery

    @Test("The first frames come at once, without a hub that runs")
    func firstFrames() async throws {
        let hub = Self.hub()
        let frames = await hub.withSubscription(lastEventID: nil) { await $0.next()?.frames }
        #expect(
            try #require(frames) == [
                .counts(LiveCounts(), at: Self.start),
                .ingest(lastDeliveryAt: nil, deliveries: 0, at: Self.start),
            ])
    }

    @Test("Every one of many subscribers sees the latest state")
    func everySubscriber() async throws {
        let hub = Self.hub()
        let count = 50
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        let seen = try await Self.running(hub) {
            try await withThrowingTaskGroup(of: Int64?.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        try await hub.withSubscription(lastEventID: nil) { subscription in
                            _ = try #require(await subscription.next())
                            arrived.yield()
                            return await Self.next(subscription, 100).flatMap(Self.number)
                        } ?? nil
                    }
                }
                var present = 0
                for await _ in arrivals {
                    present += 1
                    if present == count { break }
                }
                #expect(hub.subscriberCount == count)
                for number: Int64 in 1...100 { hub.publish(Self.change(number)) }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(seen == Array(repeating: 100, count: count))
        #expect(hub.subscriberCount == 0)
    }

    @Test("A subscriber that does not read delays no other, and is then told the latest")
    func slowSubscriber() async throws {
        let hub = Self.hub()
        let isIn = Gate()
        let mayRead = Gate()
        let last: Int64 = 100
        try await Self.running(hub) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await hub.withSubscription(lastEventID: nil) { slow in
                        _ = try #require(await slow.next())
                        await isIn.open()
                        await mayRead.wait()
                        let frames = try #require(await slow.next()?.frames)
                        #expect(Self.number(frames) == last)
                        #expect(frames.last == .runs([], more: true))
                    }
                }
                await isIn.wait()
                try await hub.withSubscription(lastEventID: nil) { quick in
                    _ = try #require(await quick.next())
                    for number in 1...last {
                        hub.publish(Self.change(number))
                        // Each step is seen, one by one, while the other does not move.
                        let frames = try #require(await Self.next(quick, number))
                        #expect(Self.number(frames) == number)
                        #expect(
                            frames.last == .runs([RunKey(source: "github.com", id: number, attempt: 1)], more: false))
                    }
                }
                await mayRead.open()
                try await group.waitForAll()
            }
        }
    }

    /// The runs that a subscriber is told of until it has been told of the last.
    private static func runs(_ subscription: Hub.Subscription, upTo last: Int64) async -> Set<Int64> {
        var runs: Set<Int64> = []
        var latest: Int64 = 0
        while latest < last || !runs.contains(last), let next = await subscription.next() {
            latest = Self.number(next.frames) ?? latest
            for case .runs(let keys, let more) in next.frames {
                runs.formUnion(keys.map(\.id))
                // So far behind that it is told to look for itself.
                if more { runs.formUnion(1...latest) }
            }
        }
        return runs
    }

    @Test("Every change is told of, however changes and readers meet")
    func nothingLost() async throws {
        let hub = Self.hub(interval: .zero)
        let last: Int64 = 300
        let runs = try await Self.running(hub) { () -> Set<Int64> in
            let runs = await hub.withSubscription(lastEventID: nil) { subscription -> Set<Int64> in
                _ = await subscription.next()
                return await withTaskGroup(of: Void.self) { group -> Set<Int64> in
                    group.addTask {
                        for number in 1...last {
                            hub.publish(Self.change(number))
                            await Task.yield()
                        }
                    }
                    return await Self.runs(subscription, upTo: last)
                }
            }
            return try #require(runs)
        }
        #expect(runs == Set(1...last))
    }

    // MARK: - Time

    /// The times at which a hub made steps while changes came without a pause.
    private static func steps(_ count: Int, interval: Duration) async throws -> [ContinuousClock.Instant] {
        let hub = Self.hub(interval: interval)
        let steps = Mutex<[ContinuousClock.Instant]>([])
        let clock: @Sendable () -> Timestamp = {
            steps.withLock { $0.append(.now) }
            return Self.start
        }
        try await Self.running(hub, clock: clock) {
            try await hub.withSubscription(lastEventID: nil) { subscription in
                var number: Int64 = 0
                while steps.withLock({ $0.count }) < count {
                    // Many changes to a step, the last of them seen.
                    for _ in 0..<20 {
                        number += 1
                        hub.publish(Self.change(number))
                    }
                    _ = try #require(await Self.next(subscription, number))
                }
            }
        }
        // A hub that is cancelled has a last look at the clock.
        return steps.withLock { Array($0.prefix(count)) }
    }

    private static func shortestGap(_ instants: [ContinuousClock.Instant]) -> Duration? {
        zip(instants, instants.dropFirst()).map { $0.duration(to: $1) }.min()
    }

    @Test("Frames are at least the interval apart, however many changes come")
    func interval() async throws {
        let interval = Duration.milliseconds(40)
        let steps = try await Self.steps(10, interval: interval)
        #expect(try #require(Self.shortestGap(steps)) >= interval)
        // A hub without the interval does not keep it.
        let hasty = try await Self.steps(50, interval: .zero)
        #expect(try #require(Self.shortestGap(hasty)) < interval)
    }

    @Test("Signs of life come without any change")
    func heartbeat() async throws {
        let hub = Self.hub(heartbeatInterval: .milliseconds(1))
        let later = Self.start.adding(seconds: 60)
        let clock: @Sendable () -> Timestamp = { later }
        let frames = try await Self.running(hub, clock: clock) {
            await hub.withSubscription(lastEventID: nil) { subscription -> [LiveFrame] in
                while let next = await subscription.next() {
                    if next.frames.contains(.heartbeat(at: later)) { return next.frames }
                }
                return []
            }
        }
        #expect(try #require(frames).last == .heartbeat(at: later))
    }

    // MARK: - Last-Event-ID

    @Test("One that comes back with the id of its last frame is told what it missed, by this hub only")
    func lastEventID() async throws {
        let hub = Self.hub()
        let id = try await Self.running(hub) {
            try await hub.withSubscription(lastEventID: nil) { subscription in
                let first = try #require(await subscription.next()).id
                for number: Int64 in 1...3 {
                    hub.publish(Self.change(number))
                    _ = try #require(await Self.next(subscription, number))
                }
                return first
            }
        }
        let first = try #require(id)
        #expect(first == "\(Self.start.milliseconds)-0")
        func runs(_ lastEventID: String?) async -> [Int64]? {
            let frames = await hub.withSubscription(lastEventID: lastEventID) { await $0.next()?.frames } ?? nil
            for case .runs(let keys, false) in frames ?? [] { return keys.map(\.id) }
            return nil
        }
        #expect(await runs(first) == [1, 2, 3])
        #expect(await runs("\(hub.epoch)-2") == [3])
        for other in [
            nil, "", "-", "nonsense", "\(hub.epoch)", "\(hub.epoch)-3", "\(hub.epoch)-99", "\(hub.epoch)-x",
            "\(hub.epoch)-1-1", "\(hub.epoch + 1)-0", "-1", "\(hub.epoch)-99999999999999999999",
        ] {
            #expect(await runs(other) == nil, "\(other ?? "none")")
        }
    }

    // MARK: - Ends

    @Test("Closing ends every stream, and the ones that would still begin")
    func close() async throws {
        for _ in 0..<50 {
            let hub = Self.hub()
            let (arrivals, arrived) = AsyncStream<Void>.makeStream()
            let ended = try await Self.running(hub) {
                await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            await hub.withSubscription(lastEventID: nil) { subscription in
                                _ = await subscription.next()
                                arrived.yield()
                                return await subscription.next() == nil
                            } ?? false
                        }
                    }
                    var present = 0
                    for await _ in arrivals {
                        present += 1
                        if present == 4 { break }
                    }
                    hub.close()
                    return await group.reduce(into: []) { $0.append($1) }
                }
            }
            #expect(ended == [true, true, true, true])
            #expect(!hub.acceptsSubscribers)
            let late = await hub.withSubscription(lastEventID: nil) { _ in true }
            #expect(late == nil)
            #expect(hub.subscriberCount == 0)
            // What is published after the end goes nowhere, and does no harm.
            hub.publish(Self.change(1))
            hub.close()
        }
    }

    @Test("Cancelling a reader ends its wait, and takes its place away")
    func cancellation() async throws {
        let hub = Self.hub()
        for _ in 0..<200 {
            let isIn = Gate()
            let reader = Task {
                await hub.withSubscription(lastEventID: nil) { subscription in
                    _ = await subscription.next()
                    await isIn.open()
                    return await subscription.next() == nil
                }
            }
            await isIn.wait()
            #expect(hub.subscriberCount == 1)
            reader.cancel()
            #expect(await reader.value == true)
            #expect(hub.subscriberCount == 0)
        }
    }

    @Test("Cancelling a hub that runs ends it, whether there is something to do or not")
    func cancelRun() async {
        for number: Int64 in 0..<50 {
            let hub = Self.hub(interval: .seconds(3_600))
            let runner = Task { await hub.run { Self.start } }
            if number % 2 == 0 { hub.publish(Self.change(number)) }
            runner.cancel()
            await runner.value
        }
    }

    // MARK: - Places

    @Test("After a hundred subscribers that came and went, none is left, also when they failed")
    func comeAndGo() async throws {
        struct Failure: Error {}
        let hub = Self.hub(subscribersMax: 3)
        for number in 0..<100 {
            do {
                try await hub.withSubscription(lastEventID: nil) { _ in
                    #expect(hub.subscriberCount == 1)
                    if number % 2 == 0 { throw Failure() }
                }
            } catch is Failure {
                #expect(number % 2 == 0)
            }
        }
        #expect(hub.subscriberCount == 0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask { _ = await hub.withSubscription(lastEventID: nil) { await $0.next()?.id } }
            }
        }
        #expect(hub.subscriberCount == 0)
        #expect(hub.acceptsSubscribers)
    }

    @Test("One subscriber too many is not let in, and its body does not run")
    func bound() async {
        let hub = Self.hub(subscribersMax: 2)
        await hub.withSubscription(lastEventID: nil) { _ in
            #expect(hub.acceptsSubscribers)
            await hub.withSubscription(lastEventID: nil) { _ in
                #expect(!hub.acceptsSubscribers)
                let third = await hub.withSubscription(lastEventID: nil) { _ in
                    Issue.record("the body ran")
                    return true
                }
                #expect(third == nil)
                #expect(hub.subscriberCount == 2)
            }
            let other = await hub.withSubscription(lastEventID: nil) { _ in true }
            #expect(other == true)
        }
    }
}
