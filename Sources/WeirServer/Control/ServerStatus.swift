//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a running server tells of itself.
public struct ServerStatus: Codable, Sendable, Equatable {
    public var version: String
    public var process: Int32
    public var uptimeSeconds: Int
    public var databasePath: String
    public var databaseBytes: Int
    public var freePages: Int
    public var logBytes: Int
    public var commits: Int

    private enum CodingKeys: String, CodingKey {
        case version, process, commits
        case uptimeSeconds = "uptime_seconds"
        case databasePath = "database_path"
        case databaseBytes = "database_bytes"
        case freePages = "free_pages"
        case logBytes = "log_bytes"
    }
}

extension ControlDispatcher {
    /// What pages a vacuum has given back, or how many tables were analysed.
    struct Count: Codable, Sendable {
        var count: Int
    }

    /// The commands about the database itself.
    mutating func registerDatabase(_ database: SQLiteDatabase, startedAt: ContinuousClock.Instant) {
        self.register("status") { _, _ in
            let figures = try await database.figures()
            return ServerStatus(
                version: WeirServer.version, process: getpid(),
                uptimeSeconds: Int((ContinuousClock.now - startedAt).components.seconds),
                databasePath: database.configuration.path, databaseBytes: figures.bytes, freePages: figures.freePages,
                logBytes: figures.logBytes, commits: database.writerStatistics.current.commits)
        }
        self.register("optimize") { _, _ in Count(count: try await database.optimize()) }
        self.register("vacuum") { _, report in
            Count(
                count: try await database.vacuumInSlices {
                    report(ControlProgress(done: $0, unit: "pages"))
                })
        }
    }
}
