//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension LoadResults {
    /// The results for people.
    package var lines: [String] {
        let offered = TextTable.grouped(self.offered)
        let answered = TextTable.grouped(self.answered)
        let cpu = self.userSeconds + self.systemSeconds
        var lines = [
            "offered   \(offered) in \(TextTable.rounded(self.scheduleSeconds, 1)) s, "
                + "\(TextTable.rounded(self.offeredPerSecond, 1))/s",
            "answered  \(answered) in \(TextTable.rounded(self.elapsedSeconds, 1)) s, "
                + "\(TextTable.rounded(self.answeredPerSecond, 1))/s; 202 \(TextTable.rounded(self.acceptedPerSecond, 1))/s",
            "answers   \(Self.text(self.statuses))",
        ]
        if !self.redeliveries.isEmpty { lines.append("again     \(Self.text(self.redeliveries))") }
        if self.retryAfters > 0 {
            lines.append(
                "          \(TextTable.grouped(self.retryAfters)) said Retry-After, which an open loop does not heed")
        }
        lines.append("")
        lines += TextTable.lines(self.latencyRows)
        lines += [
            "",
            "sent \(TextTable.rounded(Double(self.bytesSent) / 1e6, 1)) MB, received "
                + "\(TextTable.rounded(Double(self.bytesReceived) / 1e6, 1)) MB, on at most \(self.connectionsMax) "
                + "connections (\(self.connectionsOpened) opened); backlog at most \(TextTable.grouped(self.backlogMax))",
            "generator: \(TextTable.rounded(cpu, 1)) s of processor, "
                + "\(TextTable.rounded(self.cpuMicrosecondsPerRequest, 1)) µs per request",
        ]
        if self.isInterrupted { lines.append("interrupted before its end") }
        if let warning = self.warning { lines.append("warning: \(warning)") }
        return lines
    }

    private var latencyRows: [[String]] {
        let summaries: [(String, LatencySummary?)] = [
            ("202", self.accepted), ("503", self.unavailable), ("other", self.other), ("all", self.all),
            ("send lag", self.lag), ("exchange", self.exchange),
        ]
        let known = summaries.compactMap { name, summary in summary.map { (name, $0) } }
        guard let names = known.first?.1.shown.map(\.name) else { return [] }
        return [["latency"] + names]
            + known.map { name, summary in
                [name] + summary.shown.map { TextTable.milliseconds($0.microseconds) }
            }
    }

    private static func text(_ statuses: [String: Int]) -> String {
        if statuses.isEmpty { return "none" }
        return statuses.sorted { $0.key < $1.key }.map { name, count in
            switch name {
            case "none": "\(TextTable.grouped(count)) without an answer"
            case "unsent": "\(TextTable.grouped(count)) never sent"
            default: "\(TextTable.grouped(count)) × \(name)"
            }
        }.joined(separator: ", ")
    }
}
