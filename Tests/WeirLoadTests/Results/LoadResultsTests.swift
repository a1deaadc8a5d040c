//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

@testable import WeirLoad

@Suite("Results")
struct LoadResultsTests {
    private func results(
        _ scenario: LoadScenario = .steady, latency: UInt32 = 1_000, lag: Int64 = 0, refused: Int = 0
    ) -> LoadResults {
        var parameters = LoadFixture.parameters()
        parameters.scenario = scenario
        var figures = LoadFigures()
        for send in 0..<1_000 {
            let due = Int64(send) * 10_000_000
            figures.offered(atNanoseconds: due, lagNanoseconds: lag)
            let status: UInt16 = send < refused ? 503 : 202
            figures.ended(
                LedgerEntry(send: UInt32(send), attempt: 0, status: status, microseconds: latency),
                dueNanoseconds: due, hasRetryAfter: status == 503)
        }
        return LoadResults(
            figures, parameters: parameters,
            conditions: .init(
                version: "1", url: "http://a", cores: 2, system: "Linux", connections: 8, timeoutMilliseconds: 12_000,
                redelivers: false), isInterrupted: false, scheduleSeconds: 10, elapsedSeconds: 10, userSeconds: 0.01,
            systemSeconds: 0.02)
    }

    @Test("Answers are counted by status, latencies kept apart, and seconds by when the deliveries were due")
    func figures() {
        let results = self.results(refused: 200)
        #expect(results.statuses == ["202": 800, "503": 200])
        #expect(results.accepted?.count == 800 && results.unavailable?.count == 200 && results.all?.count == 1_000)
        #expect(results.retryAfters == 200)
        #expect(results.offeredPerSecond == 100 && results.acceptedPerSecond == 80)
        #expect(results.seconds.count == 10)
        #expect(results.seconds[0] == .init(offered: 100, unavailable: 100))
        #expect(results.seconds[9].accepted == 100)
        #expect((29.9...30.1).contains(results.cpuMicrosecondsPerRequest))
    }

    @Test("Further attempts and those without an answer are in no latency of answers")
    func attempts() {
        var figures = LoadFigures()
        figures.ended(.init(send: 0, attempt: 0, status: 0, microseconds: 12_000_000), dueNanoseconds: 0)
        figures.ended(.init(send: 0, attempt: 1, status: 202, microseconds: 5), dueNanoseconds: 0)
        #expect(LatencySummary(figures.accepted) == nil && LatencySummary(figures.all)?.count == 1)
        #expect(figures.failed == 1)
        #expect(figures.redeliveries == [202: 1])
    }

    @Test("The file holds everything, and is read again")
    func file() throws {
        let directory = try TemporaryDirectory()
        let results = self.results(refused: 3)
        try results.json.write(to: URL(filePath: directory.file("a.json")))
        let read = try LoadResults(path: directory.file("a.json"))
        #expect(try read.json == results.json)
        try Data("{}".utf8).write(to: URL(filePath: directory.file("b.json")))
        #expect(throws: LoadError.self) { try LoadResults(path: directory.file("b.json")) }
    }

    @Test("A generator that was late itself says so")
    func lag() {
        #expect(self.results(lag: 2_000_000).warning == nil)
        #expect(self.results(lag: 40_000_000).warning?.contains("40.0 ms") == true)
    }

    @Test("A comparison shows both figures and their ratio")
    func comparison() throws {
        let lines = try LoadComparison(self.results(latency: 1_000), self.results(latency: 2_500, refused: 100)).lines
        let median = try #require(lines.first { $0.hasPrefix("202 p50, ms") })
        #expect(median.split(separator: " ").suffix(3) == ["1.00", "2.50", "2.50"])
        let refused = try #require(lines.first { $0.hasPrefix("answers 503") })
        #expect(refused.split(separator: " ").suffix(3) == ["0", "100", "–"])
    }

    @Test("Loads of different scenarios are compared only when that is asked for, and then said to differ")
    func scenarios() throws {
        #expect(throws: LoadError.self) { try LoadComparison(self.results(), self.results(.stress)) }
        let lines = try LoadComparison(self.results(), self.results(.stress), isForced: true).lines
        #expect(lines.contains("scenario differs: steady and stress"))
    }

    @Test("Numbers for people", arguments: [(1_234_567, "1,234,567"), (999, "999"), (-1_000, "-1,000"), (0, "0")])
    func numbers(number: Int, text: String) {
        #expect(TextTable.grouped(number) == text)
        #expect(TextTable.rounded(Double(number), 0) == text)
    }

    @Test("Fractions for people", arguments: [(0.004, 2, "0.00"), (-0.5, 1, "-0.5"), (1_999.996, 2, "2,000.00")])
    func fractions(number: Double, digits: Int, text: String) { #expect(TextTable.rounded(number, digits) == text) }
}
