//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the system says of a path. Nothing here opens a file: closing a database's descriptor would drop SQLite's locks.
package struct FileFacts: Sendable, Equatable {
    /// The file itself, whatever its names are.
    package struct Identity: Sendable, Hashable {
        package let device: UInt64
        package let inode: UInt64
    }

    package let identity: Identity
    package let bytes: Int
    package let mode: UInt32
    package let owner: UInt32
    package let group: UInt32

    /// - Returns: Nil when there is no such file.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// - Returns: Nil for a descriptor that is not open.
    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        self.identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        self.bytes = Int(status.st_size)
        self.mode = UInt32(status.st_mode)
        self.owner = UInt32(status.st_uid)
        self.group = UInt32(status.st_gid)
    }

    package var isDirectory: Bool { self.mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }

    package var isSocket: Bool { self.mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) }

    /// The permission bits.
    package var permissions: UInt32 { self.mode & 0o7777 }

    /// The directory a path lies in.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Bytes a file in a directory may still grow by; nil when the system does not say.
    package static func freeBytes(in directory: String) -> Int? {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return nil }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }
}

extension DatabaseError {
    /// The error of a system call that has just failed.
    static func system(_ operation: String, remedy: String) -> DatabaseError {
        let code: Code = errno == ENOSPC ? .sqliteFull : .sqliteIOError
        let cause = String(cString: strerror(errno))
        return DatabaseError(code: code, operation: operation, message: "\(cause); \(remedy)")
    }
}

/// A number of bytes for people, in powers of 1024.
package func bytesForPeople(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if abs(value) < 1_024 { return unit == "bytes" ? "\(bytes) bytes" : "\((value * 10).rounded() / 10) \(unit)" }
        value /= 1_024
    }
    return "\((value * 10).rounded() / 10) TiB"
}
