//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule

/// A write-ahead log that has outgrown its bound, because a reader's old snapshot keeps it from being copied.
public struct PinnedLog: Sendable, Equatable, CustomStringConvertible {
    /// Size of the log's file.
    public let bytes: Int
    /// Frames of the log that could not be copied into the file.
    public let framesWaiting: Int
    /// When it was first seen.
    public let since: MonotonicInstant
    /// The leases at work when it was last looked at, oldest first: the first is the likely cause. Empty when the
    /// reader is none of the pool's: a tool's, or another process's.
    public let holders: [LeaseError.Holder]

    public var description: String {
        let held = self.holders.first.map { "held by \($0)" } ?? "held by a reader outside the pool"
        return "the write-ahead log has \(self.bytes) bytes and cannot be emptied: \(held)"
    }
}
