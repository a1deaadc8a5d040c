//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A stretch of the demand curve, folded: where it ends and how high it rose, relative to where it began.
///
/// Folds of neighbouring stretches combine into the fold of both, so seconds fold to minutes, minutes to hours, and
/// any period to its exact peak, without a sample being taken anywhere. Combination is associative; ``gap`` in front
/// says that the level before is part of the stretch, behind it changes nothing.
public struct DemandFold: Hashable, Sendable {
    /// Sum of the deltas.
    public var net: DemandDelta
    /// Highest levels reached, relative to the level before the stretch.
    public var blockedMax: Int64
    public var queuedMax: Int64
    public var runningMax: Int64
    /// Highest sum of queued and running.
    public var demandMax: Int64

    public init(net: DemandDelta, blockedMax: Int64, queuedMax: Int64, runningMax: Int64, demandMax: Int64) {
        self.net = net
        self.blockedMax = blockedMax
        self.queuedMax = queuedMax
        self.runningMax = runningMax
        self.demandMax = demandMax
    }

    /// A stretch in which nothing changed.
    public static let gap = DemandFold(net: DemandDelta(), blockedMax: 0, queuedMax: 0, runningMax: 0, demandMax: 0)

    /// One second: its deltas take effect at its beginning, so the level before it is no part of it.
    public init(second delta: DemandDelta) {
        self.init(
            net: delta, blockedMax: delta.blocked, queuedMax: delta.queued, runningMax: delta.running,
            demandMax: delta.queued + delta.running)
    }

    /// The stretch followed by another.
    public func followed(by next: DemandFold) -> DemandFold {
        var result = self
        result.blockedMax = max(self.blockedMax, self.net.blocked + next.blockedMax)
        result.queuedMax = max(self.queuedMax, self.net.queued + next.queuedMax)
        result.runningMax = max(self.runningMax, self.net.running + next.runningMax)
        result.demandMax = max(self.demandMax, self.net.queued + self.net.running + next.demandMax)
        result.net += next.net
        return result
    }

    /// Folds the parts of a stretch that changed.
    ///
    /// - Parameters:
    ///   - parts: Start and fold of each part, in order of time; parts in which nothing changed are left out.
    ///   - start: Where the stretch begins: when no part begins there, the level before it is part of the stretch.
    public static func fold(_ parts: some Sequence<DemandPart>, from start: Int64) -> DemandFold {
        var result: DemandFold?
        for part in parts {
            if let known = result {
                result = known.followed(by: part.fold)
            } else {
                result = part.start == start ? part.fold : DemandFold.gap.followed(by: part.fold)
            }
        }
        return result ?? .gap
    }
}

/// A stretch of the demand curve and where it begins.
public struct DemandPart: Hashable, Sendable {
    /// Seconds since the epoch.
    public let start: Int64
    public let fold: DemandFold

    public init(start: Int64, fold: DemandFold) {
        self.start = start
        self.fold = fold
    }
}
