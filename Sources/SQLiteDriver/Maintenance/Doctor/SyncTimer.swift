//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Times what every commit waits for: the disk saying that it has what was written.
enum SyncTimer {
    /// Syncs to time; fewer on a disk that takes long.
    private static let countMax = 100
    private static let blockBytes = 4_096
    private static let timeMax = Duration.seconds(5)

    /// Writes and synchronises 4 KiB blocks of a file that exists already, as a log that is used again does.
    ///
    /// - Parameter directory: Where the database lies. The file has no name there after its first instant.
    /// - Returns: The times, ascending; at least one.
    /// - Throws: ``DatabaseError``.
    static func measure(in directory: String, _ thread: ToolThread) throws -> [Duration] {
        let path = "\(directory)/.weir-doctor-\(getpid())"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw DatabaseError.system("write in \(directory)", remedy: "see that this user may write there")
        }
        defer { close(descriptor) }
        unlink(path)
        let block = [UInt8](repeating: 0x57, count: Self.blockBytes)
        for index in 0..<Self.countMax { try Self.write(block, index, to: descriptor) }
        guard fsync(descriptor) == 0 else {
            throw DatabaseError.system("synchronise in \(directory)", remedy: "see the system's log for disk errors")
        }
        var times: [Duration] = []
        let started = MonotonicInstant.now
        for index in 0..<Self.countMax {
            try thread.check()
            try Self.write(block, index, to: descriptor)
            let begun = MonotonicInstant.now
            guard Self.synchronise(descriptor) == 0 else {
                throw DatabaseError.system(
                    "synchronise in \(directory)", remedy: "see the system's log for disk errors")
            }
            times.append(.now - begun)
            if .now - started > Self.timeMax { break }
        }
        return times.sorted()
    }

    private static func write(_ block: [UInt8], _ index: Int, to descriptor: Int32) throws {
        guard pwrite(descriptor, block, block.count, off_t(index * block.count)) == block.count else {
            throw DatabaseError.system("write beside the database", remedy: "make room on the disk")
        }
    }

    private static func synchronise(_ descriptor: Int32) -> Int32 {
        #if os(Linux)
        fdatasync(descriptor)
        #else
        fsync(descriptor)
        #endif
    }
}
