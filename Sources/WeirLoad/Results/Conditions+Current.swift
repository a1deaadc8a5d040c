//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension LoadResults.Conditions {
    /// What this machine and these options are.
    ///
    /// - Parameter version: The program's.
    package init(version: String, url: String, options: LoadOptions) {
        self.init(
            version: version, url: url, cores: ProcessInfo.processInfo.activeProcessorCount, system: Self.kernel,
            connections: options.connectionsMax, timeoutMilliseconds: Int64(options.timeout / .milliseconds(1)),
            redelivers: options.redelivers)
    }

    /// The kernel's name, release and machine.
    private static var kernel: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(name.sysname)) \(text(name.release)) \(text(name.machine))"
    }
}
