//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization
import WeirModel

/// The parts of minutes and hours that were touched last, as they are committed, so that refolding one reads nothing.
///
/// Right only as long as nobody else writes demand: the one process that has the database's lock, one batch after the
/// other. A batch keeps what it changes to itself until its transaction is committed.
final class DemandCache: Sendable {
    /// A minute by its seconds, or an hour by its minutes.
    struct Key: Hashable, Sendable {
        let parts: DemandTable
        let pool: Int64
        /// Where the whole begins, in seconds since the epoch.
        let start: Int64
    }

    private let entries = Mutex<[Key: [DemandPart]]>([:])

    /// Beyond this the cache starts anew: 12 MB when each has all its 60 parts.
    private static let countMax = 2_048

    func find(_ key: Key) -> [DemandPart]? { self.entries.withLock { $0[key] } }

    func remember(_ changed: [Key: [DemandPart]]) {
        guard !changed.isEmpty else { return }
        self.entries.withLock {
            if $0.count + changed.count > Self.countMax { $0.removeAll() }
            $0.merge(changed) { $1 }
        }
    }

    /// Forgets all: after a batch of which it is not known what became of it.
    func clear() { self.entries.withLock { $0.removeAll() } }
}
