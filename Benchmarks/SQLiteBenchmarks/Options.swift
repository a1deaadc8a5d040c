//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What the command line asks for.
struct Options: Sendable {
    static let usage = """
        usage: sqlite-bench [--directory DIR] [--filter TEXT,…] [--tasks N,…] [--peers NAME,…] [--seconds S] [--rounds N]
                            [--readers N] [--json FILE] [--quick] [--self-check]
          --directory   where the databases go (default: .build/bench)
          --filter      only cases whose name contains one of these (default: all)
          --tasks       (default: 1,8,64,512)
          --peers       of weir, grdb, grdb_full, raw (default: those of each case)
          --seconds     of a round (default: 1)
          --rounds      of each case, the peers taking turns (default: 5)
          --readers     reader connections of each peer (default: 2)
          --json        write the figures here
          --quick       two rounds of 0.2 s
          --self-check  only check that the peers do the same work, and that a peer that does not is found out
        """

    var directory = ".build/bench"
    var filters: [String] = []
    var tasks = [1, 8, 64, 512]
    var peers: [PeerName]?
    var seconds = 1.0
    var rounds = 5
    var readers = 2
    var json: String?
    var isQuick = false
    var isSelfCheck = false
    let rows: Int64 = 200_000

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            switch name {
            case "--directory": self.directory = try Self.value(name, &rest)
            case "--filter": self.filters = try Self.list(name, &rest)
            case "--tasks": self.tasks = try Self.list(name, &rest).map { try Self.positive(name, $0) }
            case "--peers": self.peers = try Self.list(name, &rest).map { try Self.peer(name, $0) }
            case "--seconds": self.seconds = try Self.positive(name, Self.value(name, &rest))
            case "--rounds": self.rounds = try Self.positive(name, Self.value(name, &rest))
            case "--readers": self.readers = try Self.positive(name, Self.value(name, &rest))
            case "--json": self.json = try Self.value(name, &rest)
            case "--quick": (self.isQuick, self.seconds, self.rounds) = (true, 0.2, 2)
            case "--self-check": self.isSelfCheck = true
            default: throw BenchFailure("\(name) is no option\n\(Self.usage)")
            }
        }
    }

    /// Whether a case of this name is asked for.
    func wants(_ name: String) -> Bool { self.filters.isEmpty || self.filters.contains { name.contains($0) } }

    private static func value(_ name: String, _ rest: inout ArraySlice<String>) throws -> String {
        guard let value = rest.popFirst() else { throw BenchFailure("\(name) needs a value\n\(Self.usage)") }
        return value
    }

    private static func list(_ name: String, _ rest: inout ArraySlice<String>) throws -> [String] {
        try Self.value(name, &rest).split(separator: ",").map(String.init)
    }

    private static func positive<Number: LosslessStringConvertible & Comparable & Numeric>(
        _ name: String, _ text: String
    ) throws -> Number {
        guard let number = Number(text), number > 0 else { throw BenchFailure("\(name) \(text) is no positive number") }
        return number
    }

    private static func peer(_ name: String, _ text: String) throws -> PeerName {
        guard let peer = PeerName(rawValue: text) else {
            throw BenchFailure("\(name) \(text): known are \(PeerName.allCases.map(\.rawValue))")
        }
        return peer
    }
}
