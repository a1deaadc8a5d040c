//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What comparing ledgers with a database has shown.
package struct VerifyReport: Sendable, Equatable {
    /// Most differences that are told in words.
    package static let differencesMax = 20

    package var ledgers = 0
    /// Sends with an entry.
    package var sends = 0
    /// Deliveries that were answered 202; that were refused or never sent; and that may be there or not.
    package var applied = 0
    package var absent = 0
    package var open = 0
    /// Of the latter, those that are there.
    package var openFound = 0
    /// Of those that were answered 202: dead letters, and those that wait in the outbox.
    package var deadLetters = 0
    package var waiting = 0
    /// Rows compared.
    package var jobs = 0
    package var runs = 0
    /// Deliveries in the database that no ledger knows.
    package var foreign = 0
    /// All differences, and the first of them in words.
    package private(set) var differenceCount = 0
    package private(set) var differences: [String] = []

    package init() {}

    /// Whether everything is as it was told, and applied.
    package var agrees: Bool { self.differenceCount == 0 && self.waiting == 0 }

    package mutating func report(_ difference: String) {
        self.differenceCount += 1
        if self.differences.count < Self.differencesMax { self.differences.append(difference) }
    }
}
