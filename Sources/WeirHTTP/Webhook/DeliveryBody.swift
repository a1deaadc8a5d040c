//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import NIOCore
import WeirIngest

/// The body of a delivery while it comes in, within the limit and the budget.
struct DeliveryBody {
    enum Verdict: Equatable {
        /// To be read on, also when it will be refused at its end.
        case goesOn
        case tooLarge
        /// There is no room, and the rest is too long to be read.
        case full
    }

    /// GitHub's own limit for a payload.
    static let bytesMax = 25 << 20
    /// A refused body of this length is read to its end, so that its connection can go on: a new one costs both sides
    /// more.
    private static let drainedBytesMax = 64 << 10

    /// What the head says of its length.
    let length: Int?
    private var bytes = Data()
    /// What of the budget it has taken.
    private var reserved = 0
    /// There was no room for it; the rest is read and thrown away.
    private(set) var isRefused = false
    private var count = 0

    init(length: Int?) { self.length = length }

    mutating func append(_ buffer: ByteBuffer, to ingest: Ingest) -> Verdict {
        self.count += buffer.readableBytes
        guard self.count <= Self.bytesMax else { return .tooLarge }
        if self.isRefused { return .goesOn }
        if let bytes = ingest.reserve(buffer.readableBytes, isNew: self.reserved == 0) {
            self.reserved += bytes
            // A copy: the buffer is a part of a larger one, which it would keep.
            buffer.withUnsafeReadableBytes { self.bytes.append(contentsOf: $0) }
            return .goesOn
        }
        guard let length = self.length, length <= Self.drainedBytesMax else { return .full }
        self.isRefused = true
        self.giveBack(to: ingest)
        return .goesOn
    }

    /// Leaves the body, and the bytes it has taken, to somebody else.
    mutating func handOver() -> (Data, reserved: Int) {
        defer { self = DeliveryBody(length: nil) }
        return (self.bytes, self.reserved)
    }

    /// Nobody wants it any more.
    mutating func giveBack(to ingest: Ingest) {
        if self.reserved > 0 { ingest.release(self.reserved) }
        self.reserved = 0
        self.bytes = Data()
    }
}
