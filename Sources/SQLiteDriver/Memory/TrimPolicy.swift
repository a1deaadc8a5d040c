//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule

/// Decides when the allocator is told to give free pages back to the system. Pure: time and figures come in.
///
/// Telling it costs up to 100 ms per GiB that is free, during which it holds its locks; so it happens at most once per
/// interval, and only when something was freed on purpose or the process is larger than it should be.
struct TrimPolicy {
    typealias Instant = MonotonicInstant

    /// Shortest time between two.
    static let interval: Duration = .seconds(1)
    /// How often the size of the process is looked at when nobody reported anything.
    static let lookInterval: Duration = .seconds(5)
    /// How much a large process must have grown since the last time for another try to be worth it.
    static let growthBytesMin = 16 << 20

    /// Above this the process is large.
    private let residentBytesMax: Int
    private let startedAt: Instant
    private var wasReleased = false
    private var trimmedAt: Instant?
    private var residentBytesThen = 0
    private var lookAt: Instant

    init(residentBytesMax: Int, now: Instant) {
        self.residentBytesMax = residentBytesMax
        self.startedAt = now
        self.lookAt = now.advanced(by: Self.lookInterval)
    }

    /// When ``look(residentBytes:now:)`` is due.
    var dueAt: Instant {
        let earliest = self.trimmedAt?.advanced(by: Self.interval) ?? self.startedAt
        return self.wasReleased ? earliest : max(self.lookAt, earliest)
    }

    /// Memory went back to the allocator.
    mutating func released() { self.wasReleased = true }

    /// Decides.
    ///
    /// - Parameter residentBytes: Anonymous memory of the process; nil when it is not known.
    /// - Returns: Whether to trim now.
    mutating func look(residentBytes: Int?, now: Instant) -> Bool {
        guard now >= self.dueAt else { return false }
        self.lookAt = now.advanced(by: Self.lookInterval)
        let isLarge = residentBytes.map {
            $0 > self.residentBytesMax && $0 >= self.residentBytesThen + Self.growthBytesMin
        }
        guard self.wasReleased || isLarge ?? false else { return false }
        self.wasReleased = false
        self.trimmedAt = now
        return true
    }

    /// It was trimmed.
    ///
    /// - Parameter residentBytes: Anonymous memory of the process afterwards.
    mutating func trimmed(residentBytes: Int?) { self.residentBytesThen = residentBytes ?? 0 }
}
