//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

@testable import WeirLoad

@Suite("Ledger")
struct LoadLedgerTests {
    private static let statuses: [UInt16] = [202, 503, LedgerEntry.noAnswer, LedgerEntry.notSent, 413]

    private let entries = (0..<1_000).map { (number: Int) -> LedgerEntry in
        LedgerEntry(
            send: UInt32(number * 3), attempt: UInt16(number % 5), status: Self.statuses[number % 5],
            microseconds: UInt32(number * 77))
    }

    private func write(_ path: String) throws -> LoadParameters {
        let parameters = LoadFixture.parameters()
        let writer = try LoadLedgerWriter(path: path, parameters)
        for entry in self.entries { try writer.append(entry) }
        try writer.flush()
        return parameters
    }

    private func read(_ ledger: LoadLedger) -> [LedgerEntry] {
        var read: [LedgerEntry] = []
        ledger.forEach { read.append($0) }
        return read
    }

    @Test("What was written is read: parameters and entries")
    func roundTrip() throws {
        let directory = try TemporaryDirectory()
        let parameters = try self.write(directory.file("a.ledger"))
        let ledger = try LoadLedger(path: directory.file("a.ledger"))
        #expect(ledger.parameters == parameters)
        #expect(self.read(ledger) == self.entries)
    }

    @Test("A tail that was half written is passed over, wherever the generator was killed", arguments: 1..<25)
    func truncated(bytes: Int) throws {
        let directory = try TemporaryDirectory()
        _ = try self.write(directory.file("a.ledger"))
        let whole = try Data(contentsOf: URL(filePath: directory.file("a.ledger")))
        let ledger = try LoadLedger(whole.dropLast(bytes).withUnsafeBytes { Data($0) }, name: "a")
        #expect(self.read(ledger) == Array(self.entries.dropLast((bytes + 11) / 12)))
    }

    @Test("What is gathered reaches the file when it is flushed, and by itself when it is much")
    func flushing() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("a.ledger")
        let writer = try LoadLedgerWriter(path: path, LoadFixture.parameters())
        try writer.append(self.entries[0])
        #expect(try LoadLedger(path: path).count == 0)
        try writer.flush()
        #expect(try LoadLedger(path: path).count == 1)
        for entry in Array(repeating: self.entries[1], count: 30_000) { try writer.append(entry) }
        #expect(try LoadLedger(path: path).count > 20_000)
    }

    @Test("A ledger is never written over")
    func existing() throws {
        let directory = try TemporaryDirectory()
        _ = try self.write(directory.file("a.ledger"))
        #expect(throws: LoadError.self) { try self.write(directory.file("a.ledger")) }
    }

    @Test("A file of another kind, or of another version, is refused by name")
    func foreign() throws {
        var other = try LoadLedger.head(LoadFixture.parameters())
        other[8] = 9
        for bytes in [[], Array("WEIRLOAD".utf8), Array(repeating: 7, count: 100), other] {
            let error = #expect(throws: LoadError.self) { try LoadLedger(Data(bytes), name: "some.file") }
            #expect(error?.description.contains("some.file") == true)
        }
    }

    @Test("202 means applied, refusals and what was never sent mean absent, the rest is unknown")
    func meanings() {
        let meanings = [202, 200, 400, 401, 413, 422, LedgerEntry.notSent, 500, 503, LedgerEntry.noAnswer].map {
            LedgerEntry(send: 0, attempt: 0, status: $0, microseconds: 0).meaning
        }
        #expect(
            meanings == [.applied, .absent, .absent, .absent, .absent, .absent, .absent, .unknown, .unknown, .unknown])
    }
}
