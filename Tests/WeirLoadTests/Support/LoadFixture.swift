//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

@testable import WeirLoad

/// Parameters and parts of loads for tests.
enum LoadFixture {
    /// A steady load of small bodies, so that tests take no time for them.
    static func parameters(
        seed: UInt64 = 7, rate: Double = 100, seconds: Double = 10, startedAt: Int64 = 1_790_000_000_000
    ) -> LoadParameters {
        var parameters = LoadParameters(
            .steady, seed: seed, startedAtMilliseconds: startedAt, fromRate: rate, toRate: rate,
            durationMilliseconds: Int64(seconds * 1_000))
        parameters.bodyBytes = 0
        parameters.runBodyBytes = 0
        return parameters
    }

    /// The deliveries of all sends, in the order in which they are sent.
    static func sent(_ parameters: LoadParameters) -> [Int] {
        var sequence = DeliverySequence(parameters)
        return (0..<parameters.sends).map { sequence.delivery(ofSend: $0) }
    }

    /// A ledger as it would be read, with an answer to each send.
    static func ledger(_ parameters: LoadParameters, status: (Int) -> UInt16?) throws -> LoadLedger {
        var bytes = try LoadLedger.head(parameters)
        for send in 0..<parameters.sends {
            guard let status = status(send) else { continue }
            LedgerEntry(send: UInt32(send), attempt: 0, status: status, microseconds: 1_000).append(to: &bytes)
        }
        return try LoadLedger(Data(bytes), name: "a test's ledger")
    }
}
