//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CWeirSQLite
import ConnectionPoolModule
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// A call of SQLite's to the operating system that fails.
struct Fault: Sendable, CustomStringConvertible {
    var kind: weir_fault_kind
    var code: Int32
    var effect: weir_fault_effect = WEIR_FAULT_NOTHING
    /// Whether all later calls of the kind fail too.
    var isLasting = false
    /// Every kind of call with each way in which it may fail. The codes are those of SQLite's own Unix layer.
    ///
    /// A read that ends early is of the log only: of the database file it says that the file ends there, and SQLite
    /// takes the rest for zeros. A system that lies in that way is beyond what any driver can notice.
    static let all: [Fault] = [
        Fault(kind: WEIR_FAULT_OPEN, code: SQLITE_CANTOPEN),
        Fault(kind: WEIR_FAULT_READ, code: SQLITE_IOERR | 1 << 8),
        Fault(kind: WEIR_FAULT_READ_LOG, code: SQLITE_IOERR | 2 << 8, effect: WEIR_FAULT_HALF),
        Fault(kind: WEIR_FAULT_WRITE, code: SQLITE_IOERR | 3 << 8, effect: WEIR_FAULT_HALF),
        Fault(kind: WEIR_FAULT_WRITE, code: SQLITE_FULL, effect: WEIR_FAULT_HALF),
        Fault(kind: WEIR_FAULT_SYNC, code: SQLITE_IOERR | 4 << 8),
        Fault(kind: WEIR_FAULT_SYNC, code: SQLITE_IOERR | 4 << 8, effect: WEIR_FAULT_DONE),
        Fault(kind: WEIR_FAULT_TRUNCATE, code: SQLITE_IOERR | 6 << 8),
        Fault(kind: WEIR_FAULT_LOCK, code: SQLITE_IOERR | 15 << 8),
        Fault(kind: WEIR_FAULT_SHM_MAP, code: SQLITE_IOERR | 21 << 8),
        Fault(kind: WEIR_FAULT_SHM_LOCK, code: SQLITE_IOERR | 20 << 8),
        Fault(kind: WEIR_FAULT_SHM_LOCK, code: SQLITE_BUSY),
        Fault(kind: WEIR_FAULT_SIZE, code: SQLITE_IOERR | 7 << 8),
        Fault(kind: WEIR_FAULT_DELETE, code: SQLITE_IOERR | 10 << 8),
        Fault(kind: WEIR_FAULT_ACCESS, code: SQLITE_IOERR | 13 << 8),
    ]

    var name: String {
        switch self.kind {
        case WEIR_FAULT_OPEN: "open"
        case WEIR_FAULT_READ: "read"
        case WEIR_FAULT_READ_LOG: "read of the log"
        case WEIR_FAULT_WRITE: "write"
        case WEIR_FAULT_SYNC: "sync"
        case WEIR_FAULT_TRUNCATE: "truncate"
        case WEIR_FAULT_LOCK: "lock"
        case WEIR_FAULT_SHM_MAP: "map of the index"
        case WEIR_FAULT_SHM_LOCK: "lock of the index"
        case WEIR_FAULT_SIZE: "size"
        case WEIR_FAULT_DELETE: "delete"
        default: "access"
        }
    }

    var description: String {
        "\(self.name), code \(self.code), effect \(self.effect.rawValue), \(self.isLasting ? "lasting" : "once")"
    }
}

/// The faults of one directory, for as long as this object lives.
final class FaultPlan: Sendable {
    let directory: TemporaryDirectory
    let number: Int32

    init(_ directory: TemporaryDirectory) throws {
        try #require(weir_fault_install() == SQLITE_OK)
        self.directory = directory
        self.number = weir_fault_begin(directory.path)
        try #require(self.number >= 0, "too many plans at once")
    }

    deinit { weir_fault_end(self.number) }

    /// Fails the nth call from now on.
    func arm(_ fault: Fault, nth: Int64 = 1) {
        weir_fault_arm(self.number, fault.kind, nth, fault.code, fault.effect, fault.isLasting ? 1 : 0)
    }

    func disarm() { weir_fault_disarm(self.number) }

    func calls(_ kind: weir_fault_kind) -> Int64 { weir_fault_calls(self.number, kind) }

    var hits: Int64 { weir_fault_hits(self.number) }

    var configuration: SQLiteConfiguration {
        var configuration = TestDatabase.configuration(self.directory)
        configuration.vfs = "weir-fault"
        return configuration
    }
}
