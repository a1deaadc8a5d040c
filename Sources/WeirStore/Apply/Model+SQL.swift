//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore
import WeirModel

extension Timestamp? {
    var value: SQLValue { self.map { .integer($0.milliseconds) } ?? .null }
}

extension Conclusion? {
    var value: SQLValue { self.map { .integer(Int64($0.rawValue)) } ?? .null }

    init(_ row: any SQLRow, _ column: Int) {
        self = row.optionalInteger(column).flatMap { UInt8(exactly: $0) }.flatMap(Conclusion.init(rawValue:))
    }
}

extension Status {
    /// - Note: Only this store writes the column; an unknown number is a damaged file.
    init(_ row: any SQLRow, _ column: Int) {
        guard let status = UInt8(exactly: row.integer(column)).flatMap(Status.init(rawValue:)) else {
            preconditionFailure("status \(row.integer(column)) in the database is unknown: the file is damaged")
        }
        self = status
    }
}

extension Precedence {
    init(_ row: any SQLRow, first column: Int, attempt: Int64) {
        guard let stage = UInt8(exactly: row.integer(column)).flatMap(Stage.init(rawValue:)) else {
            preconditionFailure("stage \(row.integer(column)) in the database is unknown: the file is damaged")
        }
        self.init(
            attempt: attempt, stage: stage, time: row.integer(column + 1),
            word: UInt8(truncatingIfNeeded: row.integer(column + 2)),
            digest: UInt64(bitPattern: row.integer(column + 3)))
    }

    var values: [SQLValue] {
        [
            .integer(Int64(self.stage.rawValue)), .integer(self.time), .integer(Int64(self.word)),
            .integer(Int64(bitPattern: self.digest)),
        ]
    }
}

extension SQLRow {
    func time(_ column: Int) -> Timestamp? { self.optionalInteger(column).map(Timestamp.init(milliseconds:)) }

    func span(_ column: Int) -> Receipts.Span? {
        guard let first = self.time(column), let last = self.time(column + 1) else { return nil }
        return Receipts.Span(first: first, last: last)
    }
}
