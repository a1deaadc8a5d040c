//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Logging
import SQLCore
import SQLiteDriver
import ServiceLifecycle
import TestSupport
import Testing

@testable import WeirServer

@Suite("Maintenance of a running server", .timeLimit(.minutes(1)))
struct MaintenanceServiceTests {
    private static let start = MonotonicInstant(nanoseconds: 1_000_000_000)

    private static func figures(pages: Int, free: Int) -> SQLiteFigures {
        SQLiteFigures(pageSize: 4_096, pages: pages, freePages: free, logBytes: 0)
    }

    @Test("statistics are brought up to date after the start and then once a day")
    func optimizes() {
        var schedule = MaintenanceSchedule()
        let sound = Self.figures(pages: 1_000, free: 0)
        var count = 0
        for minutes in stride(from: Int64(0), to: 3 * 1_440, by: 5) {
            let now = Self.start.advanced(by: .seconds(minutes * 60))
            let actions = schedule.actions(now: now, figures: sound)
            #expect(actions == (minutes % 1_440 == 0 ? [.optimize] : []), "after \(minutes) minutes")
            count += actions.count
        }
        #expect(count == 3)
    }

    @Test(
        "free pages are given back when they are many, and a tenth of the file is kept",
        arguments: [
            (100_000, 24_000, nil), (100_000, 26_000, 8_222), (100_000, 90_000, 1_111), (10_000, 4_000, nil),
            (10_000, 4_200, 644), (0, 0, nil),
        ] as [(Int, Int, Int?)])
    func vacuums(_ pages: Int, _ free: Int, _ kept: Int?) {
        var schedule = MaintenanceSchedule()
        let actions = schedule.actions(now: Self.start, figures: Self.figures(pages: pages, free: free))
        #expect(actions == [.optimize] + (kept.map { [.vacuum(keeping: $0)] } ?? []))
        guard let kept else { return }
        // Then all is well, and what is kept is a tenth of what the file is.
        let after = Self.figures(pages: pages - free + kept, free: kept)
        #expect(schedule.actions(now: Self.start, figures: after).isEmpty)
        #expect(abs(Double(kept) / Double(after.pages) - 0.1) < 0.001)
    }

    @Test("the service does so on a real database, goes on when the database is closed, and ends when it is told to")
    func service() async throws {
        let directory = try TemporaryDirectory()
        let database = try await SQLiteDatabase.open(
            SQLiteConfiguration(path: directory.file("weir.db"), applicationID: 7))
        _ = try await database.write(Lease("fill", timeout: .seconds(60))) { db in
            try db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
            try db.execute("CREATE INDEX t_text ON t (text)")
            try db.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
                INSERT INTO t (text) SELECT printf('%0800d', i) FROM n
                """)
        }
        _ = try await database.write(Lease("empty", acquireTimeout: .seconds(60), timeout: .seconds(60))) {
            try $0.execute("DELETE FROM t WHERE id > 9")
        }
        let before = try await database.figures()
        let (looks, input) = AsyncStream.makeStream(of: Void.self)
        let pauses = Flag()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = MaintenanceService(database: database, logger: logger) { duration in
            #expect(duration == MaintenanceSchedule.interval)
            var iterator = looks.makeAsyncIterator()
            guard await iterator.next() != nil else {
                pauses.set()
                throw CancellationError()
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            input.yield()
            #expect(
                try await eventually {
                    let figures = try await database.figures()
                    let rows = try? await database.read(Lease("rows")) {
                        try $0.row("SELECT count(*) FROM sqlite_stat1") { $0.integer(0) }
                    }
                    return rows ?? 0 > 0 && figures.freePages < before.freePages / 10
                })
            await database.close()
            input.yield()
            input.finish()
            try await group.waitForAll()
        }
        #expect(pauses.isSet)
    }
}
