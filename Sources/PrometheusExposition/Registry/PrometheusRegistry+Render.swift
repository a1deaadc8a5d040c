//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization

extension PrometheusRegistry {
    /// Every family in the text format 0.0.4: sorted by name, `HELP` and `TYPE` once, series sorted by labels.
    ///
    /// - Returns: UTF-8 text, every line ended by a line feed.
    /// - Complexity: O(n log n), n series; callbacks are read once each.
    ///
    /// Isolation: any thread; the lock is held only to take a snapshot, never while a callback runs.
    public func render() -> String {
        String(decoding: self.renderBytes(), as: UTF8.self)
    }

    /// The bytes of ``render()``.
    ///
    /// - Returns: UTF-8, ready to send as ``contentType``.
    public func renderBytes() -> [UInt8] {
        // Copies two dictionary references: what a family holds is shared, not copied, until somebody adds to it.
        let state = self.state.withLock { $0 }
        var writer = ExpositionWriter()
        for (name, family) in state.families.sorted(by: { $0.key < $1.key }) {
            self.render(name, family, help: state.help[name] ?? state.help[family.base], into: &writer)
        }
        return writer.bytes
    }

    /// Writes one family; nothing at all when no series of it has a value.
    private func render(_ name: String, _ family: MetricFamily, help: String?, into writer: inout ExpositionWriter) {
        var isFirst = true
        for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
            let text: String?
            var snapshot: Distribution?
            switch series {
            case .counter(let instrument): text = instrument.text
            case .gauge(let instrument): text = instrument.text
            case .callback(let read): text = read().map(ExpositionWriter.number)
            case .histogram(let instrument):
                text = nil
                snapshot = instrument.snapshot()
            case .histogramCallback(let read):
                text = nil
                snapshot = read()
            }
            guard text != nil || snapshot != nil else { continue }
            if isFirst {
                writer.header(name: name, kind: family.kind, help: help)
                isFirst = false
            }
            if let text { writer.sample(name: name, labels: labels, value: text) }
            if let snapshot { writer.histogram(name: name, labels: labels, snapshot: snapshot) }
        }
    }
}
