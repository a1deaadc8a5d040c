//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation

/// One entry of `bench/results.json`: a case at a number of tasks, each peer's figures under its name.
struct Entry: Encodable {
    var name: String
    var tasks: Int
    var peers: [String: [String: Double]] = [:]
    /// What holds for all peers alike.
    var conditions: [String: String] = [:]

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { self.stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(self.name, forKey: Key("name"))
        try container.encode(self.tasks, forKey: Key("tasks"))
        for (peer, figures) in self.peers { try container.encode(figures, forKey: Key(peer)) }
        try container.encode(self.conditions, forKey: Key("conditions"))
    }
}

extension Entry {
    /// Adds a peer's figures: the median rate of its rounds, and the latencies of all of them.
    mutating func add(_ peer: PeerName, _ rounds: [Measurement]) {
        let rates = rounds.map(\.perSecond).sorted()
        var latencies = Histogram()
        for round in rounds { latencies.add(round.latencies) }
        var figures = [
            "ops_per_s": rates.isEmpty ? 0 : rates[rates.count / 2], "ops_per_s_min": rates.first ?? 0,
            "ops_per_s_max": rates.last ?? 0, "operations": Double(latencies.count),
            "max_us": Double(latencies.maxNanoseconds) / 1e3,
        ]
        let processor = rounds.reduce(0) { $0 + $1.processorSeconds }
        if processor > 0 {
            figures["cpu_us_per_op"] = processor * 1e6 / Double(max(1, latencies.count))
            let others = rounds.reduce(0) { $0 + $1.othersSeconds } / rounds.reduce(0) { $0 + $1.seconds }
            figures["others_cores"] = others
        }
        for (key, share) in [("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)] {
            figures[key] = latencies.percentile(share) ?? 0
        }
        for (key, value) in figures { self.peers[peer.rawValue, default: [:]][key] = Self.rounded(value) }
    }

    /// Adds one figure.
    mutating func add(_ peer: PeerName, _ key: String, _ value: Double) {
        self.peers[peer.rawValue, default: [:]][key] = Self.rounded(value)
    }

    /// A line for whoever waits.
    var summary: String {
        let parts = PeerName.allCases.compactMap { peer -> String? in
            guard let figures = self.peers[peer.rawValue], let rate = figures["ops_per_s"] else { return nil }
            let processor = figures["cpu_us_per_op"].map { ", \($0) µs of processor" } ?? ""
            let allocations = figures["allocations_per_op"].map { ", \($0) allocations" } ?? ""
            return "\(peer.rawValue) \(Int(rate))/s (p50 \(figures["p50_us"] ?? 0) µs, p99 \(figures["p99_us"] ?? 0) µs"
                + "\(processor)\(allocations))"
        }
        return "\(self.name), \(self.tasks): " + parts.joined(separator: "; ")
    }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}

/// Writes the entries as a JSON list.
func write(_ entries: [Entry], to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(entries).write(to: URL(fileURLWithPath: path))
}
