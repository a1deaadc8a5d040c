//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import WeirLoad

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Shows on the standard error how a load goes: one line that is drawn anew on a terminal, plain lines elsewhere.
final class LoadProgressLine: @unchecked Sendable {
    // Everything mutable is guarded by `monitor`.
    private let monitor = Monitor()
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var shown: LoadProgress?
    private var isDrawn = false

    private var interval: Duration { self.isTerminal ? .milliseconds(500) : .seconds(5) }

    func show(_ progress: LoadProgress) {
        self.monitor.withLock {
            let since = progress.elapsed - (self.shown?.elapsed ?? .zero)
            guard since >= self.interval else { return }
            let line = Self.text(progress, since: self.shown, seconds: since / .seconds(1))
            self.shown = progress
            if self.isTerminal {
                Output.redraw(line)
                self.isDrawn = true
            } else {
                Output.errorLine(line)
            }
        }
    }

    /// Takes the line away.
    func end() {
        self.monitor.withLock {
            guard self.isDrawn else { return }
            self.isDrawn = false
            Output.redraw("")
        }
    }

    /// Rates are of the time since the line before, percentiles of all so far.
    private static func text(_ progress: LoadProgress, since last: LoadProgress?, seconds: Double) -> String {
        func rate(_ figure: (LoadProgress) -> Int) -> String {
            TextTable.rounded(Double(figure(progress) - (last.map(figure) ?? 0)) / seconds, 0)
        }
        let elapsed = TextTable.rounded(progress.elapsed / .seconds(1), 0)
        let total = TextTable.rounded(progress.total / .seconds(1), 0)
        var text =
            "\(elapsed) of \(total) s: 202 \(rate(\.accepted))/s, 503 \(rate(\.unavailable))/s, "
            + "errors \(progress.failed + progress.other), "
            + "p50 \(TextTable.milliseconds(progress.p50Microseconds)), "
            + "p99 \(TextTable.milliseconds(progress.p99Microseconds)), offered \(rate(\.offered))/s, "
            + "in flight \(progress.inFlight), backlog \(progress.backlog)"
        if progress.toRedeliver > 0 { text += ", to send again \(progress.toRedeliver)" }
        return text
    }
}
