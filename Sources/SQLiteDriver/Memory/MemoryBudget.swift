//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// How one amount of memory is divided over the connections of a database.
///
/// Each connection's share holds its page cache and the memory of one sort, which SQLite lets grow as large as the
/// cache (vdbesort.c, `mxPmaSize`) before it writes a sorted run to disk. So a share is two caches, but for the writer
/// of a large budget, since a run is never longer than 512 MiB. The reasons for each number are in `docs/memory.md`.
public struct MemoryBudget: Sendable, Equatable {
    /// What the connections may use together: caches, sorts, statements and schemas.
    public let totalBytes: Int
    /// Reader connections it is divided over.
    public let readers: Int
    /// One reader's page cache, and the longest run of its sorts.
    public let readerCacheBytes: Int
    /// The writer's page cache.
    public let writerCacheBytes: Int

    /// Largest cache of a reader. More would lengthen the steps of a sort that nothing can interrupt (215 ms at the 99th
    /// percentile with 8 MiB, 910 ms with 64 MiB) and make the sort slower; and every commit empties readers' caches.
    static let readerCacheBytesMax = 8 << 20
    /// Longest run of a sort. Source: SQLITE_MAX_PMASZ in vdbesort.c.
    static let sortRunBytesMax = 512 << 20
    /// Smallest share of a reader: SQLite sorts at least 250 pages, about 1 MiB, in memory, and needs a cache as large.
    private static let readerShareBytesMin = 2 << 20

    /// - Parameters:
    ///   - totalBytes: What the connections may use together; less than ``bytesMin(readers:)`` counts as that.
    ///   - readers: Reader connections, at least one.
    public init(totalBytes: Int, readers: Int) {
        precondition(readers > 0, "a budget needs at least one reader")
        let total = max(totalBytes, Self.bytesMin(readers: readers))
        let readerShare = min(total / 2 / readers, 2 * Self.readerCacheBytesMax)
        let writerShare = total - readers * readerShare
        self.totalBytes = total
        self.readers = readers
        self.readerCacheBytes = readerShare / 2
        self.writerCacheBytes = max(writerShare / 2, writerShare - Self.sortRunBytesMax)
    }

    /// The smallest budget: half of it is the readers'.
    public static func bytesMin(readers: Int) -> Int { max(16 << 20, 2 * readers * Self.readerShareBytesMin) }

    /// The budget for a machine or container whose memory is this large: an eighth, at most 4 GiB.
    ///
    /// The rest is the kernel's, which caches the file for all connections and keeps it across commits.
    public static func standardBytes(machineBytes: Int) -> Int { min(max(machineBytes / 8, 16 << 20), 4 << 30) }

    // MARK: - Limits of SQLite's heap

    /// Above the budget page caches reuse their pages instead of growing. All that SQLite's soft limit does here.
    public var softLimitBytes: Int { self.totalBytes }

    /// Above this a query is stopped: what it gathers in memory, such as the rows of an `OR` or a `group_concat`, is
    /// bounded by no cache. Half-way between the others, so that it ends before anybody is refused memory.
    public var queryLimitBytes: Int { self.totalBytes + self.headroomBytes / 2 }

    /// Above this SQLite refuses memory to whoever asks next, the writer included; so it is far above the soft limit.
    public var hardLimitBytes: Int { self.totalBytes + self.headroomBytes }

    private var headroomBytes: Int { max(128 << 20, self.totalBytes / 4) }
}
