//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

/// Copies a database while it is in use, and puts a copy back.
///
/// The source is read through a connection of its own, from one snapshot, beside whoever writes it; the copy appears
/// under its name when it is complete, checked and on disk, or not at all. While a copy is made the write-ahead log
/// grows by what is written meanwhile, since the snapshot keeps it from being emptied.
public struct SQLiteBackup: Sendable {
    /// How far a backup or a restore has come.
    public struct Progress: Sendable, Equatable {
        public enum Phase: Sendable, Equatable {
            /// Pages are copied: the figures are bytes of the copy.
            case copying
            /// The copy is checked: the figures are bytes read, of a file of so many; a check reads some of it twice.
            case checking
        }

        public var phase: Phase
        public var bytesDone: Int
        public var bytesTotal: Int
        /// Since this phase began.
        public var elapsed: Duration
    }

    /// What was made.
    public struct Summary: Sendable, Equatable {
        /// Where the copy is.
        public var path: String
        public var bytes: Int
        public var elapsed: Duration
        /// Where the database was put that a restore has replaced; nil when there was none, or when it was not kept.
        public var previous: String?
    }

    /// The database: its path, and the application its files belong to.
    public var configuration: SQLiteConfiguration
    /// How thoroughly the copy is checked.
    public var check: SQLiteCheck.Depth
    /// How long the whole may take. Meanwhile the write-ahead log grows.
    public var timeout: Duration

    /// - Parameters:
    ///   - configuration: The database; the same that it is opened with.
    ///   - check: Default: quick, which reads the copy once or twice.
    ///   - timeout: Default: 1 h.
    public init(
        _ configuration: SQLiteConfiguration, check: SQLiteCheck.Depth = .quick, timeout: Duration = .seconds(3_600)
    ) {
        self.configuration = configuration
        self.check = check
        self.timeout = timeout
    }

    /// Copies the database to a file.
    ///
    /// Everything whose write was answered before the call is in the copy.
    ///
    /// - Parameters:
    ///   - destination: The path of the copy.
    ///   - overwrites: Whether a file of that name is replaced; it stays as it is until the copy is complete.
    ///   - onProgress: Called on the copying thread, after every MiB; and while the copy is checked, now and then.
    /// - Throws: ``DatabaseError``; `CancellationError`. What there is of the copy is removed then.
    public func make(
        at destination: String, overwrites: Bool = false, onProgress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws -> Summary {
        try await ToolThread.run("backup", timeout: self.timeout) { thread in
            let started = MonotonicInstant.now
            try self.refuseUnfit(destination, overwrites: overwrites)
            let copy = Copy(configuration: self.configuration, check: self.check, onProgress: onProgress)
            let partial = try copy.make(
                of: self.configuration.path, .live, at: Self.provisionalPath(destination), thread)
            try thread.claim()
            // A second look: it may have come meanwhile.
            try self.refuseUnfit(destination, overwrites: overwrites)
            let bytes = FileFacts(partial.path)?.bytes ?? 0
            try partial.rename(to: destination)
            return Summary(path: destination, bytes: bytes, elapsed: .now - started)
        }
    }

    /// Where a copy is until it is complete.
    package static func provisionalPath(_ destination: String) -> String { destination + ".partial" }

    /// Refuses a destination that would harm something.
    private func refuseUnfit(_ destination: String, overwrites: Bool) throws {
        func refusal(_ message: String) -> DatabaseError {
            DatabaseError(code: .sqliteCannotOpen, operation: "back up to \(destination)", message: message)
        }
        let existing = FileFacts(destination)
        if let existing, existing.identity == FileFacts(self.configuration.path)?.identity {
            throw refusal("this is the database itself; choose another name")
        }
        if existing?.isDirectory ?? false { throw refusal("this is a directory; name a file in it") }
        // A log would be read as part of the copy, and damage it.
        for suffix in ["-wal", "-journal"] where FileFacts(destination + suffix).map({ $0.bytes > 0 }) ?? false {
            throw refusal("\(destination + suffix) belongs to a database of that name; choose another name")
        }
        guard existing != nil else { return }
        guard overwrites else { throw refusal("the file exists; choose another name, or overwrite it explicitly") }
        if let holder = ProcessLock.holder(of: destination + ".lock") {
            throw refusal("this is a database in use by \(holder); choose another name")
        }
    }
}

/// One copy: taken from one snapshot, checked, synchronised, under its provisional name.
struct Copy {
    let configuration: SQLiteConfiguration
    let check: SQLiteCheck.Depth
    let onProgress: @Sendable (SQLiteBackup.Progress) -> Void

