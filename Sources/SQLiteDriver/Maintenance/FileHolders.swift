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

/// The processes that have a file open, as far as this user may see; on Linux.
///
/// It reads links and names in `/proc`, and never opens the files themselves.
package struct FileHolders: Sendable, Equatable {
    package struct Holder: Sendable, Hashable, CustomStringConvertible {
        package let process: Int32
        package let name: String

        package var description: String { "\(self.name) (process \(self.process))" }
    }

    /// By process number, this process left out.
    package private(set) var holders: [Holder] = []
    /// Processes of other users, which could not be looked into.
    package private(set) var unseen = 0

    init(holders: [Holder] = [], unseen: Int = 0) {
        self.holders = holders
        self.unseen = unseen
    }

    /// Looks through all processes.
    ///
    /// - Complexity: O(open files of the machine); some milliseconds.
    package static func find(_ paths: [String]) -> FileHolders {
        let wanted = Set(paths.compactMap { FileFacts($0)?.identity })
        var result = FileHolders()
        var found: Set<Int32> = []
        for process in SystemFile.names(in: "/proc").compactMap({ Int32($0) }) where process != getpid() {
            let directory = "/proc/\(process)/fd"
            let descriptors = SystemFile.names(in: directory)
            if descriptors.isEmpty, access(directory, R_OK) != 0, errno == EACCES { result.unseen += 1 }
            // The link's text tells files from sockets and pipes; what it leads to is looked at without opening it.
            let holds = descriptors.contains { descriptor in
                guard SystemFile.link("\(directory)/\(descriptor)")?.hasPrefix("/") ?? false,
                    let identity = FileFacts("\(directory)/\(descriptor)")?.identity
                else { return false }
                return wanted.contains(identity)
            }
            if holds { found.insert(process) }
        }
        found.formUnion(Self.lockers(SystemFile.text("/proc/locks") ?? "", of: wanted))
        result.holders = found.sorted().map { process in
            let name = SystemFile.text("/proc/\(process)/comm")?.split(separator: "\n").first
            return Holder(process: process, name: name.map(String.init) ?? "a process")
        }
        return result
    }

    /// The processes that hold a lock on one of the files: seen for other users' processes too.
    ///
    /// A line reads `1: POSIX  ADVISORY  READ 123 fe:00:4711 128 128`: the process, and device and inode of the file.
    /// Source: proc(5). Locks of an open file, not of a process, have the number -1; waiting locks have `->`.
    static func lockers(_ text: String, of files: Set<FileFacts.Identity>) -> Set<Int32> {
        var result: Set<Int32> = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ").filter { $0 != "->" }
            guard fields.count >= 6, let process = Int32(fields[4]), process > 0, process != getpid() else { continue }
            let file = fields[5].split(separator: ":")
            guard file.count == 3, let major = UInt32(file[0], radix: 16), let minor = UInt32(file[1], radix: 16),
                let inode = UInt64(file[2])
            else { continue }
            let identity = FileFacts.Identity(device: Self.device(major, minor), inode: inode)
            if files.contains(identity) { result.insert(process) }
        }
        return result
    }

    /// A device number as `stat` gives it. Source: gnu_dev_makedev, glibc.
    static func device(_ major: UInt32, _ minor: UInt32) -> UInt64 {
        let major = UInt64(major)
        let minor = UInt64(minor)
        return (major & 0xfff) << 8 | (major & ~0xfff) << 32 | minor & 0xff | (minor & ~0xff) << 12
    }
}
