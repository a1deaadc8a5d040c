//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule

/// How a database file is opened and kept.
public struct SQLiteConfiguration: Sendable {
    /// How safe a commit is when the power fails.
    public enum Durability: Sendable, Equatable {
        /// Every commit is on disk before it is answered (`synchronous=FULL`).
        case full
        /// A power cut may lose the last commits, never the file (`synchronous=NORMAL`). Only ever by explicit choice.
        case normal
    }

    /// The path of the database file.
    public var path: String
    /// Marks the file as one of this application's (`PRAGMA application_id`); other files are refused. Not zero.
    public var applicationID: Int32
    /// Most reader connections.
    public var readersMax: Int
    /// Readers that are kept open when idle.
    public var readersMin: Int
    /// Most readers at work for heavy lanes at once. Default: half the cores, and at least one.
    public var heavyReadersMax: Int
    /// How long a reader beyond the minimum may be idle before it is closed and its memory given back. The writer, which
    /// stays open, gives its cache back after as long.
    public var readerIdleTimeout: Duration
    /// How old a reader may grow before it is replaced; nil: any age.
    public var readerLifetimeMax: Duration?
    /// Most leases waiting for a reader.
    public var readersWaitingMax: Int
    /// Most writes waiting for the writer.
    public var writesWaitingMax: Int
    /// Most writes in one transaction.
    public var groupMax: Int
    /// Longest time the members of one transaction may take together before it is committed.
    public var groupTimeMax: Duration
    /// Text and blobs, in bytes, that the members of one transaction may bind together before it is committed. It
    /// bounds the log that one transaction makes, and the memory of its pages.
    public var groupBytesMax: Int
    /// How safe a commit is.
    public var durability: Durability
    /// What all connections may use together, in bytes; ``MemoryBudget`` says how it is divided.
    public var memoryBytes: Int
    /// A query is stopped while SQLite uses more than so many bytes in the whole process; nil: never. For a program
    /// that limits SQLite's heap: a query that gathers much is to end before the writer is refused memory.
    public var queryHeapBytesMax: Int?
    /// Is told that memory went back to the allocator, on a connection's thread; it must not block. See
    /// ``MemoryTrimmer/released()``.
    public var onMemoryReleased: (@Sendable () -> Void)?
    /// How long a connection waits for a lock of another process.
    public var busyTimeout: Duration
    /// By how much the threads of connections let the program's others go first when all processors are busy, 0 to 19
    /// (setpriority(2); Linux). A server that has to refuse what it cannot take must get to read it first.
    public var niceness: Int
    /// Size of the write-ahead log, in bytes, from which the writer checkpoints in its next gap; without a gap it does
    /// so at twice the size. A small log is quicker to look pages up in: 4 MiB against 16 MiB took the ingest of
    /// webhooks from 187 to 161 µs of processor time each, 64 MiB from 165 to 169 (alternating runs, two cores).
    public var walGoalBytes: Int
    /// Most prepared statements kept per connection.
    public var statementsMax: Int

    /// Is told what happens in the pools.
    public var delegate: (any PoolDelegate)?

    /// Page cache of each connection, in bytes; nil: its part of the budget. Tests set so little that transactions spill.
    package var cacheBytes: Int?

    /// The name of SQLite's layer to the operating system; nil for the usual one. Tests put their own there.
    package var vfs: String?

    /// - Parameters:
    ///   - path: The path of the database file; created with its journal files when missing.
    ///   - applicationID: Not zero.
    public init(path: String, applicationID: Int32) {
        precondition(applicationID != 0, "an application id of zero marks nothing")
        self.path = path
        self.applicationID = applicationID
        self.readersMax = 4
        self.readersMin = 1
        self.heavyReadersMax = max(1, WorkerThread.coreCount / 2)
        self.readerIdleTimeout = .seconds(30)
        self.readersWaitingMax = 4_096
        self.writesWaitingMax = 16_384
        self.groupMax = 1_024
        self.groupTimeMax = .milliseconds(100)
        self.groupBytesMax = 16 << 20
        self.durability = .full
        self.memoryBytes = 64 << 20
        self.busyTimeout = .seconds(5)
        self.niceness = 0
        self.walGoalBytes = 4 << 20
        self.statementsMax = 128
    }

    /// How ``memoryBytes`` is divided.
    public var memoryBudget: MemoryBudget { MemoryBudget(totalBytes: self.memoryBytes, readers: self.readersMax) }

    var readerLimits: PoolStateMachine.Limits {
        var limits = PoolStateMachine.Limits(
            connectionsMax: self.readersMax, waitersMax: self.readersWaitingMax)
        limits.connectionsMin = min(self.readersMin, self.readersMax)
        limits.heavyMax = self.heavyReadersMax
        limits.idleTimeout = self.readerIdleTimeout
        limits.lifetimeMax = self.readerLifetimeMax
        return limits
    }

    /// The writer is a pool of one. Groups are cut by the driver, by count, time and bytes; the pool hands over
    /// all that waits, in bounds. A write that runs is not given up: its outcome is near.
    var writerLimits: PoolStateMachine.Limits {
        var limits = PoolStateMachine.Limits(connectionsMax: 1, waitersMax: self.writesWaitingMax)
        limits.connectionsMin = 1
        limits.batchMax = self.groupMax
        limits.abandonsWhenCancelled = false
        return limits
    }
}
