//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// How a load is sent.
package struct LoadOptions: Sendable {
    package var target: LoadTarget
    package var secret: String
    /// Most connections at once; they are opened when all others are busy.
    package var connectionsMax: Int
    /// Longest wait for a connection, and then for an answer. Default: 12 s, two more than GitHub waits.
    package var timeout: Duration
    /// Whether deliveries that were refused or got no answer are sent again, each second, until they are taken.
    package var redelivers: Bool
    /// For how long after the schedule's end.
    package var redeliverTimeout: Duration
    /// Where the ledger goes; nil for none.
    package var ledgerPath: String?

    package init(
        target: LoadTarget, secret: String, connectionsMax: Int = 512, timeout: Duration = .seconds(12),
        redelivers: Bool = false, redeliverTimeout: Duration = .seconds(60), ledgerPath: String? = nil
    ) {
        self.target = target
        self.secret = secret
        self.connectionsMax = connectionsMax
        self.timeout = timeout
        self.redelivers = redelivers
        self.redeliverTimeout = redeliverTimeout
        self.ledgerPath = ledgerPath
    }
}
