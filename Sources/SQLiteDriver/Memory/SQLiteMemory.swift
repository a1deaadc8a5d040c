//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The memory of SQLite as a whole, all databases of the process together.
public enum SQLiteMemory {
    /// A moment's figures.
    public struct Figures: Sendable, Equatable {
        /// Bytes SQLite has allocated. Zero while it is in use means that it was built or told not to count: then no
        /// limit holds.
        public var usedBytes: Int
        /// The most it ever had.
        public var usedBytesMax: Int
        /// The soft limit; zero for none.
        public var softLimitBytes: Int
        /// The hard limit; zero for none.
        public var hardLimitBytes: Int
    }

    /// A moment's figures.
    public static var figures: Figures {
        Figures(
            usedBytes: Int(sqlite3_memory_used()), usedBytesMax: Int(sqlite3_memory_highwater(0)),
            softLimitBytes: Int(sqlite3_soft_heap_limit64(-1)), hardLimitBytes: Int(sqlite3_hard_heap_limit64(-1)))
    }

    /// Sets the limits of SQLite's heap.
    ///
    /// They hold for the whole process, whoever else uses SQLite in it: for its program to set, never for a library.
    ///
    /// - Parameters:
    ///   - softBytes: Above it page caches reuse their pages instead of growing; zero for no limit.
    ///   - hardBytes: Above it SQLite refuses memory; zero for no limit. Not below `softBytes`.
    public static func setHeapLimits(softBytes: Int, hardBytes: Int) {
        precondition(hardBytes == 0 || softBytes <= hardBytes, "the soft limit is above the hard one")
        // Without the old hard limit first, SQLite would cut the new soft one down to it.
        sqlite3_hard_heap_limit64(0)
        sqlite3_soft_heap_limit64(Int64(softBytes))
        sqlite3_hard_heap_limit64(Int64(hardBytes))
    }

    /// The directory SQLite writes large sorts to, found as SQLite finds it.
    ///
    /// Source: sqlite.org/tempfiles.html, "Temporary File Storage Locations".
    public static var temporaryDirectory: String {
        func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        let candidates = [variable("SQLITE_TMPDIR"), variable("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp"]
        return candidates.compactMap(\.self).first { path in
            FileFacts(path)?.isDirectory ?? false && access(path, W_OK | X_OK) == 0
        } ?? "."
    }

    /// Whether a directory lies in memory: a sort "on disk" there is a sort in memory.
    public static func isInMemory(directory: String) -> Bool { FileSystem.of(directory)?.kind == .memory }
}
