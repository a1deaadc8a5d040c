//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

/// Checks a database file for damage, beside whoever uses it.
public struct SQLiteCheck: Sendable {
    /// How thorough a check is.
    public enum Depth: Sendable, Equatable {
        /// The structure of all pages, and constraints: `PRAGMA quick_check`.
        case quick
        /// And whether each index holds exactly what its table does: `PRAGMA integrity_check`. Several times slower.
        case full

        var pragma: String {
            switch self {
            case .quick: "quick_check"
            case .full: "integrity_check"
            }
        }
    }

    /// How long a check may take. It reads one snapshot all the while, and the write-ahead log grows.
    public var timeout: Duration
    public var depth: Depth
    private let configuration: SQLiteConfiguration

    /// - Parameters:
    ///   - configuration: The database.
    ///   - depth: Default: quick.
    ///   - timeout: Default: 1 h.
    public init(_ configuration: SQLiteConfiguration, depth: Depth = .quick, timeout: Duration = .seconds(3_600)) {
        self.configuration = configuration
        self.depth = depth
        self.timeout = timeout
    }

    /// Runs the check on a read-only connection of its own.
    ///
    /// - Parameter onProgress: Told four times a second how much was read, on Linux.
    /// - Returns: Up to a hundred faults in SQLite's words; none for a sound file.
    /// - Throws: ``DatabaseError``; `CancellationError`. SQLite before 3.41 does not look at the deadline while it
    ///   walks the pages: the caller is answered some seconds after it then.
    public func run(
        onProgress: @escaping @Sendable (SQLiteBackup.Progress) -> Void = { _ in }
    ) async throws -> [String] {
        try await ToolThread.run("check", timeout: self.timeout) { thread in
            let path = self.configuration.path
            let connection = try ToolConnection(path, .live, signal: thread.signal, vfs: self.configuration.vfs)
            defer { connection.close() }
            let bytes = try connection.integer("PRAGMA page_count") * connection.integer("PRAGMA page_size")
            return try Self.faults(connection, self.depth, bytes: bytes, thread, onProgress: onProgress)
        }
    }

    /// Checks what a connection has open.
    static func faults(
        _ connection: ToolConnection, _ depth: Depth, bytes: Int, _ thread: ToolThread,
        onProgress: @escaping @Sendable (SQLiteBackup.Progress) -> Void
    ) throws -> [String] {
        try thread.check()
        let reads = ThreadReads()
        let started = MonotonicInstant.now
        let lines = try thread.ticking(every: .milliseconds(250)) {
            guard let reads, let count = reads.bytes else { return }
            onProgress(.init(phase: .checking, bytesDone: count, bytesTotal: bytes, elapsed: .now - started))
        } while: {
            do {
                return try connection.column("PRAGMA \(depth.pragma)")
            } catch let error as DatabaseError where error.code.primary == .sqliteCorrupt {
                // Some damage ends the check itself.
                return [error.message]
            }
        }
        return lines == ["ok"] ? [] : lines
    }
}
