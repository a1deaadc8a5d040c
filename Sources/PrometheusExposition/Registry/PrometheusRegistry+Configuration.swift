//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension PrometheusRegistry {
    /// Buckets and bounds of a registry.
    public struct Configuration: Sendable {
        /// Upper bounds in seconds for timers without buckets of their own: 1 ms to 60 s.
        public static let defaultTimerBuckets: [Double] = [
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
        ]
        /// Upper bounds for recorders without buckets of their own: powers of four from 1 to 1,048,576.
        public static let defaultRecorderBuckets: [Double] = (0...10).map { Double(1 << (2 * $0)) }

        /// Upper bounds for timers, in seconds.
        public let timerBuckets: [Double]
        /// Upper bounds for aggregating recorders, in the recorder's own unit.
        public let recorderBuckets: [Double]
        /// Most series of one name. Default: 1,000.
        public let seriesPerNameMax: Int
        /// Most names. Default: 1,000.
        public let namesMax: Int
        /// Upper bounds by label, keyed by the sanitised name.
        private let bucketsByName: [String: [Double]]

        /// Makes a configuration; bounds of buckets must be finite and strictly ascending, limits positive.
        ///
        /// - Parameters:
        ///   - buckets: Upper bounds by label as given to swift-metrics, dots allowed; for timers in seconds.
        ///   - timerBuckets: Upper bounds for all other timers, in seconds.
        ///   - recorderBuckets: Upper bounds for all other aggregating recorders.
        ///   - seriesPerNameMax: Most series of one name; those beyond are counted as dropped and go nowhere.
        ///   - namesMax: Most names; series of names beyond are dropped likewise.
        public init(
            buckets: [String: [Double]] = [:],
            timerBuckets: [Double] = Self.defaultTimerBuckets,
            recorderBuckets: [Double] = Self.defaultRecorderBuckets,
            seriesPerNameMax: Int = 1_000,
            namesMax: Int = 1_000
        ) {
            for bounds in Array(buckets.values) + [timerBuckets, recorderBuckets] {
                precondition(
                    bounds.allSatisfy(\.isFinite) && zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 },
                    "histogram buckets must be finite and strictly ascending: \(bounds)")
            }
            precondition(
                seriesPerNameMax > 0 && namesMax > 0,
                "limits must be positive: seriesPerNameMax \(seriesPerNameMax), namesMax \(namesMax)")
            self.timerBuckets = timerBuckets
            self.recorderBuckets = recorderBuckets
            self.seriesPerNameMax = seriesPerNameMax
            self.namesMax = namesMax
            self.bucketsByName = Dictionary(
                buckets.map { (MetricName.sanitized(metric: $0.key), $0.value) }, uniquingKeysWith: { $1 })
        }

        /// The bounds for a label, or nil when it has none of its own.
        ///
        /// - Parameter base: The label, sanitised.
        func buckets(for base: String) -> [Double]? {
            self.bucketsByName[base]
        }
    }
}
