//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

/// A load's ledger as it was read: what every delivery follows from, and the answers.
///
/// The file begins with the bytes `WEIRLOAD`, the version of the format and the length of what follows, both 32 bits,
/// little endian as everything here; then the load's parameters as JSON; then an entry of 12 bytes per answer.
package struct LoadLedger: Sendable {
    package let parameters: LoadParameters
    private let data: Data
    private let start: Int

    private static let magic = Array("WEIRLOAD".utf8)
    private static let version: UInt32 = 1

    /// Reads a ledger. An entry that a killed generator left half written is passed over.
    ///
    /// - Throws: ``LoadError`` for a file that is none, or of another version.
    package init(path: String) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        } catch {
            throw LoadError("the ledger \(path) cannot be read; see that it exists and may be read")
        }
        try self.init(data, name: path)
    }

    init(_ data: Data, name: String) throws {
        let head = Array(data.prefix(16))
        guard head.count == 16, head.starts(with: Self.magic) else {
            throw LoadError("\(name) is not a ledger; name the file that weir load --ledger has written")
        }
        let version = Self.number(head[8..<12])
        let start = 16 + Int(Self.number(head[12..<16]))
        guard version == Self.version, data.count >= start,
            let parameters = try? JSONDecoder().decode(LoadParameters.self, from: data[16..<start]),
            parameters.planVersion == LoadParameters.planVersion
        else {
            throw LoadError(
                "the ledger \(name) is of another version, or damaged; verify it with the program that wrote it")
        }
        self.parameters = parameters
        self.data = data
        self.start = start
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The bytes before the first entry.
    static func head(_ parameters: LoadParameters) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(parameters)
        var bytes = Self.magic
        withUnsafeBytes(of: Self.version.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(json.count).littleEndian) { bytes.append(contentsOf: $0) }
        return bytes + json
    }

    /// How many answers it holds.
    package var count: Int { (self.data.count - self.start) / LedgerEntry.bytes }

    /// Hands each entry to `body`, in the order in which the answers came.
    package func forEach(_ body: (LedgerEntry) -> Void) {
        self.data.withUnsafeBytes { bytes in
            for index in 0..<self.count {
                let start = self.start + index * LedgerEntry.bytes
                body(LedgerEntry(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + LedgerEntry.bytes)])))
            }
        }
    }
}
