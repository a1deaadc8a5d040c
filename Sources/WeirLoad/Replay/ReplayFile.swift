//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Crypto
import FoundationEssentials

/// A file of deliveries, one JSON object per line; see ``ReplayLine``.
package struct ReplayFile: Sendable {
    /// What the parameters of a load keep of it.
    package let source: LoadParameters.ReplaySource
    private let data: Data
    private let lines: [Range<Int>]

    /// Reads the file and checks every line.
    ///
    /// - Throws: ``LoadError`` that names the line.
    package init(path: String) throws {
        guard let data = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe) else {
            throw LoadError("\(path) cannot be read; see that it exists and may be read")
        }
        var lines: [Range<Int>] = []
        var start = 0
        var number = 0
        while start < data.count {
            number += 1
            let end = data[start...].firstIndex(of: 0x0a) ?? data.count
            defer { start = end + 1 }
            guard data[start..<end].contains(where: { $0 > 0x20 }) else { continue }
            do throws(LoadError) {
                _ = try ReplayLine(data[start..<end])
            } catch {
                throw LoadError("line \(number) of \(path): \(error.description)")
            }
            lines.append(start..<end)
        }
        guard !lines.isEmpty else { throw LoadError("\(path) holds no deliveries") }
        self.data = data
        self.lines = lines
        let digest = SHA256.hash(data: data).flatMap { [hexadecimalDigit($0 >> 4), hexadecimalDigit($0 & 15)] }
        self.source = LoadParameters.ReplaySource(
            path: path, count: lines.count, digest: String(decoding: digest, as: UTF8.self))
    }

    /// A delivery by its number among the lines that hold one.
    func line(_ number: Int) -> ReplayLine {
        guard let line = try? ReplayLine(self.data[self.lines[number]]) else {
            preconditionFailure("delivery \(number) of \(self.source.path) was readable before: the file was changed")
        }
        return line
    }
}
