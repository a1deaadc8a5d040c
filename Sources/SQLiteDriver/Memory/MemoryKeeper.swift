//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule

/// Keeps account of the connections' memory and gives it back after large work.
///
/// Every call for a connection comes on its own thread; only the list of accounts is shared.
final class MemoryKeeper: @unchecked Sendable {
    // `accounts` is guarded by `monitor`.
    private let writerIdleMax: Duration
    private let onRelease: @Sendable () -> Void
    private let monitor = Monitor()
    private var accounts: [MemoryAccount] = []

    /// - Parameters:
    ///   - writerIdleMax: How long an idle writer keeps its cache.
    ///   - onRelease: Called on a connection's thread when memory went back to the allocator.
    init(writerIdleMax: Duration = .seconds(30), onRelease: (@Sendable () -> Void)? = nil) {
        self.writerIdleMax = writerIdleMax
        self.onRelease = onRelease ?? {}
    }

    /// The figures of all connections, by pool and number.
    var current: [ConnectionMemory] {
        self.monitor.withLock { self.accounts }.map(\.current)
            .sorted { ($0.pool, $0.connection.value) < ($1.pool, $1.connection.value) }
    }

    /// A connection was opened.
    func opened(_ connection: SQLiteConnection, _ id: ConnectionID, pool: String) {
        let account = MemoryAccount(pool: pool, connection: id)
        account.read(connection)
        connection.account = account
        self.monitor.withLock { self.accounts.append(account) }
    }

    /// A reader has nothing to do: what a long lease left in its cache goes back.
    ///
    /// What short ones left stays: it is small, and the pool closes readers that stay idle.
    func readerBecameIdle(_ connection: SQLiteConnection) {
        if connection.work.takeHasRunLong() { return self.release(connection) }
        connection.account?.read(connection)
    }

    /// The writer has nothing to do, and perhaps has had nothing to do for a while. Its cache is large and survives its
    /// own commits, so only time tells that it is not needed.
    func writerBecameIdle(_ connection: SQLiteConnection, now: MonotonicInstant = .now) {
        guard let account = connection.account else { return }
        if account.idling.look(leases: connection.work.leases, idleMax: self.writerIdleMax, now: now) {
            return self.release(connection)
        }
        account.read(connection, now: now)
    }

    /// When ``writerBecameIdle(_:now:)`` is to be called again, if nothing happens before.
    func writerIdleUntil(_ connection: SQLiteConnection) -> MonotonicInstant? { connection.account?.idling.dueAt }

    private func release(_ connection: SQLiteConnection) {
        connection.releaseMemory()
        connection.account?.read(connection)
        self.onRelease()
    }

    /// A connection was closed.
    func closed(_ connection: SQLiteConnection) {
        self.monitor.withLock { self.accounts.removeAll { $0 === connection.account } }
        self.onRelease()
    }
}
