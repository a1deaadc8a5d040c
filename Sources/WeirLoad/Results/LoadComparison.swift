//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Two loads side by side.
package struct LoadComparison: Sendable {
    private let first: LoadResults
    private let second: LoadResults

    /// - Parameter isForced: Whether loads of different kinds are compared all the same.
    /// - Throws: ``LoadError`` that says in what they differ.
    package init(_ first: LoadResults, _ second: LoadResults, isForced: Bool = false) throws(LoadError) {
        let (mine, theirs) = (first.parameters.scenario, second.parameters.scenario)
        guard mine == theirs || isForced else {
            throw LoadError(
                "the scenarios are \(mine.rawValue) and \(theirs.rawValue), which say little about each other; "
                    + "compare them all the same with --force")
        }
        self.first = first
        self.second = second
    }

    /// The table, and what makes the loads differ before the server does.
    package var lines: [String] {
        TextTable.lines([["", "A", "B", "B/A"]] + self.rows) + self.notes
    }

    private var rows: [[String]] {
        var rows = [
            self.row("offered/s") { $0.offeredPerSecond },
            self.row("answered/s") { $0.answeredPerSecond },
            self.row("202/s") { $0.acceptedPerSecond },
        ]
        let statuses = Set(self.first.statuses.keys).union(self.second.statuses.keys)
        rows += statuses.sorted().map { status in
            self.row("answers \(status)", digits: 0) { Double($0.statuses[status, default: 0]) }
        }
        rows += self.latencies("202") { $0.accepted }
        rows += self.latencies("503") { $0.unavailable }
        rows += self.latencies("all") { $0.all }
        rows.append(self.row("redelivered", digits: 0) { Double($0.redeliveries.values.reduce(0, +)) })
        rows.append(self.row("connections", digits: 0) { Double($0.connectionsMax) })
        rows.append(self.row("backlog, most", digits: 0) { Double($0.backlogMax) })
        rows.append(self.row("MB sent") { Double($0.bytesSent) / 1e6 })
        rows.append(self.row("generator µs/request") { $0.cpuMicrosecondsPerRequest })
        rows.append(self.row("generator late, p99 ms", digits: 2) { Double($0.lag?.p99Microseconds ?? 0) / 1_000 })
        return rows
    }

    private func row(_ name: String, digits: Int = 1, _ figure: (LoadResults) -> Double?) -> [String] {
        let (mine, theirs) = (figure(self.first), figure(self.second))
        func text(_ value: Double?) -> String { value.map { TextTable.rounded($0, digits) } ?? "–" }
        var ratio = "–"
        if let mine, let theirs, mine > 0 { ratio = TextTable.rounded(theirs / mine, 2) }
        return [name, text(mine), text(theirs), ratio]
    }

    private func latencies(_ name: String, _ summary: (LoadResults) -> LatencySummary?) -> [[String]] {
        let (mine, theirs) = (summary(self.first), summary(self.second))
        guard let names = (mine ?? theirs)?.shown.map(\.name) else { return [] }
        return names.enumerated().map { index, percentile in
            self.row("\(name) \(percentile), ms", digits: 2) { results in
                summary(results).map { Double($0.shown[index].microseconds) / 1_000 }
            }
        }
    }

    private var notes: [String] {
        var notes: [String] = []
        func compare(_ name: String, _ value: (LoadResults) -> String) {
            let (mine, theirs) = (value(self.first), value(self.second))
            if mine != theirs { notes.append("\(name) differs: \(mine) and \(theirs)") }
        }
        compare("scenario") { $0.parameters.scenario.rawValue }
        compare("rate") { "\($0.parameters.fromRate) to \($0.parameters.toRate)" }
        compare("length") { "\($0.parameters.durationMilliseconds) ms" }
        compare("size of bodies") { "\($0.parameters.bodyBytes) and \($0.parameters.runBodyBytes) bytes" }
        compare("share of duplicates") { "\($0.parameters.duplicates)" }
        compare("share out of order") { "\($0.parameters.reordered)" }
        compare("share of forms") { "\($0.parameters.form)" }
        compare("cores") { "\($0.conditions.cores)" }
        compare("system") { $0.conditions.system }
        compare("most connections") { "\($0.conditions.connections)" }
        compare("version") { $0.conditions.version }
        for (name, results) in [("A", self.first), ("B", self.second)] {
            if results.isInterrupted { notes.append("\(name) was interrupted") }
            if let warning = results.warning { notes.append("\(name): \(warning)") }
        }
        return notes
    }
}
