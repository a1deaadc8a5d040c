//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// An attempt to send a delivery that is due.
struct PendingSend: Sendable, Equatable {
    /// The number of the send in its load.
    var send: Int
    /// 0 for the first attempt.
    var attempt: UInt16
    /// When it is to be sent, in nanoseconds from the load's beginning: latency counts from here.
    var due: Int64
}
