//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A value bound to a statement's placeholder or read from a column.
public enum SQLValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])
}

/// A type whose values can be bound to a statement; ``SQLDecodable`` is the way back.
///
/// A `RawRepresentable` type, such as an enum of strings, only has to say that it conforms.
public protocol SQLBindable {
    /// The value as the engine takes it.
    var sqlValue: SQLValue { get }
}

extension SQLBindable where Self: RawRepresentable, RawValue: SQLBindable {
    public var sqlValue: SQLValue { self.rawValue.sqlValue }
}

extension SQLValue: SQLBindable {
    public var sqlValue: SQLValue { self }
}

extension Int64: SQLBindable {
    public var sqlValue: SQLValue { .integer(self) }
}

extension SQLBindable where Self: FixedWidthInteger {
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

// Every integer type whose values all fit in a column's 64 bits.
extension Int: SQLBindable {}
extension Int8: SQLBindable {}
extension Int16: SQLBindable {}
extension Int32: SQLBindable {}
extension UInt8: SQLBindable {}
extension UInt16: SQLBindable {}
extension UInt32: SQLBindable {}

extension Double: SQLBindable {
    public var sqlValue: SQLValue { .real(self) }
}

extension Bool: SQLBindable {
    public var sqlValue: SQLValue { .integer(self ? 1 : 0) }
}

extension String: SQLBindable {
    public var sqlValue: SQLValue { .text(self) }
}

extension [UInt8]: SQLBindable {
    public var sqlValue: SQLValue { .blob(self) }
}

extension Optional: SQLBindable where Wrapped: SQLBindable {
    public var sqlValue: SQLValue { self?.sqlValue ?? .null }
}
