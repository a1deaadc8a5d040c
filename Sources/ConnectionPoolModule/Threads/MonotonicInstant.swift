//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A reading of the monotonic clock, in nanoseconds: the clock of every deadline here, and of ``Condition``.
///
/// `ContinuousClock.Instant` has no fixed layout outside its library: each copy and comparison of one, and of every enum
/// that holds one, goes through the runtime's tables, which took a fifth of the time of a lease.
public struct MonotonicInstant: Sendable, Hashable, Comparable {
    /// Nanoseconds since an arbitrary start, most often that of the machine.
    public let nanoseconds: Int64

    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The present.
    public static var now: MonotonicInstant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The instant a duration later; the end of time when that is beyond it.
    public func advanced(by duration: Duration) -> MonotonicInstant {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(duration.inNanoseconds)
        return MonotonicInstant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The duration between two instants.
    public static func - (left: MonotonicInstant, right: MonotonicInstant) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Duration {
    /// Whole nanoseconds, at most some 290 years of them.
    var inNanoseconds: Int64 {
        let attoseconds = self.attoseconds
        // What fits in 64 bits of attoseconds is some 9 s: nearly every time-out, and spares a 128-bit division.
        if let short = Int64(exactly: attoseconds) { return short / 1_000_000_000 }
        return Int64(clamping: attoseconds / 1_000_000_000)
    }
}
