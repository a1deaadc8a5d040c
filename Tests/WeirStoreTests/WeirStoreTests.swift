//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import FoundationEssentials
import GitHubWebhooks
import SQLCore
import SQLiteDriver
import TestSupport
import Testing
import WeirDemo
import WeirModel

@testable import WeirStore

/// A store on a database of a test's own.
struct TestStore: Sendable {
    let directory: TemporaryDirectory
    let database: SQLiteDatabase
    let store: WeirStore

    static func with(_ body: (TestStore) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let database = try await SQLiteDatabase.open(
            SQLiteConfiguration(path: directory.file("weir.db"), applicationID: 7))
        do {
            try await body(
                TestStore(directory: directory, database: database, store: try await WeirStore.open(database)))
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    func lease() -> Lease { Lease("test", acquireTimeout: .seconds(60), timeout: .seconds(60)) }

    /// Every row of runs and jobs without what depends on the dictionaries' numbers.
    func rows() async throws -> [String] {
        var lines: [String] = []
        var cursor: RunCursor?
        repeat {
            let page = try await self.store.runs(RunFilter(), limit: 200, after: cursor, lease: self.lease())
            for run in page.items {
                lines.append("\(run)")
                let jobs = try await self.store.jobs(
                    ofRun: run.key.id, source: run.key.source, attempt: run.key.attempt, limit: 200, after: nil,
                    lease: self.lease())
                lines += (jobs?.items ?? []).map { "\($0)" }
            }
            cursor = page.next
        } while cursor != nil
        return lines.sorted()
    }
}

private func delivery(_ id: String, _ body: Data, at: Int64 = 1_800_000_000) throws -> Delivery {
    let type = String(decoding: body, as: UTF8.self).contains("\"workflow_run\"") ? "workflow_run" : "workflow_job"
    return Delivery(
        id: id, eventType: type, event: try GitHubEvent.read(type: type, json: body),
        receivedAt: Timestamp(milliseconds: at * 1_000))
}

@Suite("WeirStore", .timeLimit(.minutes(3)))
struct WeirStoreTests {
    static let base: Int64 = 1_800_000_000

    /// A few hours of the demo's deliveries, all kinds of lifecycles among them.
    private func corpus(hours: Int64 = 3, seed: UInt64 = 11) throws -> [Delivery] {
        var generator = DemoGenerator(
            seed: seed, startMilliseconds: Self.base * 1_000, settings: DemoSettings(scale: 0.5))
        return try generator.deliveries(until: (Self.base + hours * 3_600) * 1_000).map { sent in
            Delivery(
                id: sent.id, eventType: sent.event,
                event: try GitHubEvent.read(type: sent.event, json: Data(sent.body)),
                receivedAt: Timestamp(milliseconds: sent.atMilliseconds))
        }
    }

    private func apply(_ deliveries: [Delivery], batches: (Int) -> Int, _ test: TestStore) async throws {
        var rest = deliveries[...]
        var index = 0
        while !rest.isEmpty {
            let batch = rest.prefix(batches(index))
            _ = try await test.store.apply(Array(batch), timeout: .seconds(60))
            rest = rest.dropFirst(batch.count)
            index += 1
        }
    }

    @Test("any order and any batches, with every delivery sent twice, give the same rows, and all figures agree")
    func order() async throws {
        let deliveries = try self.corpus()
        #expect(deliveries.count > 2_000)
        var expected: [String] = []
        try await TestStore.with { test async throws in
            try await self.apply(deliveries, batches: { _ in 100 }, test)
            expected = try await test.rows()
            let differences = try await test.store.differences(lease: test.lease())
            #expect(differences.isEmpty, "\(differences)")
        }
        for seed in UInt64(1)...3 {
            try await TestStore.with { test async throws in
                var generator = SeededGenerator(seed: seed)
                let twice = (deliveries + deliveries).shuffled(using: &generator)
                try await self.apply(twice, batches: { $0 % 7 == 0 ? 1 : 1 + $0 * 37 % 400 }, test)
                let rows = try await test.rows()
                #expect(rows == expected, "seed \(seed)")
                let differences = try await test.store.differences(lease: test.lease())
                #expect(differences.isEmpty, "seed \(seed): \(differences)")
            }
        }
    }

    @Test("control: a row changed behind the store's back is found")
    func control() async throws {
        try await TestStore.with { test async throws in
            try await self.apply(try self.corpus(hours: 1), batches: { _ in 200 }, test)
            _ = try await test.database.write(test.lease()) {
                try $0.execute(
                    "UPDATE jobs SET started_at = started_at + 5000 WHERE id = (SELECT min(id) FROM jobs WHERE stage = 4 AND conclusion = 1)"
                )
            }
            let differences = try await test.store.differences(lease: test.lease())
            #expect(!differences.isEmpty)
        }
    }

    @Test("a delivery applies once, within a batch and across batches; outcomes say what became of it")
    func duplicates() async throws {
        try await TestStore.with { test async throws in
            let queued = try delivery("a", TestWebhook.job(id: 1, run: 2, status: "queued", created: Self.base))
            let done = try delivery(
                "b",
                TestWebhook.job(
                    id: 1, run: 2, status: "completed", conclusion: "success", created: Self.base,
                    started: Self.base + 5, completed: Self.base + 65, runner: "r"))
            let first = try await test.store.apply([done, queued, done])
            #expect(first.value.deliveries == [.applied, .superseded, nil])
            let second = try await test.store.apply([queued, done])
            #expect(second.value.deliveries == [nil, nil])
            #expect(second.value.runs.isEmpty)
            let found = try await test.store.delivery(id: "b", lease: test.lease())
            #expect(found?.outcome == .applied && found?.jobID == 1 && found?.runID == 2)
            #expect(try await test.store.delivery(id: "c", lease: test.lease()) == nil)
        }
    }

    @Test("500 jobs that overlap for five seconds, shuffled: the peak is exactly 500, and the averages are exact")
    func peak() async throws {
        try await TestStore.with { test async throws in
            let now = Self.base + 1_000
            var deliveries: [Delivery] = []
            for job in Int64(0)..<500 {
                let created = Self.base + job % 100
                let started = Self.base + 100 + job % 50
                let completed = Self.base + 155 + job % 100
                for (index, body) in [
                    TestWebhook.job(id: job, run: job / 10, status: "queued", created: created),
                    TestWebhook.job(
                        id: job, run: job / 10, status: "in_progress", created: created, started: started, runner: "r"),
                    TestWebhook.job(
                        id: job, run: job / 10, status: "completed", conclusion: "success", created: created,
                        started: started, completed: completed, runner: "r"),
                ].enumerated() {
                    deliveries.append(try delivery("\(job)-\(index)", body))
                }
            }
            var generator = SeededGenerator(seed: 5)
            deliveries.shuffle(using: &generator)
            try await self.apply(deliveries, batches: { _ in 64 }, test)
            let at = Timestamp(milliseconds: now * 1_000)
            let summary = try await test.store.summary(seconds: 3_600, now: at, lease: test.lease())
            #expect(summary.peak == 500)
            #expect(summary.counts == Counts())
            var queue = 0.0
            var run = 0.0
            for job in 0..<500 {
                queue += Double(100 + job % 50 - job % 100)
                run += Double(55 + job % 100 - job % 50)
            }
            queue /= 500
            run /= 500
            #expect(summary.averageQueueSeconds == queue)
            #expect(summary.averageRunSeconds == run)
            // The same curve three ways: all pools, the one pool there is, and the repository's jobs.
            let from = at.adding(seconds: -3_600)
            let all = try await test.store.demand(
                from: from, to: at, pool: nil, repository: nil, source: nil, lease: test.lease())
            let pool = try await test.store.demand(
                from: from, to: at, pool: "ubuntu-latest", repository: nil, source: nil, lease: test.lease())
            let repository = try await test.store.demand(
                from: from, to: at, pool: nil, repository: "acme/api", source: nil, lease: test.lease())
            #expect(all.peak == 500 && all == pool && all == repository)
            let none = try await test.store.demand(
                from: from, to: at, pool: nil, repository: "acme/web", source: nil, lease: test.lease())
            #expect(none.peak == 0)
        }
    }

    @Test("a run known only by its jobs is shown, and gives way to its own event")
    func derivedRun() async throws {
        try await TestStore.with { test async throws in
            let jobs = [
                TestWebhook.job(id: 1, run: 9, status: "queued", created: Self.base),
                TestWebhook.job(
                    id: 2, run: 9, status: "completed", conclusion: "failure", created: Self.base - 5,
                    started: Self.base, completed: Self.base + 60, runner: "r"),
            ]
            _ = try await test.store.apply([try delivery("a", jobs[0]), try delivery("b", jobs[1])])
            var run = try #require(try await test.store.run(id: 9, source: nil, attempt: nil, lease: test.lease()))
            #expect(run.status == .queued && run.conclusion == nil && run.name == "CI" && run.title == nil)
            #expect(run.createdAt == Timestamp(milliseconds: (Self.base - 5) * 1_000))
            #expect(run.jobs.total == 2 && run.jobs.queued == 1 && run.jobs.failed == 1)
            let cancelled = TestWebhook.job(
                id: 1, run: 9, status: "completed", conclusion: "cancelled", created: Self.base,
                completed: Self.base + 9)
            _ = try await test.store.apply([try delivery("c", cancelled)])
            run = try #require(try await test.store.run(id: 9, source: nil, attempt: 1, lease: test.lease()))
            #expect(run.status == .completed && run.conclusion == .failure)
            let event = TestWebhook.run(id: 9, status: "in_progress", created: Self.base - 6, title: "Its own")
            _ = try await test.store.apply([try delivery("d", event)])
            run = try #require(try await test.store.run(id: 9, source: "github.com", attempt: nil, lease: test.lease()))
            #expect(run.status == .inProgress && run.conclusion == nil && run.title == "Its own")
        }
    }

    @Test("after failed jobs ran again, the run's second attempt shows the untouched jobs of the first")
    func carriedOver() async throws {
        try await TestStore.with { test async throws in
            var deliveries: [Delivery] = []
            for (job, name, conclusion) in [(Int64(1), "build", "success"), (2, "test", "failure")] {
                deliveries.append(
                    try delivery(
                        "\(job)",
                        TestWebhook.job(
                            id: job, run: 5, status: "completed", conclusion: conclusion, created: Self.base,
                            started: Self.base, completed: Self.base + 9, name: name, runner: "r")))
            }
            deliveries.append(
                try delivery(
                    "again",
                    TestWebhook.job(
                        id: 3, run: 5, attempt: 2, status: "queued", created: Self.base + 50, name: "test")))
            _ = try await test.store.apply(deliveries)
            let second = try await test.store.jobs(
                ofRun: 5, source: nil, attempt: nil, limit: 200, after: nil, lease: test.lease())
            #expect(second?.items.map(\.key.id) == [1, 3])
            let first = try await test.store.jobs(
                ofRun: 5, source: nil, attempt: 1, limit: 200, after: nil, lease: test.lease())
            #expect(first?.items.map(\.key.id) == [1, 2])
            let run = try await test.store.run(id: 5, source: nil, attempt: nil, lease: test.lease())
            #expect(run?.key.attempt == 2 && run?.jobs.total == 2)
        }
    }

    @Test("pages walk every run once, whatever their ties, and filters narrow them")
    func pages() async throws {
        try await TestStore.with { test async throws in
            let deliveries = try (Int64(0)..<300).map { run in
                try delivery(
                    "\(run)",
                    TestWebhook.run(
                        id: run, status: run % 3 == 0 ? "queued" : "completed",
                        conclusion: run % 3 == 0 ? nil : "success", created: Self.base + run / 100,
                        repository: run % 2 == 0 ? "acme/api" : "acme/web"))
            }
            _ = try await test.store.apply(deliveries)
            for limit in [1, 7, 200] {
                var seen: [Int64] = []
                var cursor: RunCursor?
                repeat {
                    let page = try await test.store.runs(RunFilter(), limit: limit, after: cursor, lease: test.lease())
                    seen += page.items.map(\.key.id)
                    cursor = page.next
                } while cursor != nil
                #expect(seen == (0..<300).sorted { ($0 / 100, $0) > ($1 / 100, $1) }.map(Int64.init))
            }
            var filter = RunFilter()
            filter.repository = "acme/web"
            filter.status = .queued
            let page = try await test.store.runs(filter, limit: 200, after: nil, lease: test.lease())
            #expect(page.items.count == 50)
            filter.status = nil
            filter.conclusion = .failure
            let none = try await test.store.runs(filter, limit: 200, after: nil, lease: test.lease())
            #expect(none.items.isEmpty)
        }
    }

    @Test("the same number at two sources is two runs")
    func sources() async throws {
        try await TestStore.with { test async throws in
            let body = TestWebhook.run(id: 1, status: "queued", created: Self.base)
            let other = Data(
                String(decoding: body, as: UTF8.self).replacing("https://github.com", with: "https://ghe.example.org")
                    .utf8)
            _ = try await test.store.apply([try delivery("a", body), try delivery("b", other)])
            #expect(try await test.rows().count == 2)
            let run = try await test.store.run(id: 1, source: "ghe.example.org", attempt: nil, lease: test.lease())
            #expect(run?.url == "https://ghe.example.org/acme/api/actions/runs/1")
            let at = Timestamp(milliseconds: Self.base * 1_000 + 10_000)
            for (source, queued) in [("github.com", Int64(2)), ("ghe.example.org", 1), ("other.example.org", 0)] {
                let jobs = (0..<queued).map { job in
                    String(
                        decoding: TestWebhook.job(id: job, run: 1, status: "queued", created: Self.base), as: UTF8.self
                    ).replacing("https://github.com", with: "https://\(source)")
                }
                for (index, job) in jobs.enumerated() {
                    _ = try await test.store.apply([try delivery("\(source)-\(index)", Data(job.utf8))])
                }
            }
            for (source, queued) in [("github.com", Int64(2)), ("ghe.example.org", 1), ("other.example.org", 0)] {
                let summary = try await test.store.summary(
                    seconds: 3_600, now: at, source: source, lease: test.lease())
                #expect(summary.counts.queued == queued && summary.peak == queued)
            }
            let all = try await test.store.summary(seconds: 3_600, now: at, lease: test.lease())
            #expect(all.counts.queued == 3 && all.peak == 3)
            let names = try await test.store.repositories(
                name: nil, source: nil, active: nil, pool: nil, limit: 200, after: nil, lease: test.lease())
            #expect(names.items.map(\.source) == ["ghe.example.org", "github.com"])
        }
    }

    @Test("more runner pools than the cap end in one that takes the rest")
    func poolCap() async throws {
        try await TestStore.with { test async throws in
            let deliveries = try (Int64(0)..<600).map { job in
                // Letters only: digits would be folded into one pool.
                let label = String(
                    [job / 26 / 26 % 26, job / 26 % 26, job % 26].map {
                        Character(UnicodeScalar(UInt8(ascii: "g") + UInt8($0 % 20)))
                    } + Array(repeating: "z", count: Int(job % 30)))
                return try delivery(
                    "\(job)", TestWebhook.job(id: job, run: 1, status: "queued", created: Self.base, labels: [label]))
            }
            _ = try await test.store.apply(deliveries)
            let pools = try await test.database.read(test.lease()) {
                try $0.rows("SELECT name FROM pools") { $0.text(0) }
            }
            #expect(pools.count <= RunnerPool.countMax)
            let differences = try await test.store.differences(lease: test.lease())
            #expect(differences.isEmpty, "\(differences)")
        }
    }

    @Test("a database of a newer version is refused, and stays as it is")
    func newerSchema() async throws {
        let directory = try TemporaryDirectory()
        let configuration = SQLiteConfiguration(path: directory.file("weir.db"), applicationID: 7)
        let database = try await SQLiteDatabase.open(configuration)
        _ = try await WeirStore.open(database)
        _ = try await database.write(Lease("newer")) {
            try $0.execute("INSERT INTO migrations (version, name) VALUES (99, 'from the future')")
        }
        await #expect {
            _ = try await WeirStore.open(database)
        } throws: { error in
            guard case .newerSchema(99, WeirStore.schemaVersion) = error as? StoreError else { return false }
            return "\(error)".contains("newer program")
        }
        let again = try await database.read(Lease("version")) {
            try $0.row("SELECT max(version) FROM migrations") { $0.integer(0) }
        }
        #expect(again == 99)
        await database.close()
    }

    @Test("a database that is only read must have this program's version")
    func readingOtherVersions() async throws {
        let directory = try TemporaryDirectory()
        let configuration = SQLiteConfiguration(path: directory.file("weir.db"), applicationID: 7)
        let database = try await SQLiteDatabase.open(configuration)
        _ = try await WeirStore.open(database)
        _ = try await WeirStore.reading(database, lease: Lease("check"))
        let known = WeirStore.schemaVersion
        let cases: [(Int64, StoreError)] = [
            (known - 1, .olderSchema(found: known - 1, known: known)),
            (known + 1, .newerSchema(found: known + 1, known: known)),
        ]
        for (version, error) in cases {
            try await database.write(Lease("other")) { db in
                try db.execute("DELETE FROM migrations")
                try db.execute("INSERT INTO migrations (version, name) VALUES (\(version), 'another')")
            }
            await #expect(throws: error) { try await WeirStore.reading(database, lease: Lease("check")) }
        }
        await database.close()
    }

    @Test("without statistics of the planner, the jobs of a run are found by their index, and not by reading all jobs")
    func plans() async throws {
        try await TestStore.with { test async throws in
            @Sendable func plan(_ sql: SQL) async throws -> [String] {
                try await test.database.read(test.lease()) { db in
                    // What is only explained does not notice that the schema has changed.
                    _ = try db.row("SELECT id FROM jobs LIMIT 1") { $0.integer(0) }
                    return try db.rows("EXPLAIN QUERY PLAN \(sql)") { $0.text(3) }
                }
            }
            let derived: SQL =
                "SELECT actor_id FROM jobs WHERE source_id = 1 AND run_id = 2 AND attempt = 1 ORDER BY id LIMIT 1"
            let queries: [SQL] = [
                derived, "SELECT count(*) FROM jobs j WHERE \(WeirStore.belongs(source: 1, run: 2, attempt: 1))",
                "SELECT count(*) FROM jobs j WHERE \(WeirStore.belongs(source: 1, run: 2, attempt: 2))",
            ]
            for query in queries {
                let steps = try await plan(query).filter { $0.hasPrefix("SEARCH") || $0.hasPrefix("SCAN") }
                #expect(!steps.isEmpty && steps.allSatisfy { $0.contains("jobs_by_run (run_id=?") }, "\(steps)")
            }
            // Control: with the source first in the index, all its jobs are read.
            _ = try await test.database.write(test.lease()) { db in
                try db.execute("DROP INDEX jobs_by_run")
                try db.execute("CREATE INDEX jobs_by_run ON jobs (source_id, run_id, attempt)")
            }
            let bad = try await plan(
                "SELECT id FROM jobs WHERE source_id = 1 AND run_id = 2 AND attempt = 1 AND actor_id = 3 LIMIT 1")
            #expect(bad.contains { $0.contains("PRIMARY KEY (source_id=?)") }, "\(bad)")
        }
    }

    // MARK: - Deliveries and dead letters

    @Test("a delivery's id comes back as it was, and ids of version 1 are stored in the order of their times")
    func deliveryIDs() {
        let texts = [
            "72d3162e-cc78-11e3-81ab-4c9367dc0958", "0b989ba4-242f-41e5-81db-e1cc2fecb43c", "not a uuid", "t",
            "72D3162E-CC78-11E3-81AB-4C9367DC0958", "1b989ba4-242f-41e5-81db-e1cc2fecb43c",
        ]
        for text in texts { #expect(DeliveryID(stored: DeliveryID(text).bytes).text == text) }
        #expect(Set(texts.map { DeliveryID($0).bytes }).count == texts.count)
        // The low part of the time runs over between them.
        let early = DeliveryID("ffffffff-cc78-11e3-81ab-4c9367dc0958").bytes
        let late = DeliveryID("00000000-cc79-11e3-81ab-4c9367dc0958").bytes
        #expect(early.lexicographicallyPrecedes(late))
    }

    @Test("deliveries are listed by outcome, the latest first, page by page, each once")
    func deliveryList() async throws {
        try await TestStore.with { test async throws in
            let corpus = try Array(self.corpus(hours: 1).prefix(500))
            for start in stride(from: 0, to: corpus.count, by: 100) {
                _ = try await test.store.apply(Array(corpus[start..<min(start + 100, corpus.count)]))
            }
            for outcome in [nil, DeliveryOutcome.applied, .superseded] {
                var seen: [DeliveryView] = []
                var cursor: DeliveryCursor?
                repeat {
                    let page = try await test.store.deliveries(
                        outcome: outcome, source: nil, limit: 37, after: cursor, lease: test.lease())
                    #expect(page.items.count == 37 || page.next == nil)
                    seen += page.items
                    cursor = page.next
                } while cursor != nil
                #expect(Set(seen.map(\.id)).count == seen.count)
                #expect(seen.map(\.receivedAt) == seen.map(\.receivedAt).sorted(by: >))
                #expect(seen.allSatisfy { $0.outcome == outcome ?? $0.outcome })
                if outcome == nil { #expect(Set(seen.map(\.id)) == Set(corpus.map(\.id))) }
            }
        }
    }

    @Test("a batch that was rolled back leaves the figures as they were, in the file and in memory")
    func rolledBack() async throws {
        try await TestStore.with { test async throws in
            let corpus = try Array(self.corpus(hours: 1).prefix(400))
            _ = try await test.store.apply(Array(corpus[..<200]))
            _ = try await test.database.write(test.lease()) {
                try $0.execute(
                    """
                    CREATE TRIGGER refuse BEFORE UPDATE ON pools BEGIN SELECT RAISE(ABORT, 'refused by the test'); END
                    """)
            }
            // The figures of demand are written before the pools' are.
            for _ in 0..<3 {
                await #expect(throws: DatabaseError.self) { try await test.store.apply(Array(corpus[200...])) }
            }
            _ = try await test.database.write(test.lease()) { try $0.execute("DROP TRIGGER refuse") }
            _ = try await test.store.apply(Array(corpus[200...]))
            #expect(try await test.store.differences(lease: test.lease()) == [])
        }
    }

    @Test("a dead letter is kept with its body, listed without, and removed once")
    func deadLetters() async throws {
        try await TestStore.with { test async throws in
            for number in 0..<5 {
                let letter = DeadLetter(
                    delivery: "d\(number)", event: "workflow_job", receivedAt: Timestamp(milliseconds: 1_000),
                    diedAt: Timestamp(milliseconds: 2_000), reason: "refused", body: Array("{\(number)}".utf8))
                try await test.store.bury(letter, timeout: .seconds(10))
            }
            let first = try await test.store.deadLetters(limit: 3, after: nil, lease: test.lease())
            #expect(first.items.map(\.delivery) == ["d4", "d3", "d2"])
            #expect(first.items.allSatisfy { $0.body.isEmpty && $0.size == 3 })
            let rest = try await test.store.deadLetters(limit: 3, after: first.next, lease: test.lease())
            #expect(rest.items.map(\.delivery) == ["d1", "d0"] && rest.next == nil)
            let letter = try await test.store.deadLetter("d1", lease: test.lease())
            #expect(letter?.body == Array("{1}".utf8))
            #expect(try await test.store.removeDeadLetter("d1", lease: test.lease()))
            #expect(try await !test.store.removeDeadLetter("d1", lease: test.lease()))
            let left = try await test.store.deadLetters(limit: 9, after: nil, lease: test.lease())
            #expect(left.items.map(\.delivery) == ["d4", "d3", "d2", "d0"])
        }
    }

    @Test("a database of the first schema is brought up to date, its deliveries known under their ids")
    func migration() async throws {
        let directory = try TemporaryDirectory()
        let configuration = SQLiteConfiguration(path: directory.file("weir.db"), applicationID: 7)
        let ids = ["72d3162e-cc78-11e3-81ab-4c9367dc0958", "0b989ba4-242f-41e5-81db-e1cc2fecb43c", "another"]
        let old: [[UInt8]] = [
            [
                0x72, 0xd3, 0x16, 0x2e, 0xcc, 0x78, 0x11, 0xe3, 0x81, 0xab, 0x4c, 0x93, 0x67, 0xdc, 0x09, 0x58,
            ], DeliveryID(ids[1]).bytes, DeliveryID(ids[2]).bytes,
        ]
        let database = try await SQLiteDatabase.open(configuration)
        try await database.write(Lease("old", timeout: .seconds(10))) { db in
            try db.execute("CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL)")
            for statement in Migration.all[0].statements { try db.execute(statement) }
            try db.execute("INSERT INTO migrations (version, name) VALUES (1, 'first')")
            for id in old {
                try db.execute(
                    """
                    INSERT INTO deliveries (id, source_id, event_id, received_at, outcome, run_id)
                    VALUES (\(id), 1, 1, 0, 1, 7)
                    """)
            }
        }
        let store = try await WeirStore.open(database)
        for id in ids {
            let found = try await store.delivery(id: id, lease: Lease("test", timeout: .seconds(10)))
            #expect(found?.runID == 7, "\(id)")
        }
        await database.close()
    }
}
