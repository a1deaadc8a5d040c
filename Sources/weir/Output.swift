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

    /// A part of a line.
    static func error(_ text: String) { Self.write(text, to: STDERR_FILENO) }

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
