//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
public import ConnectionPoolModule
public import SQLCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One SQLite file: a pool of readers and a single, group-committing writer.
///
/// Reads run in parallel, each in one snapshot, and are not held up by writes. Writes run one after the other on one
/// thread; those that queued while the last transaction was committed share the next one, and each is answered after
/// its COMMIT, with full synchronisation unless the configuration says otherwise. A read asked for after a write was
/// answered sees it.
public final class SQLiteDatabase: Database {
    /// The file's settings.
    public let configuration: SQLiteConfiguration
    /// What the writer has done.
    public let writerStatistics: WriterStatistics
    private let lock: ProcessLock
    private let memoryKeeper: MemoryKeeper
    private let timer: DeadlineTimer
    let writer: ConnectionPool<SQLiteWriterDriver>
    @usableFromInline let readers: ConnectionPool<SQLiteReaderDriver>

    /// SQLite's version, as of the library in use.
    public static var libraryVersion: String { String(cString: sqlite3_libversion()) }

    /// Opens the file, creating it when missing, and recovers what a crash left behind.
    ///
    /// The writer opens first and alone: until it has recovered the log no other connection exists.
    ///
    /// - Throws: ``DatabaseError`` when another process has the file, when it is not this application's, when it
    ///   cannot be opened or written, or when SQLite does not take a setting.
    public static func open(_ configuration: SQLiteConfiguration) async throws -> SQLiteDatabase {
        let lock = try ProcessLock(path: configuration.path + ".lock", holder: "process \(getpid())")
        try SQLiteBackup.refuseInterrupted(configuration.path)
        // The first opening is tried here, once, on a thread of its own, so that its error reaches the caller; the
        // pool would go on trying.
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            WorkerThread.start(name: "open") {
                continuation.resume(
                    with: Result {
                        try SQLiteConnection(configuration, role: .writer).close()
                    })
            }
        }
        let database = SQLiteDatabase(configuration, lock: lock)
        database.writer.start()
        return database
    }

    private init(_ configuration: SQLiteConfiguration, lock: ProcessLock) {
        self.configuration = configuration
        self.lock = lock
        self.timer = DeadlineTimer()
        self.writerStatistics = WriterStatistics()
        let memory = MemoryKeeper(
            writerIdleMax: configuration.readerIdleTimeout, onRelease: configuration.onMemoryReleased)
        self.memoryKeeper = memory
        let readers = ConnectionPool(
            driver: SQLiteReaderDriver(configuration: configuration, memory: memory),
            limits: configuration.readerLimits, timer: self.timer, delegate: configuration.delegate)
        self.readers = readers
        let writer = SQLiteWriterDriver(
            configuration: configuration, statistics: self.writerStatistics, readers: readers, memory: memory)
        writer.suspendReaders(cause: "the file is being opened")
        self.writer = ConnectionPool(
            driver: writer, limits: configuration.writerLimits, timer: self.timer, delegate: configuration.delegate)
    }

    @inlinable
    public func read<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLReading) throws -> Value
    ) async throws -> Value {
        try await self.readers.withConnection(lease) { try body($0) }
    }

    @discardableResult
    public func write<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLWriting) throws -> Value
    ) async throws -> Committed<Value> {
        Committed(try await self.writer.withConnection(lease) { try body($0) })
    }

    public func write<Value: Sendable>(
        _ lease: Lease, _ body: @escaping @Sendable (any SQLWriting) throws -> Value,
        answer: @escaping @Sendable (Result<Committed<Value>, any Error>) -> Void
    ) {
        self.writer.withConnection(lease) {
            try body($0)
        } answer: {
            answer($0.map(Committed.init))
        }
    }

    /// A moment's figures of the reader pool.
    public var readerPool: PoolStatistics { self.readers.snapshot() }

    /// The leases that hold readers now, oldest first.
    public var readerHolders: [LeaseError.Holder] { self.readers.holders }

    /// A moment's figures of the writer's queue.
    public var writerPool: PoolStatistics { self.writer.snapshot() }

    /// The leases that hold the writer now, oldest first.
    public var writerHolders: [LeaseError.Holder] { self.writer.holders }

    /// What each connection uses, the readers first.
    public var memory: [ConnectionMemory] { self.memoryKeeper.current }

    /// Size of the write-ahead log's file; zero when there is none. Asks the file system and opens nothing.
    public var logBytes: Int { FileFacts(self.configuration.path + "-wal")?.bytes ?? 0 }

    /// What is being recovered, from the opening or from a failure of the disk, until reads and writes go on; nil when
    /// all is well.
    public var recovery: String? { self.writerStatistics.recovery }

    /// The write-ahead log, while a reader keeps it over four times its goal; nil when all is well.
    public var pinned: PinnedLog? { self.writerStatistics.pinned }

    /// Refuses new work, lets the rest end, closes the readers, empties the log and closes the writer.
    ///
    /// - Parameter deadline: How long reads, and then writes, may still take; what is left is stopped.
    public func close(deadline: Duration = .seconds(10)) async {
        await self.readers.shutDown(deadline: deadline)
        await self.writer.shutDown(deadline: deadline)
        self.timer.stop()
        self.lock.release()
    }
}
