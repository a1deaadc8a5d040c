//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What was seen of a database and its surroundings; the judgement of it is in ``findings``.
struct DoctorFacts: Sendable {
    /// What the file says of itself.
    struct Header: Sendable, Equatable {
        var applicationID: Int
        var userVersion: Int64
        var journalMode: String
        var autoVacuum: Int
        var pageSize: Int
        var pages: Int
        var freePages: Int
    }

    var path: String
    var applicationID: Int32
    var schemaVersionMax: Int64?
    var fileSystem: FileSystem?
    var freeBytes: Int?
    var directoryMode: UInt32?
    /// The database and the files beside it, with their permission bits.
    var modes: [(path: String, mode: UInt32)] = []
    var fileBytes = 0
    var logBytes = 0
    /// The line of the process that has the lock; nil when no server runs.
    var lockHolder: String?
    var holders = FileHolders()
    /// The name of this program; a process of that name is one of ours.
    var ownName: String?
    /// Files of SQLite's library that this program has loaded.
    var libraries: [String] = []
    /// Those of the process that has the lock.
    var serverLibraries: [String] = []
    var versionNumber = 0
    var version = ""
    /// Times of syncs, ascending.
    var syncs: Result<[Duration], any Error> = .success([])
    var header: Result<Header, any Error> = .success(
        Header(applicationID: 0, userVersion: 0, journalMode: "", autoVacuum: 0, pageSize: 0, pages: 0, freePages: 0))
    /// Settings of a connection as the product opens it.
    var pragmas: Result<[(name: String, value: String)], any Error> = .success([])

    init(path: String, applicationID: Int32) {
        self.path = path
        self.applicationID = applicationID
    }

    /// The number in the lock's line, `process 123`.
    var lockProcess: Int32? {
        self.lockHolder?.split { !$0.isNumber }.first.flatMap { Int32($0) }
    }

    /// The files of SQLite's library among a process's mappings. Source: proc(5).
    static func libraries(_ maps: String) -> [String] {
        var result: Set<String> = []
        for line in maps.split(separator: "\n") {
            guard let start = line.firstIndex(of: "/") else { continue }
            let path = line[start...]
            let name = path[(path.lastIndex(of: "/") ?? start)...]
            if name.contains("sqlite3"), name.contains(".so") { result.insert(String(path)) }
        }
        return result.sorted()
    }
}
