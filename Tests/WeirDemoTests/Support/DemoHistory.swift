//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import Testing
import WeirDemo

/// One delivery, read back with a parser that is not ours.
struct DemoRecord: Sendable {
    /// When it was sent, in milliseconds since the epoch.
    let at: Int64
    /// `workflow_job` or `workflow_run`.
    let event: String
    /// The delivery's id.
    let delivery: String
    /// The event's action.
    let action: String
    /// The job's or run's id.
    let id: Int64
    /// The run's id.
    let run: Int64
    /// The attempt.
    let attempt: Int
    /// The object's status.
    let status: String
    /// The object's conclusion.
    let conclusion: String?
    /// When it was made, in seconds since the epoch.
    let created: Int64
    /// When it started, in seconds since the epoch.
    let started: Int64
    /// When it ended (a job) or last changed (a run).
    let ended: Int64?
    /// The job's name or the run's title.
    let name: String
    /// The run's event; empty for a job.
    let cause: String
    /// The job's labels.
    let labels: [String]
    /// The job's runner.
    let runner: String?
    /// Names of the steps that did not succeed and were not skipped.
    let brokenSteps: [String]
    /// How many steps there are.
    let steps: Int
    /// The names of the object's members.
    let keys: Set<String>

    /// A time in another form than GitHub's.
    struct NotATime: Error {
        /// What stood there instead.
        let value: String
    }

    /// Reads a delivery; throws when it is not the JSON GitHub's events have.
    init(_ delivery: DemoDelivery) throws {
        let json = try JSONSerialization.jsonObject(with: Data(delivery.body))
        let body = try #require(json as? [String: Any])
        let object = try #require(body[delivery.event] as? [String: Any])
        let isJob = delivery.event == "workflow_job"
        func time(_ key: String) throws -> Int64? {
            guard let value = object[key], !(value is NSNull) else { return nil }
            guard let text = value as? String, let seconds = Self.seconds(text) else {
                throw NotATime(value: "\(value)")
            }
            return seconds
        }
        self.at = delivery.atMilliseconds
        self.event = delivery.event
        self.delivery = delivery.id
        self.action = try #require(body["action"] as? String)
        self.id = try #require(object["id"] as? Int64)
        self.run = try #require(object[isJob ? "run_id" : "id"] as? Int64)
        self.attempt = try #require(object["run_attempt"] as? Int)
        self.status = try #require(object["status"] as? String)
        self.conclusion = object["conclusion"] as? String
        self.created = try #require(try time("created_at"))
        self.started = try #require(try time(isJob ? "started_at" : "run_started_at"))
        self.ended = try time(isJob ? "completed_at" : "updated_at")
        self.name = try #require(object[isJob ? "name" : "display_title"] as? String)
        self.cause = object["event"] as? String ?? ""
        self.labels = object["labels"] as? [String] ?? []
        self.runner = object["runner_name"] as? String
        let steps = object["steps"] as? [[String: Any]] ?? []
        self.steps = steps.count
        self.brokenSteps = steps.filter { ["failure", "cancelled"].contains($0["conclusion"] as? String) }
            .compactMap { $0["name"] as? String }
        self.keys = Set(object.keys)
        let repository = try #require(body["repository"] as? [String: Any])
        _ = try #require(repository["full_name"] as? String)
        _ = try #require((repository["owner"] as? [String: Any])?["login"] as? String)
        _ = try #require((body["organization"] as? [String: Any])?["login"] as? String)
        _ = try #require((body["sender"] as? [String: Any])?["login"] as? String)
        if !isJob { _ = try #require((body["workflow"] as? [String: Any])?["path"] as? String) }
    }

    /// Whether it is about a job.
    var isJob: Bool { self.event == "workflow_job" }

    /// How far a status is in a lifecycle.
    var rank: Int {
        switch self.status {
        case "waiting", "pending", "requested": 0
        case "queued": 1
        case "in_progress": 2
        default: self.conclusion == "action_required" ? 0 : 3
        }
    }

    /// Seconds since the epoch of `2026-01-02T03:04:05Z`; nil for any other form.
    static func seconds(_ text: String) -> Int64? {
        let parts = text.split(whereSeparator: { "-T:Z".contains($0) }).compactMap { Int64($0) }
        guard parts.count == 6, text.count == 20, text.hasSuffix("Z") else { return nil }
        let leap = { (year: Int64) in (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400)
        }
        var days: Int64 = 0
        for year in 1970..<max(1970, parts[0]) { days += leap(year) ? 366 : 365 }
        let months: [Int64] = [31, leap(parts[0]) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        days += months.prefix(Int(parts[1]) - 1).reduce(0, +) + parts[2] - 1
        return ((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5]
    }
}

/// A day of the demo, played once and shared by the tests that look at it.
enum DemoHistory {
    /// Monday 2026-02-16T00:00:00Z, in milliseconds since the epoch.
    static let monday: Int64 = 1_771_200_000_000
    /// One day, in milliseconds.
    static let day: Int64 = 86_400_000
    /// A quarter of the usual traffic: enough of everything, quickly played.
    static let scale = 0.25

    /// A day without repeated and late deliveries: what a perfect sender would send.
    static let clean: Result<[DemoRecord], any Error> = Result {
        let settings = DemoSettings(scale: Self.scale, duplicateShare: 0, lateShare: 0)
        var generator = DemoGenerator(seed: 11, startMilliseconds: Self.monday, settings: settings)
        return try generator.deliveries(until: Self.monday + Self.day).map { try DemoRecord($0) }
    }

    /// A day as it is sent by default.
    static let usual: Result<[DemoRecord], any Error> = Result {
        var generator = DemoGenerator(
            seed: 12, startMilliseconds: Self.monday, settings: DemoSettings(scale: Self.scale))
        return try generator.deliveries(until: Self.monday + Self.day).map { try DemoRecord($0) }
    }
}
