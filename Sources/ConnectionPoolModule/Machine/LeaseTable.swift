//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The leases of a pool: a slot for each, a doubly linked queue of those that wait for each lane, and one of those that
/// run.
///
/// - Complexity: O(1) for everything but ``forEach(_:)``. Memory follows the most leases that were known at once.
struct LeaseTable {
    typealias Instant = MonotonicInstant

    enum State: Equatable {
        case free
        /// Can go to: `.running`, `.free`.
        case waiting
        /// Can go to: `.free`.
        case running(ConnectionID)
    }

    struct Record {
        fileprivate(set) var generation: UInt32 = 0
        fileprivate(set) var state = State.free
        let lane: Lane
        let askedAt: Instant
        let acquireBy: Instant
        let deadline: Instant
        /// Neighbours in the queue, or the next free slot. Zero: none.
        fileprivate var previous = 0
        fileprivate var next = 0

        /// When it must be answered, as things stand.
        var limit: Instant { self.state == .waiting ? self.acquireBy : self.deadline }
    }

    private struct Queue {
        var head = 0
        var tail = 0
    }

    /// The queue of the leases that run, after those of the lanes.
    private static let runningQueue = Lane.allCases.count

    /// Slot zero is never used: its number means "none".
    private var records: ContiguousArray<Record>
    private var queues: ContiguousArray<Queue>
    private var firstFree = 0
    private(set) var waitingCount = 0
    private(set) var runningCount = 0

    init() {
        let instant = Instant.now
        self.records = [Record(lane: .interactive, askedAt: instant, acquireBy: instant, deadline: instant)]
        self.queues = ContiguousArray(repeating: Queue(), count: Self.runningQueue + 1)
    }

    /// The lease, if it has not been answered.
    subscript(_ id: LeaseID) -> Record? {
        guard id.slot < self.records.count else { return nil }
        let record = self.records[id.slot]
        return record.generation == id.generation && record.state != .free ? record : nil
    }

    /// Adds a lease at the end of its lane's queue.
    mutating func append(lane: Lane, askedAt: Instant, acquireBy: Instant, deadline: Instant) -> LeaseID {
        var record = Record(lane: lane, askedAt: askedAt, acquireBy: acquireBy, deadline: deadline)
        record.state = .waiting
        let slot: Int
        if self.firstFree != 0 {
            slot = self.firstFree
            self.firstFree = self.records[slot].next
            record.generation = self.records[slot].generation
        } else {
            slot = self.records.count
        }
        if slot == self.records.count { self.records.append(record) } else { self.records[slot] = record }
        self.link(slot, Int(lane.rawValue))
        self.waitingCount += 1
        return LeaseID(slot: slot, generation: record.generation)
    }

    /// When the first lease of a lane was asked for; nil when none waits.
    func headAskedAt(_ lane: Lane) -> Instant? {
        let head = self.queues[Int(lane.rawValue)].head
        return head == 0 ? nil : self.records[head].askedAt
    }

    /// Lets the first lease of a lane run.
    mutating func startHead(of lane: Lane, on connection: ConnectionID) -> (id: LeaseID, deadline: Instant) {
        let slot = self.queues[Int(lane.rawValue)].head
        precondition(slot != 0, "no lease waits in lane \(lane)")
        self.unlink(slot, Int(lane.rawValue))
        self.link(slot, Self.runningQueue)
        self.records[slot].state = .running(connection)
        self.waitingCount -= 1
        self.runningCount += 1
        return (LeaseID(slot: slot, generation: self.records[slot].generation), self.records[slot].deadline)
    }

    /// Forgets a lease that has been answered.
    ///
    /// - Returns: What it was, or nil when it had been forgotten before.
    mutating func remove(_ id: LeaseID) -> State? {
        guard id.slot < self.records.count, self.records[id.slot].generation == id.generation else { return nil }
        let state = self.records[id.slot].state
        switch state {
        case .free: return nil
        case .waiting:
            self.unlink(id.slot, Int(self.records[id.slot].lane.rawValue))
            self.waitingCount -= 1
        case .running:
            self.unlink(id.slot, Self.runningQueue)
            self.runningCount -= 1
        }
        self.records[id.slot].state = .free
        self.records[id.slot].generation &+= 1
        self.records[id.slot].next = self.firstFree
        self.firstFree = id.slot
        return state
    }

    /// Visits every lease that waits or runs, in no particular order.
    ///
    /// - Complexity: O(n), n the most leases known at once so far.
    func forEach(_ body: (LeaseID, Record) -> Void) {
        for slot in self.records.indices where self.records[slot].state != .free {
            body(LeaseID(slot: slot, generation: self.records[slot].generation), self.records[slot])
        }
    }

    /// The leases that run, the first begun first, and of many only so many.
    ///
    /// - Complexity: O(k), k leases returned: a refusal that names the holders is cheap, however many wait.
    func running(atMost count: Int) -> [LeaseID] {
        var result: [LeaseID] = []
        var slot = self.queues[Self.runningQueue].head
        while slot != 0, result.count < count {
            result.append(LeaseID(slot: slot, generation: self.records[slot].generation))
            slot = self.records[slot].next
        }
        return result
    }

    private mutating func link(_ slot: Int, _ queue: Int) {
        let tail = self.queues[queue].tail
        self.records[slot].previous = tail
        if tail == 0 { self.queues[queue].head = slot } else { self.records[tail].next = slot }
        self.queues[queue].tail = slot
    }

    private mutating func unlink(_ slot: Int, _ queue: Int) {
        let (previous, next) = (self.records[slot].previous, self.records[slot].next)
        if previous == 0 { self.queues[queue].head = next } else { self.records[previous].next = next }
        if next == 0 { self.queues[queue].tail = previous } else { self.records[next].previous = previous }
        self.records[slot].previous = 0
        self.records[slot].next = 0
    }
}
