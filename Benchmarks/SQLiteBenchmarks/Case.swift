//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CSQLiteBench

/// A row of the table, at each number of tasks.
struct Case: Sendable {
    let name: String
    let kind: Kind
    let peers: [PeerName]
    /// Whether each fsync takes 2 ms longer.
    var isSlow = false

    /// Microseconds that a slow case adds to each xSync: a disk of a cloud machine instead of a virtual one's cache.
    static let slowDelay: UInt32 = 2_000

    /// Every case, those that only read first: the others move pages to the log.
    static let all: [Case] =
        [
            Case(name: "empty lease", kind: .emptyLease, peers: reading),
            Case(name: "point read", kind: .pointRead, peers: reading),
            Case(name: "25-row read", kind: .pageRead, peers: reading),
            Case(name: "10,000-row scan", kind: .scan, peers: reading),
        ] + durable + durable.map { Case(name: "\($0.name), fsync +2 ms", kind: $0.kind, peers: writing, isSlow: true) }

    private static let reading: [PeerName] = [.weir, .grdb, .raw]
    private static let writing = PeerName.allCases
    private static let durable = [
        Case(name: "single-row transaction", kind: .singleWrite, peers: writing),
        Case(name: "10-statement transaction", kind: .tenWrites, peers: writing),
        Case(name: "mixed 90/10", kind: .mixed, peers: writing),
    ]
}

/// The peers of a run, each with a file of its own that holds the same rows; opened when first asked for.
final class Peers {
    private let options: Options
    private let isSlow: Bool
    private var opened: [PeerName: any Peer] = [:]

    init(_ options: Options, isSlow: Bool = false) {
        self.options = options
        self.isSlow = isSlow
    }

    /// The peer, with its caches warm: each reader has read the whole table.
    subscript(_ name: PeerName) -> any Peer {
        get async throws {
            if let peer = self.opened[name] { return peer }
            let peer = try await self.open(name)
            self.opened[name] = peer
            let seconds = self.options.isQuick ? 0.2 : 1
            _ = try await peer.run(.scan, Load(tasks: 2 * self.options.readers, seconds: seconds))
            return peer
        }
    }

    func close() async throws {
        for peer in self.opened.values { try await peer.close() }
        self.opened.removeAll()
    }

    private func open(_ name: PeerName) async throws -> any Peer {
        let setup = PeerSetup(
            path: Self.fill(self.file(name), self.options), rows: self.options.rows, readers: self.options.readers,
            isFull: name.isFull, isSlow: self.isSlow)
        return switch name {
        case .weir: try await WeirPeer(setup)
        case .grdb, .grdbFull: try GRDBPeer(setup)
        case .raw: RawPeer(setup)
        }
    }

    private func file(_ name: PeerName) -> String { name.rawValue + (self.isSlow ? "-slow" : "") }

    /// How many updates the peer's file holds, asked on a connection beside the peer's.
    func attempts(_ name: PeerName) -> Int64 {
        weir_bench_integer(Self.path(self.file(name), self.options), "SELECT sum(attempts) FROM jobs")
    }

    private static func path(_ name: String, _ options: Options) -> String { "\(options.directory)/\(name).db" }

    /// Makes a new database and returns its path.
    static func fill(_ name: String, _ options: Options) -> String {
        let path = self.path(name, options)
        for suffix in ["", "-wal", "-shm", ".lock"] { removeFile(path + suffix) }
        weir_bench_fill(path, options.rows, PeerSetup.applicationID)
        return path
    }
}
