//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Counts the bytes that one thread reads, for another to look at: SQLite calls nobody back while it walks pages.
struct ThreadReads: Sendable {
    private let path: String
    private let start: Int

    /// Begins to count for the calling thread.
    ///
    /// - Returns: Nil where the system does not tell; that is anywhere but on Linux.
    init?() {
        // The link reads `<process>/task/<thread>`.
        guard let link = SystemFile.link("/proc/thread-self") else { return nil }
        self.path = "/proc/\(link)/io"
        guard let start = Self.read(self.path) else { return nil }
        self.start = start
    }

    /// Bytes read since then, from the disk or the system's cache.
    var bytes: Int? { Self.read(self.path).map { $0 - self.start } }

    private static func read(_ path: String) -> Int? {
        guard let text = SystemFile.text(path) else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("rchar: ") {
            return Int(line.dropFirst("rchar: ".count))
        }
        return nil
    }
}
