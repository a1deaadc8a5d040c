//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule

/// Counts what the writer does. Written by the writer's thread, read by anyone.
public final class WriterStatistics: @unchecked Sendable {
    // Guarded by `monitor`.
    /// A moment's figures.
    public struct Figures: Sendable, Equatable {
        /// Transactions committed.
        public var commits = 0
        /// Members of those transactions.
        public var members = 0
        /// Time spent in COMMIT, which is mostly the disk's.
        public var commitTime: Duration = .zero
        /// Checkpoints begun.
        public var checkpoints = 0
        /// Checkpoints that failed, other than by a reader's snapshot.
        public var checkpointFailures = 0
        /// The connections that began them: one at a time, and each the writer of its time.
        public var checkpointers: Set<UInt> = []
        /// Size of the log's file, in bytes, when the last checkpoint ended.
        public var logBytes = 0
        /// Frames that the last checkpoint could not copy, because a reader's snapshot needs the log.
        public var framesWaiting = 0
        /// Writer connections opened: one, and one for each that failed.
        public var connections = 0
    }

    private let monitor = Monitor()
    private var figures = Figures()
    private var pinnedLog: PinnedLog?
    private var recoveryCause: String?

    init() {}

    /// A moment's figures.
    public var current: Figures { self.monitor.withLock { self.figures } }

    /// The log, while a reader keeps it over its bound.
    var pinned: PinnedLog? { self.monitor.withLock { self.pinnedLog } }

    /// Why the writer must recover the file before anything else, while that is so.
    var recovery: String? { self.monitor.withLock { self.recoveryCause } }

    func recovering(_ cause: String?) { self.monitor.withLock { self.recoveryCause = cause } }

    func opened() { self.monitor.withLock { self.figures.connections += 1 } }

    func committed(members: Int, duration: Duration) {
        self.monitor.withLock {
            self.figures.commits += 1
            self.figures.members += members
            self.figures.commitTime += duration
        }
    }

    func checkpointing(_ connection: OpaquePointer) {
        self.monitor.withLock {
            self.figures.checkpoints += 1
            self.figures.checkpointers.insert(UInt(bitPattern: connection))
        }
    }

    func checkpointFailed() { self.monitor.withLock { self.figures.checkpointFailures += 1 } }

    func log(bytes: Int, framesWaiting: Int, pinned: PinnedLog?) {
        self.monitor.withLock {
            self.figures.logBytes = bytes
            self.figures.framesWaiting = framesWaiting
            self.pinnedLog = pinned
        }
    }
}
