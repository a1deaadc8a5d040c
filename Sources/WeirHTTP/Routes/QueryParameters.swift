//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Hummingbird
import WeirModel

/// A request's query, read strictly: what nobody asked for is an error, as is what cannot be read.
struct QueryParameters {
    private var values: [String: String] = [:]

    /// - Parameter allowed: The names the endpoint knows.
    /// - Throws: ``Problem`` 400 for an unknown or a repeated name.
    init(_ request: Request, allowed: Set<String>) throws {
        for (key, value) in request.uri.queryParameters {
            let name = String(key)
            guard allowed.contains(name) else {
                throw Problem.badRequest(
                    "the parameter \"\(name.prefix(60))\" is unknown here; known are \(allowed.sorted().joined(separator: ", "))"
                )
            }
            guard self.values.updateValue(String(value), forKey: name) == nil else {
                throw Problem.badRequest("the parameter \(name) is given twice")
            }
        }
    }

    func text(_ name: String) -> String? { self.values[name].flatMap { $0.isEmpty ? nil : $0 } }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
        guard let text = self.values[name] else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw Problem.badRequest("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func status() throws -> Status? {
        guard let text = self.values["status"] else { return nil }
        guard let status = Status(name: text) else {
            throw Problem.badRequest("status must be one of \(Status.allCases.map(\.name).joined(separator: ", "))")
        }
        return status
    }

    func conclusion() throws -> Conclusion? {
        guard let text = self.values["conclusion"] else { return nil }
        guard let conclusion = Conclusion(name: text) else {
            throw Problem.badRequest(
                "conclusion must be one of \(Conclusion.allCases.map(\.name).joined(separator: ", "))")
        }
        return conclusion
    }

    /// The parameter `timeout`, no longer than what the server allows.
    func timeout(atMost limit: Duration) throws -> Duration {
        guard let text = self.values["timeout"] else { return limit }
        guard let duration = Duration(parsing: text), duration > .zero else {
            throw Problem.badRequest("timeout must be a duration such as 500ms, 2s or 1m")
        }
        return min(duration, limit)
    }

    // MARK: - Periods

    private static let periods: [(name: String, seconds: Int64)] = [
        ("hour", 3_600), ("day", 86_400), ("week", 7 * 86_400), ("month", 30 * 86_400),
    ]

    /// The length of `period` in seconds.
    func period(default fallback: String) throws -> Int64 {
        let text = self.values["period"] ?? fallback
        guard let period = Self.periods.first(where: { $0.name == text }) else {
            throw Problem.badRequest("period must be one of \(Self.periods.map(\.name).joined(separator: ", "))")
        }
        return period.seconds
    }

    /// The range of `period`, or of `from` and `to`; nil when none is given.
    func range(now: Timestamp) throws -> Range<Timestamp>? {
        if self.values["period"] != nil {
            guard self.values["from"] == nil, self.values["to"] == nil else {
                throw Problem.badRequest("give either period, or from and to")
            }
            return now.adding(seconds: -(try self.period(default: "day")))..<now
        }
        guard self.values["from"] != nil || self.values["to"] != nil else { return nil }
        let to = try self.time("to", now: now) ?? now
        let from = try self.time("from", now: now) ?? to.adding(seconds: -86_400)
        guard from < to else { throw Problem.badRequest("from must lie before to") }
        guard to.second - from.second <= 100 * 366 * 86_400 else {
            throw Problem.badRequest("from and to lie more than a century apart")
        }
        return from..<to
    }

    private func time(_ name: String, now: Timestamp) throws -> Timestamp? {
        guard let text = self.values[name] else { return nil }
        if text == "now" { return now }
        if text.hasPrefix("now-"), let ago = Duration(parsing: text.dropFirst(4)), ago < .seconds(100 * 366 * 86_400) {
            return now.adding(seconds: -ago.components.seconds)
        }
        // A plus sign in a query means a space unless it is escaped; an offset has no other use for a space.
        guard let time = Timestamp(rfc3339: text.replacing(" ", with: "+")) else {
            throw Problem.badRequest("\(name) must be an RFC 3339 time, now, or a time ago such as now-7d")
        }
        return time
    }
}
