//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reads the small files of `/proc`; the only place of this target that does I/O.
///
/// Isolation: any thread. The kernel makes these files in memory, so a read does not wait for a disk.
package enum ProcessFileReader {
    /// Most bytes read of one file; `/proc/stat` of a large machine is about 100 kB.
    static let bytesMax = 1 << 20

    /// The whole of a file.
    ///
    /// - Parameter path: Its path.
    /// - Returns: The text, cut at ``bytesMax``; nil when the file cannot be read, as on systems without `/proc`.
    package static func text(at path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        let chunkSizeBytes = 16_384
        while bytes.count < Self.bytesMax {
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: chunkSizeBytes))
            let received = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress.map { $0 + start }, chunkSizeBytes)
            }
            bytes.removeLast(chunkSizeBytes - max(0, received))
            if received < 0 { return nil }
            if received == 0 { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// How many entries a directory has, itself and its parent not counted.
    ///
    /// - Parameter path: Its path.
    /// - Returns: The count; nil when the directory cannot be read.
    static func entryCount(at path: String) -> Int? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return max(0, count - 2)
    }

    /// Clock ticks per second, the unit of processor times in `/proc/<pid>/stat`.
    static var ticksPerSecond: Double {
        Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
