//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Why a lease was refused or ended early.
public struct LeaseError: Error, Sendable, CustomStringConvertible {
    /// What ended the lease.
    public enum Reason: Sendable, Equatable {
        /// All connections were at work until the caller's patience ended.
        case busy
        /// The waiting queue was full.
        case queueFull
        /// No connection could be opened; the text is the last cause.
        case databaseDown(String)
        /// The work had begun and did not end in time; the engine has been told to stop.
        case deadlineExceeded
        /// The pool is closing.
        case shuttingDown
    }

    /// Somebody who held a connection when the lease was refused.
    public struct Holder: Sendable, Equatable, CustomStringConvertible {
        /// The holder's label.
        public let label: String
        /// Where the holder asked.
        public let callSite: String
        /// How long it had been at work.
        public let age: Duration

        public var description: String { "\(self.label) at \(self.callSite) for \(self.age.inMilliseconds) ms" }
    }

    /// What ended the lease.
    public let reason: Reason
    /// The label of the refused lease.
    public let label: String
    /// Where it was asked for.
    public let callSite: String
    /// How long it had waited or worked.
    public let elapsed: Duration
    /// Who held the connections, oldest first.
    public let holders: [Holder]
    /// Whether the closure had begun to run. A write that had begun may yet commit: its outcome is unknown.
    public let hadStarted: Bool

    public var description: String {
        let subject = "\(self.label) at \(self.callSite)"
        let after = "after \(self.elapsed.inMilliseconds) ms"
        let held = self.holders.isEmpty ? "" : "; held by " + self.holders.map(\.description).joined(separator: ", ")
        return switch self.reason {
        case .busy: "no connection for \(subject) \(after): all are busy\(held)"
        case .queueFull: "no connection for \(subject): the waiting queue is full\(held)"
        case .databaseDown(let cause): "no connection for \(subject) \(after): the database is down (\(cause))"
        case .deadlineExceeded: "\(subject) was stopped at its deadline \(after)"
        case .shuttingDown: "no connection for \(subject): the pool is closing"
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero.
    package var inMilliseconds: Int64 {
        self.components.seconds * 1_000 + self.components.attoseconds / 1_000_000_000_000_000
    }

    /// Seconds as a floating-point number, for metrics.
    package var inSeconds: Double {
        Double(self.components.seconds) + Double(self.components.attoseconds) / 1e18
    }
}
