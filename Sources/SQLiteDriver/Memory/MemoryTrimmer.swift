//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule

/// Has the allocator give free pages back to the system, at a bounded rate, on a thread of its own.
///
/// Freed memory stays with the allocator otherwise: a sort in memory of 20 million rows left 2.4 GB behind. How the
/// allocator is told is the program's to say, since it concerns the whole process: `malloc_trim(0)` with glibc.
public final class MemoryTrimmer: @unchecked Sendable {
    // Everything mutable is guarded by `monitor`.
    /// What was done.
    public struct Figures: Sendable, Equatable {
        /// How often the allocator was told.
        public var trims = 0
        /// Anonymous memory that went back to the system by it, as far as known.
        public var returnedBytes = 0
        /// Time spent on it.
        public var time: Duration = .zero
    }

    private let residentBytes: @Sendable () -> Int?
    private let trim: @Sendable () -> Void
    private let monitor = Monitor()
    private let condition = Condition()
    private var policy: TrimPolicy
    private var figures = Figures()
    private var isStopped = false

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - residentBytesMax: Above this the process is looked at as too large, even when nobody reported a release.
    ///   - residentBytes: Reads the process's anonymous memory.
    ///   - trim: Tells the allocator.
    public init(
        residentBytesMax: Int, residentBytes: @escaping @Sendable () -> Int?, trim: @escaping @Sendable () -> Void
    ) {
        self.residentBytes = residentBytes
        self.trim = trim
        self.policy = TrimPolicy(residentBytesMax: residentBytesMax, now: .now)
        WorkerThread.start(name: "weir-trim", stackBytes: 256 << 10) { [self] in self.run() }
    }

    /// A moment's figures.
    public var current: Figures { self.monitor.withLock { self.figures } }

    /// Memory went back to the allocator. Any thread; does not block.
    public func released() {
        self.monitor.withLock {
            self.policy.released()
            self.condition.signal()
        }
    }

    /// Ends the thread.
    public func stop() {
        self.monitor.withLock {
            self.isStopped = true
            self.condition.signal()
        }
    }

    private func run() {
        self.monitor.lock()
        defer { self.monitor.unlock() }
        while !self.isStopped {
            let now = MonotonicInstant.now
            let due = self.policy.dueAt
            guard due <= now else {
                _ = self.condition.wait(self.monitor, for: due - now)
                continue
            }
            let before = self.unlocked { self.residentBytes() }
            guard self.policy.look(residentBytes: before, now: now) else { continue }
            let after = self.unlocked {
                self.trim()
                return self.residentBytes()
            }
            self.policy.trimmed(residentBytes: after)
            self.figures.trims += 1
            self.figures.returnedBytes += max(0, (before ?? 0) - (after ?? 0))
            self.figures.time += .now - now
        }
    }

    private func unlocked<Value>(_ body: () -> Value) -> Value {
        self.monitor.unlock()
        defer { self.monitor.lock() }
        return body()
    }
}
