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

extension SQLiteBackup {
    /// Puts a backup in the database's place.
    ///
    /// The backup is copied beside the database and checked before anything is touched. The old database, damaged or
    /// not, is kept under another name together with its log.
    ///
    /// - Parameters:
    ///   - backup: The path of the backup; it stays as it is.
    ///   - keepsPrevious: Whether the old database is kept as `<path>.before-restore-<time>`.
    ///   - onProgress: Called on the copying thread.
    /// - Throws: ``DatabaseError`` when the database is in use, naming by whom, when the backup is damaged or another
    ///   application's, when there is no room; `CancellationError`. The old database is untouched then.
    public func restore(
        from backup: String, keepsPrevious: Bool = true,
        onProgress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws -> Summary {
        try await ToolThread.run("restore", timeout: self.timeout) { thread in
            let started = MonotonicInstant.now
            let path = self.configuration.path
            try self.refuseItself(backup)
            let lock = try ProcessLock(path: path + ".lock", holder: "process \(getpid()), which restores a backup")
            defer { lock.release() }
            try Self.refuseLive(path)
            let copy = Copy(configuration: self.configuration, check: self.check, onProgress: onProgress)
            let partial = try copy.make(
                of: backup, Self.access(backup), at: Self.provisionalPath(restoring: path), thread)
            if let owner = FileFacts(path) ?? FileFacts(FileFacts.directory(of: path)) {
                try partial.give(to: owner)
                // The lock's file is made by whoever comes first, and its owner must be able to open it.
                chown(path + ".lock", owner.owner, owner.group)
            }
            let bytes = FileFacts(partial.path)?.bytes ?? 0
            try thread.claim()
            let previous = try Self.swap(partial, path, keepsPrevious: keepsPrevious)
            return Summary(path: path, bytes: bytes, elapsed: .now - started, previous: previous)
        }
    }

    /// Where the copy is while it is made, before anything is touched.
    package static func provisionalPath(restoring database: String) -> String { database + ".restoring" }

    /// Puts the complete copy in the place of the database.
    ///
    /// A new file beside an old log would be read as one database, and be damaged by it. So the copy gets a name first
    /// that keeps a server from opening the database until the last step is done.
    private static func swap(_ partial: PartialFile, _ path: String, keepsPrevious: Bool) throws -> String? {
        let complete = path + Self.completeSuffix
        try partial.rename(to: complete)
        let previous = try Self.setAside(path, keeps: keepsPrevious)
        try PartialFile.rename(complete, to: path)
        return previous
    }

    /// Takes the old database away.
    ///
    /// - Returns: Where it is now.
    private static func setAside(_ path: String, keeps: Bool) throws -> String? {
        // The index of the log is made anew by whoever opens the database.
        unlink(path + "-shm")
        guard keeps else {
            for suffix in ["", "-wal", "-journal"] where FileFacts(path + suffix) != nil {
                guard unlink(path + suffix) == 0 else {
                    throw DatabaseError.system("remove \(path + suffix)", remedy: "see who may write to the directory")
                }
            }
            return nil
        }
        let name = Self.freeName(path)
        // The log may hold what was committed last: it goes with its database.
        for suffix in ["-wal", "-journal", ""] where FileFacts(path + suffix) != nil {
            try PartialFile.rename(path + suffix, to: name + suffix)
        }
        return FileFacts(name) == nil ? nil : name
    }

    /// A name with the time in it that nothing has yet.
    private static func freeName(_ path: String) -> String {
        var seconds = time(nil)
        while true {
            var parts = tm()
            gmtime_r(&seconds, &parts)
            func digits(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
            let date = "\(parts.tm_year + 1_900)\(digits(parts.tm_mon + 1))\(digits(parts.tm_mday))"
            let name =
                "\(path).before-restore-\(date)T\(digits(parts.tm_hour))\(digits(parts.tm_min))\(digits(parts.tm_sec))Z"
            if FileFacts(name) == nil, FileFacts(name + "-wal") == nil { return name }
            seconds += 1
        }
    }

    // MARK: - Refusals

    /// The name of a complete copy whose last step is still to be done.
    static let completeSuffix = ".restored"

    /// Refuses to open a database whose restore was interrupted in its last steps.
    static func refuseInterrupted(_ path: String) throws {
        guard FileFacts(path + Self.completeSuffix) != nil else { return }
        throw DatabaseError(
            code: .sqliteCannotOpen, operation: "open \(path)",
            message: "a restore was interrupted in its last step: \(path + Self.completeSuffix) is complete and not in "
                + "place; restore the backup again, or remove that file to go on with what is there")
    }

    private func refuseItself(_ backup: String) throws {
        guard let identity = FileFacts(backup)?.identity, identity == FileFacts(self.configuration.path)?.identity
        else { return }
        throw DatabaseError(
            code: .sqliteCannotOpen, operation: "restore \(backup)",
            message: "this is the database itself; name a backup of it")
    }

    /// The lock keeps servers out; this finds others, such as a shell of SQLite's own.
    private static func refuseLive(_ path: String) throws {
        let found = FileHolders.find([path, path + "-wal", path + "-shm"])
        guard let first = found.holders.first else { return }
        throw DatabaseError(
            code: .sqliteBusy, operation: "restore \(path)",
            message: "the database is open in \(first.description); stop that process first")
    }

    /// A backup as it was made is read as it is. One with a log beside it is somebody's database, and read as such.
    private static func access(_ backup: String) -> ToolConnection.Access {
        FileFacts(backup + "-wal") == nil && FileFacts(backup + "-shm") == nil ? .still : .live
    }
}
