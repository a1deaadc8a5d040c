//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Lines of the log on their way to whoever reads it: bounded, so that a reader that stops costs lines and not memory.
struct LogLines {
    private let bytesMax: Int
    private var bytes: [UInt8] = []
    /// Lines that found no room since the last take.
    private var dropped = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    var isEmpty: Bool { self.bytes.isEmpty && self.dropped == 0 }

    /// Keeps a line, with its end, or counts it.
    mutating func append(_ line: String) {
        guard self.bytes.count + line.utf8.count <= self.bytesMax else { return self.dropped += 1 }
        self.bytes.append(contentsOf: line.utf8)
    }

    /// All that is to be written, the number of missing lines after those that were before them.
    mutating func take() -> [UInt8] {
        var result: [UInt8] = []
        swap(&result, &self.bytes)
        if self.dropped > 0 {
            result += "... \(self.dropped) lines were not written: the log was not read in time\n".utf8
            self.dropped = 0
        }
        return result
    }
}
