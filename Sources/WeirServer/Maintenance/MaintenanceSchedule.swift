//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLiteDriver

/// What a database needs and when; the decisions alone.
struct MaintenanceSchedule: Sendable {
    enum Action: Sendable, Equatable {
        /// Bring the planner's statistics up to date.
        case optimize
        /// Give free pages back, but for so many.
        case vacuum(keeping: Int)
    }

    /// Between two looks. The first comes after as long, when a server has found its load.
    static let interval = Duration.seconds(300)
    private static let optimizeInterval = Duration.seconds(86_400)
    /// A file keeps free pages for what is written next: fewer than these are left alone …
    private static let freeShareMax = 0.25
    private static let freeBytesMax = 16 << 20
    /// … and this share of the file is kept, so that it need not grow at once.
    private static let freeShareKept = 0.1

    private var optimizedAt: MonotonicInstant?

    /// What is to be done now, in this order.
    mutating func actions(now: MonotonicInstant, figures: SQLiteFigures) -> [Action] {
        var actions: [Action] = []
        if self.optimizedAt.map({ now - $0 >= Self.optimizeInterval }) ?? true {
            self.optimizedAt = now
            actions.append(.optimize)
        }
        let share = Double(figures.freePages) / Double(max(figures.pages, 1))
        if share > Self.freeShareMax, figures.freePages * figures.pageSize > Self.freeBytesMax {
            // Of the file as it will be: the pages in use are the other nine tenths.
            let used = Double(figures.pages - figures.freePages)
            actions.append(.vacuum(keeping: Int(used * Self.freeShareKept / (1 - Self.freeShareKept))))
        }
        return actions
    }
}
