//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A line for people, on one of the standard streams.
enum Output {
    static func line(_ text: String) { Self.write(text + "\n", to: STDOUT_FILENO) }

    static func errorLine(_ text: String) { Self.error(text + "\n") }

    /// Draws the line that a terminal stands in anew, cut to its width: a longer one would go on in a line of its own,
    /// which nothing takes away.
    static func redraw(_ text: String) {
        var size = winsize()
        let columns = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) : 80
        Self.error("\r\u{1b}[K" + text.prefix(columns - 1))
    }

    /// A part of a line.
    private static func error(_ text: String) { Self.write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            #if canImport(Glibc)
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            #elseif canImport(Musl)
            let count = bytes.withUnsafeBytes { Musl.write(descriptor, $0.baseAddress, $0.count) }
            #else
            let count = bytes.withUnsafeBytes { Darwin.write(descriptor, $0.baseAddress, $0.count) }
            #endif
            // Nobody is there to read: nothing is to be done about it.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
