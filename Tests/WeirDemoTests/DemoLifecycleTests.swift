//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing
import WeirDemo

@Suite struct DemoLifecycleTests {
    /// What may follow a status of a job, in the order it is sent.
    private static let legal: [String: Set<String>] = [
        "": ["pending", "waiting", "queued", "completed"], "pending": ["waiting", "queued", "completed"],
        "waiting": ["queued", "completed"], "queued": ["in_progress", "completed"], "in_progress": ["completed"],
        "completed": [],
    ]

    @Test("Every job goes forward along legal transitions, and what it says of itself agrees with its status")
    func jobsAreLegal() throws {
        let jobs = Dictionary(grouping: try DemoHistory.clean.get().filter(\.isJob), by: \.id)
        #expect(jobs.count > 3_000)
        for (id, events) in jobs {
            var last = ""
            for event in events {
                #expect(Self.legal[last]?.contains(event.status) == true, "job \(id): \(last) to \(event.status)")
                last = event.status
                #expect(event.created == events[0].created && event.run == events[0].run)
                #expect((event.status == "completed") == (event.conclusion != nil), "job \(id)")
                #expect((event.status == "completed") == (event.ended != nil), "job \(id)")
                #expect(event.started >= event.created)
                if let ended = event.ended { #expect(ended >= event.started, "job \(id)") }
                if event.rank < 2 { #expect(event.started == event.created && event.runner == nil && event.steps == 0) }
                if event.status == "in_progress" { #expect(event.runner != nil && event.steps == 1) }
                #expect(event.created * 1_000 <= event.at)
            }
            let final = events[events.count - 1]
            if final.conclusion == "skipped" { #expect(events.count == 1 && final.started == final.ended) }
            if final.conclusion == "failure" { #expect(final.brokenSteps.count == 1, "job \(id): \(final.name)") }
            if final.conclusion == "success" { #expect(final.brokenSteps.isEmpty && final.steps > 4) }
        }
    }

    @Test("Every run is requested, begins with its first job and ends after its last")
    func runsAreLegal() throws {
        struct Key: Hashable {
            let run: Int64
            let attempt: Int
        }
        var runs: [Key: [DemoRecord]] = [:]
        var openJobs: [Int64: Set<Int64>] = [:]
        for record in try DemoHistory.clean.get() {
            let key = Key(run: record.run, attempt: record.attempt)
            if record.isJob {
                #expect(runs[key]?.isEmpty == false, "a job before its run: \(record.id)")
                if record.status == "in_progress" { #expect(runs[key]?.last?.status == "in_progress") }
                if record.status == "completed" {
                    openJobs[record.run]?.remove(record.id)
                } else {
                    openJobs[record.run, default: []].insert(record.id)
                }
                continue
            }
            let last = runs[key]?.last
            #expect((last == nil) == (record.action == "requested"), "run \(record.run): \(record.action)")
            #expect(record.rank >= last?.rank ?? 0, "run \(record.run): \(last?.status ?? "") to \(record.status)")
            #expect((record.status == "completed") == (record.conclusion != nil))
            #expect(record.started >= record.created)
            if record.attempt == 1 { #expect(record.started == record.created) }
            if record.rank == 3 {
                #expect(last?.rank != 3, "run \(record.run) ends twice")
                #expect(openJobs[record.run]?.isEmpty ?? true, "run \(record.run) ends before its jobs")
            }
            runs[key, default: []].append(record)
        }
        #expect(runs.count > 1_000)
    }

    @Test("A run again keeps the run's id and raises the attempt; its jobs are new")
    func rerunsKeepTheId() throws {
        let records = try DemoHistory.clean.get()
        let runs = Dictionary(grouping: records.filter { !$0.isJob }, by: \.id)
        let again = runs.filter { $0.value.contains { $0.attempt > 1 } }
        #expect(again.count > 10)
        for (id, events) in again {
            #expect(
                zip(events, events.dropFirst()).allSatisfy { $0.attempt == $1.attempt || $0.attempt + 1 == $1.attempt })
            #expect(Set(events.map(\.created)).count == 1)
            let before = events.last { $0.attempt == 1 }
            let after = events.first { $0.attempt == 2 }
            #expect(before?.conclusion == "failure", "run \(id)")
            #expect(after?.action == "requested" && after?.status == "queued" && after?.conclusion == nil)
            #expect((after?.started ?? 0) > (before?.ended ?? 0))
        }
        let attempts = Dictionary(grouping: records.filter(\.isJob), by: \.id).mapValues { Set($0.map(\.attempt)) }
        #expect(attempts.values.allSatisfy { $0.count == 1 })
        #expect(attempts.values.contains([2]))
    }

    @Test("Within a day every status and every conclusion of the demo appears")
    func everythingAppears() throws {
        let records = try DemoHistory.clean.get()
        let jobs = records.filter(\.isJob)
        let runs = records.filter { !$0.isJob }
        #expect(Set(jobs.map(\.status)) == ["pending", "waiting", "queued", "in_progress", "completed"])
        #expect(Set(jobs.compactMap(\.conclusion)) == ["success", "failure", "cancelled", "timed_out", "skipped"])
        #expect(Set(runs.map(\.status)) == ["requested", "pending", "waiting", "queued", "in_progress", "completed"])
        #expect(
            Set(runs.compactMap(\.conclusion)).isSuperset(of: [
                "success", "failure", "cancelled", "action_required", "startup_failure",
            ]))
        #expect(Set(runs.map(\.cause)) == ["push", "pull_request", "schedule", "workflow_dispatch"])
        #expect(jobs.contains { $0.status == "waiting" && $0.action == "queued" })
        #expect(jobs.contains { $0.conclusion == "cancelled" && $0.runner == nil && $0.started == $0.created })
        #expect(jobs.contains { $0.labels == ["runs-on=\($0.run)"] })
        #expect(
            Set(jobs.map { $0.labels.joined(separator: ",") }).isSuperset(of: [
                "ubuntu-latest", "ubuntu-24.04-arm", "windows-latest", "macos-15", "self-hosted,linux,x64",
                "self-hosted,linux,gpu", "self-hosted,macos,arm64",
            ]))
        let completed = runs.filter { $0.status == "completed" }
        #expect(completed.filter { $0.conclusion == "success" }.count > completed.count / 2)
    }

    @Test("By default few deliveries overtake an earlier one of their job, and few are repeated")
    func untidiness() throws {
        let records = try DemoHistory.usual.get()
        var seen: Set<String> = []
        var rank: [Int64: Int] = [:]
        var repeated = 0
        var overtaken = 0
        for record in records where record.isJob {
            guard seen.insert(record.delivery).inserted else {
                repeated += 1
                continue
            }
            if record.rank < rank[record.id, default: 0] { overtaken += 1 }
            rank[record.id] = max(rank[record.id, default: 0], record.rank)
        }
        #expect(repeated > 0 && repeated < records.count / 300)
        #expect(overtaken > 0 && overtaken < records.count / 200)
        #expect(rank.values.filter { $0 == 3 }.count > rank.count * 95 / 100)
    }
}
