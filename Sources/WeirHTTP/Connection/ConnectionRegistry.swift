//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import NIOCore
import Synchronization

/// The open connections, and whom to tell when one is gone.
///
/// A handler of a request is not cancelled by its server when the client leaves; work that reads from the database
/// asks here to be.
final class ConnectionRegistry: Sendable {
    private struct Entry {
        var hasLeft = false
        var watcher: AsyncStream<Never>.Continuation?
    }

    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    /// Connections open.
    var count: Int { self.entries.withLock { $0.count } }

    func opened(_ channel: any Channel) { self.entries.withLock { $0[ObjectIdentifier(channel)] = Entry() } }

    func closed(_ channel: any Channel) {
        let entry = self.entries.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
        entry?.watcher?.finish()
    }

    /// The client has closed its side.
    func left(_ channel: any Channel) {
        let watcher = self.entries.withLock { entries in
            entries[ObjectIdentifier(channel)]?.hasLeft = true
            return entries[ObjectIdentifier(channel)]?.watcher
        }
        watcher?.finish()
    }

    /// Runs `body`, and cancels it when the client leaves.
    ///
    /// - Throws: `CancellationError` when the client left, and what `body` throws.
    func whileConnected<Value: Sendable>(
        _ channel: any Channel, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (stream, watcher) = AsyncStream<Never>.makeStream()
        let isOpen = self.entries.withLock { entries in
            guard let entry = entries[ObjectIdentifier(channel)], !entry.hasLeft else { return false }
            entries[ObjectIdentifier(channel)]?.watcher = watcher
            return true
        }
        guard isOpen else { throw CancellationError() }
        defer { self.entries.withLock { $0[ObjectIdentifier(channel)]?.watcher = nil } }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in stream {}
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else { throw CancellationError() }
            return value
        }
    }
}
