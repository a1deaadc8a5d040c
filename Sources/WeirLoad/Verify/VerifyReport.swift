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
    /// Rows compared.
    package var jobs = 0
    package var runs = 0
    /// Deliveries in the database that no ledger knows.
    package var foreign = 0
    /// All differences, and the first of them in words.
    package private(set) var differenceCount = 0
    package private(set) var differences: [String] = []

    package init() {}

    package mutating func report(_ difference: String) {
        self.differenceCount += 1
        if self.differences.count < Self.differencesMax { self.differences.append(difference) }
    }
}
