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
        /// The connections that began them: one at a time, and each the writer of its time.
        public var checkpointers: Set<UInt> = []
    }

    private let monitor = Monitor()
    private var figures = Figures()

    init() {}

    /// A moment's figures.
    public var current: Figures { self.monitor.withLock { self.figures } }

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
}
