//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What the leases of a connection did that has to do with memory. Owned by the connection's thread.
struct LeaseWork {
    /// Above so much heap of the whole process a query is stopped; nil: never.
    let heapBytesMax: Int?
    /// Whether the running lease was stopped for that.
    private(set) var exceededHeap = false
    /// Leases that have begun.
    private(set) var leases = 0
    /// Looks of the progress handler in the running lease.
    private var looks = 0
    /// Whether a lease since the last ``takeHasRunLong()`` ran for long, or was stopped.
    private var hasRunLong = false

    /// Looks of the progress handler from which a lease counts as long: a quarter of a million instructions of SQLite's
    /// machine, 3 to 12 ms. It has read or gathered much then, and its cache holds what it passed by rather than what
    /// is used often. To read a full cache again takes less time than that: 2,000 pages at about 1 µs each.
    static let longLooks = 250

    init(heapBytesMax: Int?) { self.heapBytesMax = heapBytesMax }

    /// A lease begins.
    mutating func begin() {
        self.leases += 1
        self.looks = 0
        self.exceededHeap = false
    }

    /// The progress handler looks.
    ///
    /// - Parameters:
    ///   - isStopped: Whether the caller is gone or its deadline has passed.
    ///   - heapBytes: What SQLite uses now; asked for only when there is a limit.
    /// - Returns: Whether the query is to be stopped.
    mutating func look(isStopped: Bool, heapBytes: @autoclosure () -> Int) -> Bool {
        self.looks += 1
        if let heapBytesMax = self.heapBytesMax, heapBytes() > heapBytesMax { self.exceededHeap = true }
        let stops = isStopped || self.exceededHeap
        if stops || self.looks == Self.longLooks { self.hasRunLong = true }
        return stops
    }

    /// Whether a lease has run for long since this was asked last.
    mutating func takeHasRunLong() -> Bool {
        defer { self.hasRunLong = false }
        return self.hasRunLong
    }
}
