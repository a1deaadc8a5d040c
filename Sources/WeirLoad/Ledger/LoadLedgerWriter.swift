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

/// Writes a ledger. Belongs to one thread.
///
/// Entries are gathered and written a few times a second: a generator that is killed loses those since, and the sends
/// they were about count as unanswered.
final class LoadLedgerWriter {
    private let path: String
    private let descriptor: Int32
    private var pending: [UInt8]

    /// Beyond this it does not wait to be flushed.
    private static let pendingMax = 256 << 10

    /// Makes the file.
    ///
    /// - Throws: ``LoadError``, also when there is such a file: a ledger is the only evidence of its load.
    init(path: String, _ parameters: LoadParameters) throws {
        self.path = path
        self.descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        self.pending = try LoadLedger.head(parameters)
        guard self.descriptor >= 0 else {
            let cause = String(cString: strerror(errno))
            throw LoadError("the ledger \(path) cannot be made: \(cause); choose another name")
        }
        try self.flush()
    }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }

    func append(_ entry: LedgerEntry) throws {
        entry.append(to: &self.pending)
        if self.pending.count >= Self.pendingMax { try self.flush() }
    }

    /// Hands what is gathered to the system, which keeps it when this process is killed.
    func flush() throws {
        var written = 0
        while written < self.pending.count {
            let count = self.pending.withUnsafeBytes {
                write(self.descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw LoadError("the ledger \(self.path) cannot be written: \(String(cString: strerror(errno)))")
            }
            written += count
        }
        self.pending.removeAll(keepingCapacity: true)
    }
}
