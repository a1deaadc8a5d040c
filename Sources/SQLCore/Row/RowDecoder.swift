//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension SQLRow {
    /// The whole row as a value: each property from the column of its name.
    ///
    /// A convenience, at about five times the cost of positions (1,100 ns for a row of 4 columns). The rules:
    /// - every property needs its column, optional ones too (`NULL AS note`); columns without a property are ignored;
    /// - names are compared exactly; `CodingKeys` or `AS` rename;
    /// - a property is of a type that conforms to ``SQLDecodable``, an enum with such a raw value, or an optional of
    ///   one;
    /// - no other type has a rule built in, `Date` least of all: keep a time as `Int64` milliseconds, or say yourself,
    ///   by ``SQLDecodable``, what becomes of it. Arrays, dictionaries and nested values are errors;
    /// - a type that a column can become is read from the only column of a result: `SELECT name FROM jobs` as `String`.
    ///
    /// - Throws: ``ColumnError``, and what the type's own `init(from:)` throws.
    public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let value = try columnValue(type, from: self, at: try self.onlyColumn(for: type)) { return value }
        return try Value(from: RowDecoder(row: self, wanted: type))
    }

    private func onlyColumn(for type: Any.Type) throws(ColumnError) -> Int {
        guard self.columns.names.count == 1 else {
            throw ColumnError(column: "0", reason: .nested(wanted: "\(type)"))
        }
        return 0
    }
}

extension SQLReading {
    /// All rows, each as a value: ``SQLRow/decode(_:)`` has the rules.
    public func rows<Value: Decodable>(_ sql: SQL, as type: Value.Type) throws -> [Value] {
        try self.rows(sql) { try $0.decode(type) }
    }

    /// The first row as a value, or nil: ``SQLRow/decode(_:)`` has the rules.
    public func row<Value: Decodable>(_ sql: SQL, as type: Value.Type) throws -> Value? {
        try self.row(sql) { try $0.decode(type) }
    }
}

/// Reads a column as a type, if it is one that a column can become.
///
/// - Returns: Nil when it is not; the column is not looked for then.
private func columnValue<Value>(
    _ type: Value.Type, from row: any SQLRow, at column: @autoclosure () throws(ColumnError) -> Int
) throws(ColumnError) -> Value? {
    // Both names are the same type; only the compiler does not know.
    func read<Column: SQLDecodable>(_: Column.Type) throws(ColumnError) -> Value? {
        try row.value(try column(), as: Column.self) as? Value
    }
    func readRaw<Raw: RawRepresentable>(_: Raw.Type) throws(ColumnError) -> Value? {
        guard let rawType = Raw.RawValue.self as? any SQLDecodable.Type else { return nil }
        let position = try column()
        guard let value = rawValue(rawType, at: position) as? Raw.RawValue, let result = Raw(rawValue: value) else {
            throw ColumnError(
                column: row.columns.names[position],
                reason: .mismatch(holds: row.kind(position) ?? .null, wanted: "\(Raw.self)"))
        }
        return result as? Value
    }
    func rawValue<Raw: SQLDecodable>(_: Raw.Type, at position: Int) -> Raw? { Raw.decode(from: row, at: position) }

    if let type = type as? any SQLDecodable.Type { return try read(type) }
    if let type = type as? any RawRepresentable.Type { return try readRaw(type) }
    return nil
}

/// A row as `Codable` sees it: a keyed container.
private struct RowDecoder: Decoder {
    let row: any SQLRow
    let wanted: Any.Type

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(RowContainer(row: self.row, columns: self.row.columns))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw self.nested }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw self.nested }

    private var nested: ColumnError { ColumnError(column: "0", reason: .nested(wanted: "\(self.wanted)")) }
}

/// The columns of a row under the names of a type's properties.
private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let row: any SQLRow
    let columns: SQLColumns

    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { self.columns.names.compactMap(Key.init(stringValue:)) }

    /// Always true: a property without a column is an error, which the read that follows throws, and not nil.
    func contains(_ key: Key) -> Bool { true }

    func decodeNil(forKey key: Key) throws -> Bool { self.row.isNull(try self.columns.position(of: key.stringValue)) }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try self.value(key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try self.value(key) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try self.value(key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try self.value(key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try self.value(key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try self.value(key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try self.value(key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try self.value(key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try self.value(key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try self.value(key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try self.value(key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try self.value(key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try self.value(key) }

    /// Refused: the engines keep 64 bits, and a conversion would lose some.
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        throw ColumnError(column: key.stringValue, reason: .notColumnType("Float"))
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        guard let value = try columnValue(type, from: self.row, at: try self.columns.position(of: key.stringValue))
        else { throw ColumnError(column: key.stringValue, reason: .notColumnType("\(type)")) }
        return value
    }

    @inline(__always)
    private func value<Value: SQLDecodable>(_ key: Key) throws(ColumnError) -> Value {
        try self.row.value(try self.columns.position(of: key.stringValue))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { throw self.nested(key) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw self.nested(key) }

    func superDecoder() throws -> any Decoder { throw ColumnError(column: "super", reason: .nested(wanted: "super")) }

    func superDecoder(forKey key: Key) throws -> any Decoder { throw self.nested(key) }

    private func nested(_ key: Key) -> ColumnError {
        ColumnError(column: key.stringValue, reason: .nested(wanted: "a container inside \"\(key.stringValue)\""))
    }
}
