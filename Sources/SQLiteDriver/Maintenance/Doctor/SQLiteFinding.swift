//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What one check of ``SQLiteDoctor`` found.
public struct SQLiteFinding: Sendable, Equatable {
    public enum Level: Int, Sendable, Comparable {
        /// As it should be.
        case ok
        /// It works, and may not for long, or not as well as it could.
        case warn
        /// What is promised does not hold.
        case fail

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    public var level: Level
    /// A constant name of the check, such as `file system`.
    public var check: String
    /// What is, in one line.
    public var text: String
    /// What to do; nil when all is well.
    public var remedy: String?

    public init(_ level: Level, _ check: String, _ text: String, remedy: String? = nil) {
        self.level = level
        self.check = check
        self.text = text
        self.remedy = remedy
    }
}
