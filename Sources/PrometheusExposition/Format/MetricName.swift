//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Turns any text into a metric name or a label name that Prometheus accepts.
///
/// swift-metrics and OpenTelemetry name things with dots (`db.client.connection.count`); Prometheus has no dots
/// (`db_client_connection_count`). Two names that differ only in refused characters become one.
/// Source: <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>.
enum MetricName {
    /// A metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`, every refused character replaced by one underscore.
    ///
    /// - Parameter text: Any text; empty becomes `_`, a leading digit gets an underscore before it.
    /// - Returns: A legal metric name, never empty.
    static func sanitized(metric text: String) -> String {
        self.sanitized(text, colonIsLegal: true)
    }

    /// A label name: `[a-zA-Z_][a-zA-Z0-9_]*`, without the two leading underscores Prometheus keeps for itself.
    ///
    /// - Parameter text: Any text; empty becomes `_`.
    /// - Returns: A legal label name, never empty.
    static func sanitized(label text: String) -> String {
        var name = self.sanitized(text, colonIsLegal: false)
        while name.hasPrefix("__") { name.removeFirst() }
        return name
    }

    /// The name with the suffix its kind asks for: `_total` for counters, `_seconds` for timers.
    ///
    /// - Parameters:
    ///   - name: A sanitised name.
    ///   - suffix: The suffix, with its underscore.
    /// - Returns: `name` itself when it ends in `suffix` already.
    static func withSuffix(_ name: String, _ suffix: String) -> String {
        name.hasSuffix(suffix) ? name : name + suffix
    }

    /// The rule both kinds of name share.
    private static func sanitized(_ text: String, colonIsLegal: Bool) -> String {
        var name = ""
        name.reserveCapacity(text.utf8.count + 1)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_":
                name.unicodeScalars.append(scalar)
            case "0"..."9":
                if name.isEmpty { name.append("_") }
                name.unicodeScalars.append(scalar)
            case ":" where colonIsLegal:
                name.unicodeScalars.append(scalar)
            default:
                name.append("_")
            }
        }
        return name.isEmpty ? "_" : name
    }
}