    /// - Parameters:
    ///   - source: The path of the database to copy.
    ///   - access: How to read it.
    ///   - path: Where to make the copy.
    /// - Throws: ``DatabaseError``; nothing is left behind then.
    func make(of source: String, _ access: ToolConnection.Access, at path: String, _ thread: ToolThread) throws
        -> PartialFile
    {
        guard FileFacts(source) != nil else {
            throw DatabaseError(
                code: .sqliteCannotOpen, operation: "open \(source)", message: "there is no such file; name another")
        }
        let reader = try ToolConnection(source, access, signal: thread.signal, vfs: self.configuration.vfs)
        defer { reader.close() }
        try self.refuseForeign(reader, source)
        let pages = try PageCopy(reader)
        let directory = FileFacts.directory(of: path)
        try Self.refuseFullDisk(directory, bytes: pages.bytes, free: FileFacts.freeBytes(in: directory))
        let partial = try PartialFile(path)
        do {
            try self.fill(partial, pages, thread)
            // From here on the source's log may be emptied again.
            try pages.release()
            try self.verify(partial, pages, thread)
            return partial
        } catch {
            partial.discard()
            throw error
        }
    }

    private func fill(_ partial: PartialFile, _ pages: PageCopy, _ thread: ToolThread) throws {
        let writer = try ToolConnection(partial.path, .copy, signal: thread.signal)
        defer { writer.close() }
        let started = MonotonicInstant.now
        try pages.run(to: writer, thread) { done in
            self.onProgress(
                .init(
                    phase: .copying, bytesDone: done * pages.pageSize, bytesTotal: pages.bytes,
                    elapsed: .now - started))
        }
    }

    /// Synchronises the copy and reads it again.
    private func verify(_ partial: PartialFile, _ pages: PageCopy, _ thread: ToolThread) throws {
        try partial.synchronise()
        let connection = try ToolConnection(partial.path, .still, signal: thread.signal)
        defer { connection.close() }
        try self.refuseForeign(connection, partial.path)
        let faults = try SQLiteCheck.faults(connection, self.check, bytes: pages.bytes, thread) { self.onProgress($0) }
        guard faults.isEmpty, try connection.integer("PRAGMA page_count") == pages.pages else {
            throw DatabaseError(
                code: .sqliteCorrupt, operation: "check the copy",
                message: "the copy is damaged, and so perhaps is what was copied: "
                    + "\(faults.first ?? "pages are missing"); check the original, or take another copy")
        }
    }

    private func refuseForeign(_ connection: ToolConnection, _ path: String) throws {
        let id = try connection.integer("PRAGMA application_id")
        guard id == Int(self.configuration.applicationID) else {
            throw DatabaseError(
                code: .sqliteNotADatabase, operation: "open \(path)",
                message: "the file is a SQLite database of another application (application id \(id)); name another")
        }
    }

    static func refuseFullDisk(_ directory: String, bytes: Int, free: Int?) throws {
        // A little more than the copy, for the directory and the file system's own needs.
        let needed = bytes + 1 << 20
        guard let free, free < needed else { return }
        throw DatabaseError(
            code: .sqliteFull, operation: "copy to \(directory)",
            message: "\(bytesForPeople(needed)) are needed and \(bytesForPeople(free)) are free; "
                + "make room, or choose another place")
    }
}

extension SQLiteDatabase {
    /// Copies the database to a file while it is in use; see ``SQLiteBackup``.
    ///
    /// - Throws: ``DatabaseError``; `CancellationError`. What there is of the copy is removed then.
    public func backup(
        to destination: String, overwrites: Bool = false,
        onProgress: @escaping @Sendable (SQLiteBackup.Progress) -> Void = { _ in }
    ) async throws -> SQLiteBackup.Summary {
        try await SQLiteBackup(self.configuration)
            .make(at: destination, overwrites: overwrites, onProgress: onProgress)
    }
}
