//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A type that a column can become: the counterpart of ``SQLBindable``.
///
/// Conversions lose nothing: an integer becomes any integer type that can hold it, a `Bool` when it is 0 or 1, and a
/// `Double` when that is exact. Everything else is what it is. A `RawRepresentable` type, such as an enum of strings,
/// only has to say that it conforms.
public protocol SQLDecodable {
    /// Reads a column.
    ///
    /// - Parameters:
    ///   - row: The row.
    ///   - column: The position of a column that exists.
    /// - Returns: Nil when the column holds something else, null included.
    static func decode(from row: any SQLRow, at column: Int) -> Self?
}

extension SQLDecodable where Self: FixedWidthInteger {
    @inlinable
    public static func decode(from row: any SQLRow, at column: Int) -> Self? {
        row.kind(column) == .integer ? Self(exactly: row.integer(column)) : nil
    }
}

extension SQLDecodable where Self: RawRepresentable, RawValue: SQLDecodable {
    @inlinable
    public static func decode(from row: any SQLRow, at column: Int) -> Self? {
        RawValue.decode(from: row, at: column).flatMap(Self.init(rawValue:))
    }
}

extension Int: SQLDecodable {}
extension Int8: SQLDecodable {}
extension Int16: SQLDecodable {}
extension Int32: SQLDecodable {}
extension Int64: SQLDecodable {}
extension UInt: SQLDecodable {}
extension UInt8: SQLDecodable {}
extension UInt16: SQLDecodable {}
extension UInt32: SQLDecodable {}
extension UInt64: SQLDecodable {}

extension Bool: SQLDecodable {
    @inlinable
    public static func decode(from row: any SQLRow, at column: Int) -> Bool? {
        switch Int64.decode(from: row, at: column) {
        case 0: false
        case 1: true
        default: nil
        }
    }
}

extension Double: SQLDecodable {
    @inlinable
    public static func decode(from row: any SQLRow, at column: Int) -> Double? {
        switch row.kind(column) {
        case .real: row.real(column)
        // SQLite keeps a whole number in a column without a type, or of type NUMERIC, as an integer.
        case .integer: Double(exactly: row.integer(column))
        default: nil
        }
    }
}

extension String: SQLDecodable {
    @inlinable
    public static func decode(from row: any SQLRow, at column: Int) -> String? {
        row.kind(column) == .text ? row.text(column) : nil
    }
}

extension [UInt8]: SQLDecodable {
    @inlinable
    public static func decode(from row: any SQLRow, at column: Int) -> [UInt8]? {
        row.kind(column) == .blob ? row.blob(column) : nil
    }
}

extension SQLValue: SQLDecodable {
    @inlinable
    public static func decode(from row: any SQLRow, at column: Int) -> SQLValue? {
        switch row.kind(column) {
        case .null: .null
        case .integer: .integer(row.integer(column))
        case .real: .real(row.real(column))
        case .text: .text(row.text(column))
        case .blob: .blob(row.blob(column))
        case nil: nil
        }
    }
}

extension Optional: SQLDecodable where Wrapped: SQLDecodable {
    @inlinable
    public static func decode(from row: any SQLRow, at column: Int) -> Wrapped?? {
        if row.kind(column) == .null { return .some(nil) }
        return Wrapped.decode(from: row, at: column).map { $0 }
    }
}
