//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Glibc

/// The standard error as a stream that never lets a logger wait: a thread of its own writes what has gathered.
///
/// What reads a program's log may stop, a pager or a full disk; a write to it then blocks whoever logs, and with event
/// loops among them the whole program. Under load many lines are one system call.
///
/// Isolation: any thread.
public final class LogStream: TextOutputStream, @unchecked Sendable {
    // Guarded by `monitor`.
    private var lines: LogLines
    private var isWriting = false
    private let monitor = Monitor()
    private let changed = Condition()
    private let descriptor: Int32

    /// - Parameters:
    ///   - descriptor: Where to write; stays open. Default: the standard error.
    ///   - bytesMax: Most bytes that wait.
    public init(descriptor: Int32 = 2, bytesMax: Int = 1 << 20) {
        self.descriptor = descriptor
        self.lines = LogLines(bytesMax: bytesMax)
        WorkerThread.start(name: "log") { self.run() }
    }

    public func write(_ line: String) {
        self.monitor.lock()
        self.lines.append(line)
        self.monitor.unlock()
        self.changed.broadcast()
    }

    /// Waits until all that came before is written.
    ///
    /// - Returns: False when it was not within the time.
    @discardableResult
    public func flush(within limit: Duration = .seconds(1)) -> Bool {
        let end = MonotonicInstant.now.advanced(by: limit)
        self.monitor.lock()
        defer { self.monitor.unlock() }
        while self.isWriting || !self.lines.isEmpty {
            let rest = end - .now
            guard rest > .zero, self.changed.wait(self.monitor, for: rest) else { return false }
        }
        return true
    }

    private func run() {
        self.monitor.lock()
        while true {
            while self.lines.isEmpty { self.changed.wait(self.monitor) }
            let bytes = self.lines.take()
            self.isWriting = true
            self.monitor.unlock()
            self.write(bytes)
            self.monitor.lock()
            self.isWriting = false
            self.changed.broadcast()
        }
    }

    /// What cannot be written is lost: there is nobody left to tell.
    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(self.descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                // Somebody else has made the terminal non-blocking; it is asked when it can take more.
                var poller = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&poller, 1, 1_000)
                continue
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
