//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Glibc
import TestSupport
import Testing

@testable import WeirServer

@Suite("Log", .timeLimit(.minutes(1)))
struct LogTests {
    @Test("lines keep their order within the bound; what finds no room is counted where it is missing")
    func lines() {
        var lines = LogLines(bytesMax: 10)
        #expect(lines.isEmpty)
        lines.append("one\n")
        lines.append("second\n")
        lines.append("two\n")
        lines.append("three\n")
        let missing = "... 2 lines were not written: the log was not read in time\n"
        #expect(String(decoding: lines.take(), as: UTF8.self) == "one\ntwo\n" + missing)
        #expect(lines.isEmpty)
        lines.append("four\n")
        #expect(String(decoding: lines.take(), as: UTF8.self) == "four\n")
    }

    private func read(_ descriptor: Int32, atLeast count: Int) -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while result.count < count {
            let got = Glibc.read(descriptor, &chunk, chunk.count)
            if got <= 0 { break }
            result += chunk.prefix(got)
        }
        return result
    }

    @Test("who logs does not wait for a reader that has stopped, and gets all lines to one that reads")
    func stoppedReader() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (input, output) = (ends[0], ends[1])
        let log = LogStream(descriptor: output, bytesMax: 200_000)
        log.write("the first line\n")
        #expect(log.flush())
        let line = String(repeating: "x", count: 99) + "\n"
        let started = ContinuousClock.now
        for _ in 0..<10_000 { log.write(line) }
        #expect(ContinuousClock.now - started < .seconds(2))
        // Control: the pipe is full, and a writer of its own would wait.
        #expect(!log.flush(within: .milliseconds(100)))
        var poller = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
        #expect(poll(&poller, 1, 0) == 0)
        let text = try await onThread {
            var bytes = self.read(input, atLeast: 200_000)
            while !log.flush(within: .milliseconds(20)) { bytes += self.read(input, atLeast: 1) }
            log.write("the last line\n")
            log.flush()
            _ = fcntl(input, F_SETFL, O_NONBLOCK)
            bytes += self.read(input, atLeast: .max)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(text.hasPrefix("the first line\nxxx") && text.hasSuffix("the last line\n"))
        let all = text.split(separator: "\n")
        // Each time that something was written there may have been some missing.
        let dropped = all.filter { $0.hasPrefix("... ") }.compactMap { Int($0.split(separator: " ")[1]) }
        let kept = all.count { $0 + "\n" == line }
        #expect(!dropped.isEmpty && kept + dropped.reduce(0, +) == 10_000, "\(kept) and \(dropped)")
        close(input)
    }
}
