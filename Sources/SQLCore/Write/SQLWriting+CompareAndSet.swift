//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension SQLWriting {
    /// Runs a conditional update and says whether it won.
    ///
    /// The statement names one row by its key and what must still hold of it:
    /// `UPDATE jobs SET state = 'cancelled' WHERE id = \(id) AND state = 'running'`. Of several that race exactly one
    /// finds the condition true, since writes run one after the other; the others change nothing and get false.
    /// `INSERT … ON CONFLICT DO NOTHING` and `DELETE` work the same way.
    ///
    /// - Returns: True when it changed its row; false when the row is not there or the condition no longer holds.
    /// - Throws: ``TooManyRowsError`` when it changed more than one row; let it end the closure, which undoes them.
    public func compareAndSet(_ sql: SQL) throws -> Bool {
        let changed = try self.execute(sql)
        guard changed <= 1 else { throw TooManyRowsError(changed: changed, sql: sql.text) }
        return changed == 1
    }
}

/// A conditional update changed more than one row.
public struct TooManyRowsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// How many rows it changed.
    public let changed: Int
    /// The statement, without its values.
    public let sql: String

    public var description: String {
        "compareAndSet changed \(self.changed) rows instead of one in \"\(self.sql)\": "
            + "name the row by its key in the WHERE; nothing is committed when this error ends the closure"
    }
}
