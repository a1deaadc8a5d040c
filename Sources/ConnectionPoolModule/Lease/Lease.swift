//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What a caller asks of a pool: for how long it will wait, how long the work may take, and who is asking.
public struct Lease: Sendable {
    /// The class of work.
    public var lane: Lane
    /// How long the caller waits for a connection.
    public var acquireTimeout: Duration
    /// How long waiting and work may take together; the caller is answered by then, whatever the engine does.
    public var timeout: Duration
    private let name: StaticString
    private let fileID: StaticString
    private let line: UInt

    /// - Parameters:
    ///   - label: A constant name of the work.
    ///   - lane: The class of work.
    ///   - acquireTimeout: Longest wait for a connection. Default: 2 s.
    ///   - timeout: Longest wait and work together. Default: 5 s.
    public init(
        _ label: StaticString, lane: Lane = .interactive, acquireTimeout: Duration = .seconds(2),
        timeout: Duration = .seconds(5), fileID: StaticString = #fileID, line: UInt = #line
    ) {
        self.lane = lane
        self.acquireTimeout = min(acquireTimeout, timeout)
        self.timeout = timeout
        self.name = label
        self.fileID = fileID
        self.line = line
    }

    // Text is made when somebody reads it: a lease is asked for far more often than it is refused.

    /// A short constant name such as `runs.list`; it appears in errors and metrics, so no user data.
    public var label: String { "\(self.name)" }
    /// Where the lease was asked for, as `Module/File.swift:line`.
    public var callSite: String { "\(self.fileID):\(self.line)" }
}
