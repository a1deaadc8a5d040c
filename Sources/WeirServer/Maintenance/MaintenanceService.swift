//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Logging
import SQLiteDriver
import ServiceLifecycle

/// Keeps the planner's statistics fresh and gives free pages back, in the background.
struct MaintenanceService: Service {
    let database: SQLiteDatabase
    let logger: Logger
    /// Waits between two looks; tests put their own there.
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.loop() }
        } catch is CancellationError {
            // The server stops.
        }
    }

    private func loop() async throws {
        var schedule = MaintenanceSchedule()
        while true {
            try await self.pause(MaintenanceSchedule.interval)
            do {
                let figures = try await self.database.figures()
                for action in schedule.actions(now: .now, figures: figures) { try await self.perform(action) }
            } catch let error as CancellationError {
                throw error
            } catch {
                // The database is busy or down, which others report; the next look comes.
                self.logger.warning("maintenance was put off", metadata: ["cause": "\(error)"])
            }
        }
    }

    private func perform(_ action: MaintenanceSchedule.Action) async throws {
        switch action {
        case .optimize:
            let tables = try await self.database.optimize()
            self.logger.info("the query planner's statistics are up to date", metadata: ["tables": "\(tables)"])
        case .vacuum(let kept):
            let pages = try await self.database.vacuumInSlices(keeping: kept)
            self.logger.info("free pages were given back", metadata: ["pages": "\(pages)"])
        }
    }
}
