//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLiteDriver
import ServiceLifecycle
import WeirIngest
import WeirLive
import WeirModel

/// Closes the database after everything that uses it has ended.
struct DatabaseService: Service {
    let database: SQLiteDatabase

    func run() async throws {
        // Cancelled or asked to stop: either way the database is closed in order.
        try? await gracefulShutdown()
        // Requests have ended; what still runs was given up by its caller. The whole stop has four seconds.
        await self.database.close(deadline: .seconds(1))
    }
}

/// Applies batches, and drains what was admitted before the server stops.
struct IngestService: Service {
    let ingest: Ingest

    func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await self.ingest.run()
            } onGracefulShutdown: {
                self.ingest.shutDown()
            }
        } onCancel: {
            self.ingest.shutDown()
        }
    }
}

/// Sends frames; ends the streams first of all, since an open stream would hold up the server's end.
struct HubService: Service {
    let hub: Hub
    let now: @Sendable () -> Timestamp

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.hub.run(clock: self.now) }
            try? await gracefulShutdown()
            self.hub.close()
            group.cancelAll()
        }
    }
}
