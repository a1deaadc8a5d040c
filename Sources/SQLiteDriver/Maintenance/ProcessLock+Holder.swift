//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension ProcessLock {
    /// Looks who holds a lock, without taking it.
    ///
    /// - Returns: The holder's own line, such as `process 123`; nil when nobody holds it.
    static func holder(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        // The lock belongs to the holder's open file, not to the process: closing another descriptor does not end it.
        defer { close(descriptor) }
        guard weir_is_locked(descriptor) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = max(0, read(descriptor, &buffer, buffer.count))
        let line = String(decoding: buffer.prefix(count).prefix { $0 != 0x0a }, as: UTF8.self)
        return line.isEmpty ? "another process" : line
    }
}
