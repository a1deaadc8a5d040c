//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What became of a write that failed.
public enum WriteOutcome: Sendable, Equatable {
    /// Nothing of it is in the database.
    case notCommitted
    /// It may or may not be in the database; ask by an idempotency key.
    case unknown
}

/// A failure reported by an engine.
///
/// The text names the call, the cause and the remedy; bound values stay out of it.
public struct DatabaseError: Error, Sendable, CustomStringConvertible {
    /// The engine's result code. An open set: SQLite's extended result codes.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: Int32

        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// The class of the code: SQLite's primary result code.
        public var primary: Code { Code(rawValue: self.rawValue & 0xff) }

        public var description: String { "\(self.rawValue)" }

        /// A class matches its members: `case .busy` catches `SQLITE_BUSY_SNAPSHOT` too.
        public static func ~= (pattern: Code, value: Code) -> Bool {
            pattern == value || (pattern == pattern.primary && pattern == value.primary)
        }
    }

    /// The engine's code.
    public let code: Code
    /// What was tried: `step`, `open`, `commit`.
    public let operation: String
    /// The engine's words, and the remedy where one is known.
    public let message: String
    /// The statement, without its values.
    public let sql: String?
    /// What became of the write; nil for reads.
    public var outcome: WriteOutcome?

    package init(
        code: Code, operation: String, message: String, sql: String? = nil, outcome: WriteOutcome? = nil
    ) {
        self.code = code
        self.operation = operation
        self.message = message
        self.sql = sql
        self.outcome = outcome
    }

    public var description: String {
        var text = "\(self.operation) failed: \(self.message) (code \(self.code))"
        if let sql = self.sql { text += " in \"\(sql)\"" }
        switch self.outcome {
        case .notCommitted: text += "; nothing was committed"
        case .unknown: text += "; whether it was committed is unknown"
        case nil: break
        }
        return text
    }
}
