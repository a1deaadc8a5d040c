//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Histogram

/// What a load has seen so far. A value without a clock: times are passed in.
struct LoadFigures: Sendable {
    private(set) var accepted = Histogram<UInt32>()
    private(set) var unavailable = Histogram<UInt32>()
    private(set) var other = Histogram<UInt32>()
    /// All first attempts, those without an answer included: with the time after which they were given up.
    private(set) var all = Histogram<UInt32>()
    /// From when a request was written until its answer: what a sender whose connection was free waits for.
    private(set) var exchange = Histogram<UInt32>()
    /// How late the generator itself was, in microseconds.
    private(set) var lag = Histogram<UInt32>()
    /// First attempts by their status.
    private(set) var statuses: [UInt16: Int] = [:]
    /// Further attempts by their status.
    private(set) var redeliveries: [UInt16: Int] = [:]
    private(set) var retryAfters = 0
    private(set) var seconds: [LoadResults.Second] = []
    var bytesSent = 0
    var bytesReceived = 0
    var backlogMax = 0
    var connectionsOpened = 0
    var connectionsMax = 0

    /// A delivery was to be sent now, and the generator came to it.
    mutating func offered(atNanoseconds due: Int64, lagNanoseconds: Int64) {
        self.lag.record(UInt64(max(lagNanoseconds, 0) / 1_000))
        self.change(due) { $0.offered += 1 }
    }

    /// A request was answered so long after it was written.
    mutating func exchanged(nanoseconds: Int64) { self.exchange.record(UInt64(max(nanoseconds, 0) / 1_000)) }

    /// A first attempt has ended.
    mutating func ended(_ entry: LedgerEntry, dueNanoseconds due: Int64, hasRetryAfter: Bool = false) {
        if hasRetryAfter { self.retryAfters += 1 }
        guard entry.attempt == 0 else {
            self.redeliveries[entry.status, default: 0] += 1
            return
        }
        self.statuses[entry.status, default: 0] += 1
        let latency = UInt64(entry.microseconds)
        self.all.record(latency)
        switch entry.status {
        case 202:
            self.accepted.record(latency)
            self.change(due) {
                $0.accepted += 1
                $0.acceptedMaxMicroseconds = max($0.acceptedMaxMicroseconds, entry.microseconds)
            }
        case 503:
            self.unavailable.record(latency)
            self.change(due) { $0.unavailable += 1 }
        case LedgerEntry.noAnswer, LedgerEntry.notSent: self.change(due) { $0.failed += 1 }
        default:
            self.other.record(latency)
            self.change(due) { $0.other += 1 }
        }
    }

    private mutating func change(_ nanoseconds: Int64, _ body: (inout LoadResults.Second) -> Void) {
        let second = Int(max(nanoseconds, 0) / 1_000_000_000)
        while self.seconds.count <= second { self.seconds.append(LoadResults.Second()) }
        body(&self.seconds[second])
    }

    /// Deliveries that were due.
    var offered: Int { Int(self.lag.totalCount) }

    /// First attempts that were answered otherwise than with 202 and 503.
    var otherAnswers: Int { Int(self.other.totalCount) }

    /// First attempts that were answered.
    var answered: Int { Int(self.all.totalCount) - self.failed }

    /// A percentile of all latencies so far, in microseconds.
    func percentile(_ percentile: Double) -> UInt64 { self.all.valueAtPercentile(percentile) }

    /// First attempts that ended without an answer.
    var failed: Int { self.statuses[LedgerEntry.noAnswer, default: 0] + self.statuses[LedgerEntry.notSent, default: 0] }
}
