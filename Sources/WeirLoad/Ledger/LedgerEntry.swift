//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What became of one attempt to send a delivery.
package struct LedgerEntry: Sendable, Equatable {
    /// The number of the send in its load.
    package var send: UInt32
    /// 0 for the first attempt.
    package var attempt: UInt16
    /// The HTTP status; ``noAnswer`` or ``notSent`` when there is none.
    package var status: UInt16
    /// From when it was to be sent to the answer, or to when the answer was given up.
    package var microseconds: UInt32

    /// It was sent, and no answer came: whether it was applied is unknown.
    package static let noAnswer: UInt16 = 0
    /// It was never sent: no connection could be had in time.
    package static let notSent: UInt16 = 1

    package init(send: UInt32, attempt: UInt16, status: UInt16, microseconds: UInt32) {
        self.send = send
        self.attempt = attempt
        self.status = status
        self.microseconds = microseconds
    }

    /// What a status says about the database.
    package enum Meaning: Sendable, Equatable {
        /// It is there.
        case applied
        /// It is not there, as far as this attempt goes.
        case absent
        /// It may be there: there was no answer, or the server could not tell either.
        case unknown
    }

    package var meaning: Meaning {
        switch self.status {
        case 202: .applied
        case Self.noAnswer, 500...: .unknown
        default: .absent
        }
    }

    // MARK: - Bytes

    static let bytes = 12

    func append(to bytes: inout [UInt8]) {
        withUnsafeBytes(of: self.send.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: self.attempt.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: self.status.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: self.microseconds.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// - Parameter bytes: ``bytes`` of them.
    init(bytes: UnsafeRawBufferPointer) {
        self.send = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
        self.attempt = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
        self.status = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
        self.microseconds = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }
}

/// What is wrong with a file of a load, in one line with the remedy.
package struct LoadError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
