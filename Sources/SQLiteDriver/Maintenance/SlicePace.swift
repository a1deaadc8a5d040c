//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule

/// How maintenance shares the writer: it works in slices, and after each it leaves the writer to others.
public struct SlicePace: Sendable, Equatable {
    /// How long a slice works before it is committed. A slice ends with the first row or page after that.
    public var slice: Duration
    /// The part of the time that maintenance may hold the writer, commits included; more than 0, at most 1.
    public var share: Double

    /// - Parameters:
    ///   - slice: Default: 4 ms, less than the sync of a usual disk takes under load.
    ///   - share: Default: a quarter; the pause is three times the slice then.
    public init(slice: Duration = .milliseconds(4), share: Double = 0.25) {
        precondition(slice > .zero, "a slice takes time")
        precondition(share > 0 && share <= 1, "a share is more than 0 and at most 1")
        self.slice = slice
        self.share = share
    }

    /// Whether a slice that began at `start` is to be committed.
    func isOver(since start: MonotonicInstant, now: MonotonicInstant) -> Bool {
        now - start >= self.slice
    }

    /// The pause after a slice that held the writer, from its beginning to its answer.
    ///
    /// It is proportional to what the slice took: where commits are slow, because of the disk or of others' work,
    /// maintenance slows down with them. At most 1 s, so that one stalled sync does not put the rest off for long.
    func pause(after held: Duration) -> Duration {
        min(max(held, .zero) * ((1 - self.share) / self.share), .seconds(1))
    }
}
