//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Names a connection of a pool for as long as the pool lives; never used again.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    package let value: Int

    package init(_ value: Int) { self.value = value }

    public var description: String { "c\(self.value)" }
}

/// Names a lease: a slot of the pool's table and how often that slot had been used before, so that an old name finds
/// nothing.
public struct LeaseID: Hashable, Sendable, CustomStringConvertible {
    package let slot: Int
    package let generation: UInt32

    package init(slot: Int, generation: UInt32 = 0) {
        self.slot = slot
        self.generation = generation
    }

    public var description: String { self.generation == 0 ? "l\(self.slot)" : "l\(self.slot).\(self.generation)" }
}

/// Why a connection is closed.
public enum ConnectionCloseReason: Sendable, Equatable {
    /// The engine or the driver gave it up, or it had done its work.
    case finished
    /// It was idle for too long.
    case idle
    /// It was too old.
    case lifetime
    /// All connections were to be replaced.
    case recycled
    /// The pool ends.
    case shutdown
}
