//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Foundation
import GitHubWebhooks
import Glibc
import SQLCore
import SQLiteDriver
import Synchronization
import TestSupport
import Testing
import WeirModel
import WeirServer
import WeirStore

/// What is acknowledged is durable.
@Suite("Durability", .serialized, .timeLimit(.minutes(60)))
struct DurabilityTests {
    private static let cycles = ProcessInfo.processInfo.environment["WEIR_KILL_CYCLES"].flatMap(Int64.init) ?? 20

    /// One job's events as its sender knows them.
    struct Story: Sendable {
        let job: Int64
        let webhooks: [TestWebhook]
        /// How many were answered 202.
        var acknowledged = 0
    }

    /// What senders have sent and seen answered.
    final class Ledger: Sendable {
        private let stories = Mutex<[Int64: Story]>([:])

        func begin(_ story: Story) { self.stories.withLock { $0[story.job] = story } }

        func acknowledged(_ job: Int64) { self.stories.withLock { $0[job]?.acknowledged += 1 } }

        var all: [Story] { self.stories.withLock { Array($0.values) } }
    }

    private static func story(_ job: Int64) -> Story {
        let created = 1_800_000_000 + job % 5_000
        let conclusion = ["success", "failure", "cancelled"][Int(job % 3)]
        let labels = [["ubuntu-latest"], ["self-hosted", "linux"], ["gpu-\(job)"]][Int(job % 3)]
        let bodies = [
            TestWebhook.job(id: job, run: job / 4, status: "queued", created: created, labels: labels),
            TestWebhook.job(
                id: job, run: job / 4, status: "in_progress", created: created, started: created + 7, labels: labels,
                runner: "runner-\(job % 50)"),
            TestWebhook.job(
                id: job, run: job / 4, status: "completed", conclusion: conclusion, created: created,
                started: created + 7, completed: created + 7 + job % 300, labels: labels, runner: "runner-\(job % 50)"),
        ]
        return Story(job: job, webhooks: bodies.map { TestWebhook(event: "workflow_job", body: $0) })
    }

    /// Sends whole stories until the server is gone.
    private static func send(_ port: Int, jobs: Range<Int64>, _ ledger: Ledger) {
        guard let client = try? HTTPClient(port: port) else { return }
        for job in jobs {
            let story = Self.story(job)
            ledger.begin(story)
            for webhook in story.webhooks {
                guard let answer = try? webhook.post(client), answer.status == 202 else { return }
                ledger.acknowledged(job)
            }
        }
    }

    /// The row that some of a story's events fold into, as the API shows it.
    private static func fold(_ webhooks: some Sequence<TestWebhook>) throws -> [String: String]? {
        var record: JobRecord<String>?
        for webhook in webhooks {
            guard case .job(let next) = try GitHubEvent.read(type: webhook.event, json: webhook.body) else { continue }
            record = record?.merged(with: next) ?? next
        }
        guard let record else { return nil }
        let timeline = JobTimeline(record)
        return [
            "status": record.status.name, "conclusion": record.conclusion?.name ?? "-",
            "started_at": timeline.startedAt?.rfc3339 ?? "-", "completed_at": timeline.completedAt?.rfc3339 ?? "-",
            "runner": record.runner ?? "-",
            "labels": LabelSet(canonicalText: record.labels ?? "").labels.joined(separator: ","),
            "run_seconds": timeline.runMilliseconds.map { String($0 / 1_000) } ?? "-",
        ]
    }

    /// The jobs of a run as the API shows them, by their numbers.
    private static func rows(_ client: HTTPClient, run: Int64) throws -> [Int64: [String: String]] {
        let answer = try client.request("GET", "/api/runs/\(run)/jobs")
        let page = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
        var rows: [Int64: [String: String]] = [:]
        for json in page?["jobs"] as? [[String: Any]] ?? [] {
            guard let id = json["id"] as? Int else { continue }
            var row: [String: String] = [:]
            for key in ["status", "conclusion", "started_at", "completed_at", "runner"] {
                row[key] = json[key] as? String ?? "-"
            }
            row["labels"] = (json["labels"] as? [String])?.joined(separator: ",")
            row["run_seconds"] = (json["run_seconds"] as? Int).map(String.init) ?? "-"
            rows[Int64(id)] = row
        }
        return rows
    }

    /// Which of these deliveries are not listed; the latest are listed first.
    private static func missing(_ client: HTTPClient, _ expected: Set<String>) throws -> Set<String> {
        var missing = expected
        var cursor: String?
        repeat {
            let path = "/api/deliveries?limit=200" + (cursor.map { "&cursor=\($0)" } ?? "")
            let page = try JSONSerialization.jsonObject(with: client.request("GET", path).body) as? [String: Any]
            for row in page?["deliveries"] as? [[String: Any]] ?? [] {
                missing.remove(row["delivery"] as? String ?? "")
            }
            cursor = page?["next_cursor"] as? String
        } while cursor != nil && !missing.isEmpty
        return missing
    }

