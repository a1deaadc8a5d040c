//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule

/// When the write-ahead log is copied into the file, when it is cut, and when somebody pins it.
///
/// A pure value. A checkpoint copies what no reader's snapshot needs any more; once all of it is copied, the next
/// commit begins the log anew, at its old size. Only a truncation gives the space back.
struct LogPolicy: Sendable {
    typealias Instant = MonotonicInstant

    /// When the writer looks at the log.
    enum Moment {
        /// Nobody waits for the writer.
        case gap
        /// Between two batches, with more to come.
        case underLoad
    }

    /// What a checkpoint found and did.
    struct Result: Equatable {
        /// Frames in the log.
        var frames: Int
        /// Frames of them that are in the file by now.
        var framesCopied: Int
        /// Size of the log's file.
        var fileBytes: Int
        /// How long it took.
        var duration: Duration

        var isComplete: Bool { self.framesCopied >= self.frames }
    }

    /// Under load the log is copied from here on: well below its bound, so that one that is written without a pause is
    /// not cut in every gap, to grow again.
    private let loadBytes: Int
    /// The log is larger than that only while it is pinned, or has just been.
    private let boundBytes: Int
    private let goalBytes: Int
    /// The log could not be copied, or cut, as it should have been.
    private var isBehind = false
    /// After an incomplete checkpoint: not before.
    private var notBefore: Instant?
    /// Since when the log has been over its bound with frames that cannot be copied.
    private(set) var pinnedSince: Instant?

    init(goalBytes: Int) {
        self.goalBytes = goalBytes
        self.loadBytes = 2 * goalBytes
        self.boundBytes = 4 * goalBytes
    }

    /// Whether to checkpoint.
    ///
    /// - Parameters:
    ///   - moment: What else there is to do.
    ///   - bytes: How far into the log the last commit reached.
    ///   - now: The caller's instant.
    func shouldCheckpoint(_ moment: Moment, bytes: Int, now: Instant) -> Bool {
        if let notBefore, now < notBefore { return false }
        return switch moment {
        case .gap: bytes >= self.goalBytes || self.isBehind
        case .underLoad: bytes >= self.loadBytes
        }
    }

    /// How long a checkpoint under load waits for readers to end, so that readers that overlap for ever cannot keep the
    /// log from being begun anew. A reader in the way for longer is one that pins it.
    func patience(bytes: Int) -> Duration {
        bytes < 4 * self.boundBytes ? .milliseconds(5) : .milliseconds(20)
    }

    /// When to look at the log again if no write comes; nil when there is nothing left to do.
    ///
    /// Every 50 ms at most: a look costs some tens of microseconds.
    func nextLook(now: Instant) -> Instant? {
        guard self.isBehind else { return nil }
        return max(self.notBefore ?? now, now.advanced(by: .milliseconds(50)))
    }

    /// A checkpoint has ended.
    ///
    /// - Returns: Whether the log's file is to be cut now. Under load that waits for twice the size: a log of a
    ///   settled size is cheaper to synchronise than one that grows again.
    mutating func checkpointed(_ moment: Moment, _ result: Result, now: Instant) -> Bool {
        let isOver = result.fileBytes > self.boundBytes
        self.pinnedSince = isOver && !result.isComplete ? self.pinnedSince ?? now : nil
        self.isBehind = isOver || !result.isComplete
        // What cannot be copied now is tried again, for a tenth of the writer's time at most.
        self.notBefore = result.isComplete ? nil : now.advanced(by: result.duration * 9)
        guard result.isComplete else { return false }
        return result.fileBytes > (moment == .gap ? 1 : 2) * self.boundBytes
    }

    /// The log has been cut.
    mutating func truncated() { self.isBehind = false }

    /// A checkpoint or a cut failed, and took so long.
    mutating func failed(after duration: Duration, now: Instant) {
        self.isBehind = true
        self.notBefore = now.advanced(by: max(.milliseconds(10), duration * 9))
    }
}
