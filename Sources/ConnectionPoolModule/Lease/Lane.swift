//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The class of work a lease belongs to; each lane is first in, first out.
///
/// Lanes share one queue by *due time*: a lease is due when it was asked for plus ``handicap``, and the earliest due
/// lease runs next. A heavy lease therefore lets interactive ones pass for a second, never for ever.
public enum Lane: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    /// Somebody waits for the answer: a page, an API call.
    case interactive
    /// A webhook's sender waits for the commit.
    case ingest
    /// Searches and statistics that may read much.
    case heavy
    /// Retention, vacuum, statistics: nobody waits.
    case maintenance

    /// All lanes, made once.
    static let all = Lane.allCases

    /// How long others may pass a lease of this lane.
    public var handicap: Duration {
        switch self {
        case .interactive, .ingest: .zero
        case .heavy: .seconds(1)
        case .maintenance: .seconds(5)
        }
    }

    /// Whether leases of this lane must leave one connection to the others.
    public var isHeavy: Bool {
        switch self {
        case .interactive, .ingest: false
        case .heavy, .maintenance: true
        }
    }

    public var description: String {
        switch self {
        case .interactive: "interactive"
        case .ingest: "ingest"
        case .heavy: "heavy"
        case .maintenance: "maintenance"
        }
    }
}
