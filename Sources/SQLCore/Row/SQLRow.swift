//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What a column holds, whatever it was declared as.
public enum SQLKind: String, Sendable, CaseIterable {
    case null
    case integer
    case real
    case text
    case blob
}

/// One row of a result, valid until the closure that got it returns.
///
/// Columns count from zero. There are three ways to read one:
/// - by position, unchecked: ``integer(_:)``, ``text(_:)`` and their like. The quickest. A null read as a non-optional
///   is zero or empty and a value of another kind is converted, as the engines' C interfaces have it; use
///   ``isNull(_:)`` or the optional forms where null means something;
/// - checked: ``value(_:as:)-(Int,_)`` by position, ``value(_:as:)-(String,_)`` by name. A missing column, a null and a
///   value of another kind are each a ``ColumnError``;
/// - as a whole: ``decode(_:)``.
public protocol SQLRow {
    /// The names of the columns. Made when they are first asked for, once for all rows and runs of a statement.
    var columns: SQLColumns { get }
    /// What the column holds, or nil when there is no such column. To be asked before a conversion, not after one.
    func kind(_ column: Int) -> SQLKind?
    /// Whether the column is null.
    func isNull(_ column: Int) -> Bool
    /// The column as an integer.
    func integer(_ column: Int) -> Int64
    /// The column as a floating-point number.
    func real(_ column: Int) -> Double
    /// The column as text.
    func text(_ column: Int) -> String
    /// The column as bytes.
    func blob(_ column: Int) -> [UInt8]
    /// Lends the column's text to `body` as UTF-8, without a copy; null is empty.
    ///
    /// The bytes are the engine's, and are not checked: a file may hold text that is no UTF-8. The compiler keeps them
    /// inside the closure. Inside it, do not read the same column in another form, which may move it.
    func withText<Result, Failure: Error>(
        _ column: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result
    /// Lends the column's bytes to `body`, without a copy; null is empty.
    ///
    /// The compiler keeps them inside the closure. Inside it, do not read the same column in another form, which may
    /// move it.
    func withBlob<Result, Failure: Error>(
        _ column: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result
}

extension SQLRow {
    /// The column as an integer, or nil for null.
    public func optionalInteger(_ column: Int) -> Int64? { self.isNull(column) ? nil : self.integer(column) }
    /// The column as a number, or nil for null.
    public func optionalReal(_ column: Int) -> Double? { self.isNull(column) ? nil : self.real(column) }
    /// The column as text, or nil for null.
    public func optionalText(_ column: Int) -> String? { self.isNull(column) ? nil : self.text(column) }
    /// The column as bytes, or nil for null.
    public func optionalBlob(_ column: Int) -> [UInt8]? { self.isNull(column) ? nil : self.blob(column) }

    /// The column at a position, checked.
    ///
    /// Inlined, as are the conversions, so that the compiler knows the type: a row of 4 columns costs 290 ns instead of
    /// 570, and 210 by the unchecked methods.
    ///
    /// - Throws: ``ColumnError`` when there is no such column, or when it holds what the type cannot be.
    @inlinable
    @inline(__always)
    public func value<Value: SQLDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(ColumnError) -> Value {
        guard let value = Value.decode(from: self, at: column) else { throw self.mismatch(column, type) }
        return value
    }

    /// The column of a name, checked.
    ///
    /// Names are compared exactly, upper and lower case apart.
    ///
    /// - Throws: ``ColumnError`` when no column or more than one has the name, or when it holds what the type cannot
    ///   be.
    /// - Complexity: One look-up in a dictionary, some 40 ns; in a long loop use the position, which ``columns`` knows.
    @inlinable
    @inline(__always)
    public func value<Value: SQLDecodable>(
        _ name: String, as type: Value.Type = Value.self
    ) throws(ColumnError) -> Value {
        try self.value(try self.columns.position(of: name), as: type)
    }

    /// The error of a column that could not become a type.
    @usableFromInline
    func mismatch(_ column: Int, _ wanted: Any.Type) -> ColumnError {
        guard let kind = self.kind(column) else {
            return ColumnError(column: "\(column)", reason: .missing(columns: self.columns.names))
        }
        return ColumnError(column: self.columns.names[column], reason: .mismatch(holds: kind, wanted: "\(wanted)"))
    }
}
