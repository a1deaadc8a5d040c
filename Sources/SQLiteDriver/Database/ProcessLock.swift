//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import SQLCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Keeps a second writer process away from a database file.
///
/// The lock is on a file of its own beside the database: closing any descriptor of the database file itself would drop
/// SQLite's own locks. It is the kernel's, so it ends with the process, however that ends.
final class ProcessLock: Sendable {
    private let descriptor: Int32
    private let isReleased = Atomic<Bool>(false)

    /// - Parameters:
    ///   - path: The lock file's path.
    ///   - holder: A line about this process, for the error another one gets.
    /// - Throws: ``DatabaseError`` naming the holder.
    init(path: String, holder: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let cause = String(cString: strerror(errno))
            throw DatabaseError(
                code: .sqliteCannotOpen, operation: "open \(path)",
                message: "\(cause); see that the directory exists and that this user may write to it")
        }
        let code = weir_lock_exclusively(descriptor)
        guard code == 0 else {
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = max(0, read(descriptor, &buffer, buffer.count))
            close(descriptor)
            let other = String(decoding: buffer.prefix(count).prefix { $0 != 0x0a }, as: UTF8.self)
            throw DatabaseError(
                code: .sqliteBusy, operation: "lock \(path)",
                message: "the database is in use by \(other.isEmpty ? "another process" : other); "
                    + "stop that process first, or name another database")
        }
        let line = Array((holder + "\n").utf8)
        ftruncate(descriptor, 0)
        // The line only serves the other's error message: the lock holds without it.
        _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        self.descriptor = descriptor
    }

    deinit { self.release() }

    /// Lets others have the file.
    func release() {
        guard !self.isReleased.exchange(true, ordering: .relaxed) else { return }
        close(self.descriptor)
    }
}