    /// Every acknowledged delivery is there, and every row is the fold of its events: those acknowledged, and perhaps
    /// the one that was under way.
    private static func check(_ port: Int, _ stories: [Story]) throws -> Int {
        let client = try HTTPClient(port: port)
        // What a slow moment put into the outbox is applied first.
        let end = ContinuousClock.now.advanced(by: .seconds(20))
        while try !client.request("GET", "/api/diagnostics").text.contains(#""outbox_deliveries":0"#),
            ContinuousClock.now < end
        {}
        let acknowledged = Set(stories.flatMap { $0.webhooks.prefix($0.acknowledged).map(\.delivery) })
        let lost = try Self.missing(client, acknowledged)
        if let first = lost.first { Issue.record("\(lost.count) deliveries are lost, \(first) among them") }
        let runs = Dictionary(grouping: stories) { $0.job / 4 }
        let rows = try runs.keys.reduce(into: [:]) { rows, run in
            rows.merge(try Self.rows(client, run: run)) { $1 }
        }
        for story in stories {
            let known = try Self.fold(story.webhooks.prefix(story.acknowledged))
            let possible = try Self.fold(story.webhooks.prefix(story.acknowledged + 1))
            let row = rows[story.job]
            if row != known && row != possible {
                Issue.record(
                    "job \(story.job): \(String(describing: row)) is neither \(String(describing: known)) nor \(String(describing: possible))"
                )
            }
        }
        return acknowledged.count
    }

    private static func differences(_ path: String) async throws -> [String] {
        let database = try await SQLiteDatabase.open(
            SQLiteConfiguration(path: path, applicationID: WeirServer.applicationID))
        let store = try await WeirStore.open(database)
        let differences = try await store.differences(
            lease: Lease("check", acquireTimeout: .seconds(60), timeout: .seconds(60)))
        await database.close()
        return differences
    }

    @Test(
        "SIGKILL at random instants under load, WEIR_KILL_CYCLES (20) times: nothing acknowledged is lost, nothing applied twice"
    )
    func kill() async throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        var previous: [Story] = []
        var checked = 0
        for cycle in Int64(0)..<Self.cycles {
            let ledger = Ledger()
            let server = try await ServerProcess.start(database: path)
            checked += try await onThread { [previous] in try Self.check(server.port, previous) }
            let delay = Duration.milliseconds(Int.random(in: 30...600, using: &generator))
            let killAt = ContinuousClock.now.advanced(by: delay)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in Int64(0)..<8 {
                    let first = 1 + (cycle * 8 + sender) * 100_000
                    group.addTask {
                        try await onThread { Self.send(server.port, jobs: first..<(first + 100_000), ledger) }
                    }
                }
                group.addTask {
                    try await Task.sleep(until: killAt, clock: .continuous)
                    server.signal(SIGKILL)
                }
                try await group.waitForAll()
            }
            _ = try await server.wait()
            previous = ledger.all
        }
        let server = try await ServerProcess.start(database: path)
        checked += try await onThread { [previous] in try Self.check(server.port, previous) }
        // Senders deliver again what was not answered; what had been applied is not applied twice.
        let port = server.port
        try await onThread { [previous] in
            let client = try HTTPClient(port: port)
            for story in previous {
                for webhook in story.webhooks { #expect(try webhook.post(client).status == 202) }
                #expect(try Self.rows(client, run: story.job / 4)[story.job] == Self.fold(story.webhooks))
            }
        }
        #expect(try await server.stop() == 0)
        #expect(checked > 1_000, "seed \(seed): only \(checked) deliveries were checked")
        let differences = try await Self.differences(path)
        #expect(differences.isEmpty, "seed \(seed): \(differences)")
    }

    @Test("control: a delivery that was never sent is found missing")
    func control() async throws {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(database: directory.file("weir.db"))
        var story = Self.story(1)
        story.acknowledged = 2
        let port = server.port
        try await onThread { [story] in
            let client = try HTTPClient(port: port)
            _ = try story.webhooks[0].post(client)
            let deliveries = Set(story.webhooks.prefix(2).map(\.delivery))
            #expect(try Self.missing(client, deliveries) == [story.webhooks[1].delivery])
            let row = try Self.rows(client, run: 0)[1]
            #expect(row != (try Self.fold(story.webhooks.prefix(2))))
        }
        #expect(try await server.stop() == 0)
    }

    @Test("50 deliveries one after the other cause at least 50 syncs, each between request and answer")
    func syncs() async throws {
        let directory = try TemporaryDirectory()
        let trace = directory.file("trace")
        let server = try await ServerProcess.start(
            database: directory.file("weir.db"),
            wrapper: ["strace", "-f", "-qq", "-e", "trace=fdatasync,fsync", "-o", trace])
        @Sendable func count() throws -> Int {
            try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
                .count { ($0.contains("fdatasync(") || $0.contains("fsync(")) && $0.contains("= 0") }
        }
        let port = server.port
        let before = try count()
        try await onThread {
            let client = try HTTPClient(port: port)
            for number in Int64(0)..<50 {
                let synced = try count()
                let body = TestWebhook.job(id: number, run: 1, status: "queued", created: 1_800_000_000)
                #expect(try TestWebhook(event: "workflow_job", body: body).post(client).status == 202)
                // The trace is written before the call returns to the server, so it is there before the answer.
                #expect(try count() > synced, "delivery \(number) was answered without a sync")
            }
        }
        #expect(try count() - before >= 50)
        // Control: requests that commit nothing sync nothing.
        let idle = try count()
        for _ in 0..<20 { _ = try await server.get("/api/summary") }
        #expect(try count() == idle)
        // strace passes no signal on to what it traces: the server itself is asked to stop.
        let child = try String(
            contentsOfFile: "/proc/\(server.processID)/task/\(server.processID)/children", encoding: .utf8)
        terminate(Int32(child.split(separator: " ").first ?? "") ?? 0)
        #expect(try await server.wait() == 0)
    }

    private func terminate(_ process: Int32) { if process > 0 { Glibc.kill(process, SIGTERM) } }
}
