//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Why the store cannot serve.
public enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The database was written by a newer version of the program.
    case newerSchema(found: Int64, known: Int64)
    /// The database was written by an older version, and is only read.
    case olderSchema(found: Int64, known: Int64)

    public var description: String {
        switch self {
        case .newerSchema(let found, let known):
            "the database has schema version \(found), this program knows \(known): "
                + "use the newer program that wrote it, or a backup from before the upgrade"
        case .olderSchema(let found, let known):
            "the database has schema version \(found), this program needs \(known): "
                + "start weir serve on it once, which brings it up to date"
        }
    }
}
