//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Shows on the standard error how far something is: one line that is drawn anew on a terminal, plain lines elsewhere.
final class ProgressLine: @unchecked Sendable {
    // Everything mutable is guarded by `monitor`.
    private let monitor = Monitor()
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var shown: (phase: SQLiteBackup.Progress.Phase, tenth: Int, at: MonotonicInstant)?
    private var isDrawn = false

    /// Between two drawings, so that a fast disk is not slowed down by a slow terminal.
    private static let interval = Duration.milliseconds(100)

    func show(_ progress: SQLiteBackup.Progress) {
        self.monitor.withLock {
            let tenth = progress.bytesTotal > 0 ? progress.bytesDone * 10 / progress.bytesTotal : 0
            // Elsewhere than on a terminal a line every tenth; a check reads some of the file twice, so has no tenths.
            let isNew = self.shown.map {
                $0.phase != progress.phase || (progress.phase == .copying && $0.tenth != tenth)
            }
            let isDue = self.isTerminal && self.shown.map { .now - $0.at >= Self.interval } ?? true
            guard isNew ?? true || isDue else { return }
            self.shown = (progress.phase, tenth, .now)
            if self.isTerminal {
                Output.redraw(Self.text(progress))
                self.isDrawn = true
            } else {
                Output.errorLine(Self.text(progress))
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

    private static func text(_ progress: SQLiteBackup.Progress) -> String {
        let done = bytesForPeople(progress.bytesDone)
        switch progress.phase {
        case .checking: return "checking: \(done) read"
        case .copying:
            let percent = progress.bytesTotal > 0 ? progress.bytesDone * 100 / progress.bytesTotal : 100
            let rate = Int(Double(progress.bytesDone) / max(progress.elapsed.inSeconds, 0.001))
            return "copying: \(percent) %, \(done) of \(bytesForPeople(progress.bytesTotal)), \(bytesForPeople(rate))/s"
        }
    }
}
