//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Foundation
import SQLCore
import TestSupport
import Testing

@testable import SQLiteDriver

/// The judgement: values in, findings out.
@Suite("Doctor, judgement")
struct DoctorJudgementTests {
    /// A database with which all is well.
    private static func sound() -> DoctorFacts {
        var facts = DoctorFacts(path: "/data/weir.db", applicationID: 7)
        facts.schemaVersionMax = 3
        facts.fileSystem = FileSystem(name: "ext4", kind: .local)
        facts.freeBytes = 10 << 30
        facts.directoryMode = 0o755
        facts.modes = [("/data/weir.db", 0o600), ("/data/weir.db-wal", 0o600)]
        facts.fileBytes = 1 << 30
        facts.logBytes = 4 << 20
        facts.lockHolder = "process 100"
        facts.holders = FileHolders(holders: [.init(process: 100, name: "weir"), .init(process: 200, name: "weir")])
        facts.ownName = "weir"
        facts.libraries = ["/usr/lib/libsqlite3.so.0"]
        facts.serverLibraries = facts.libraries
        facts.versionNumber = 3_051_003
        facts.version = "3.51.3"
        facts.syncs = .success(Array(repeating: .microseconds(180), count: 100))
        facts.header = .success(
            .init(
                applicationID: 7, userVersion: 3, journalMode: "wal", autoVacuum: 2, pageSize: 4_096, pages: 262_144,
                freePages: 1_000))
        facts.pragmas = .success([("synchronous", "2")])
        return facts
    }

    private struct Own: Error {}

    private static func header(_ change: (inout DoctorFacts.Header) -> Void) -> @Sendable (inout DoctorFacts) -> Void {
        guard var header = try? Self.sound().header.get() else { preconditionFailure("the sound facts have a header") }
        change(&header)
        return { [header] in $0.header = .success(header) }
    }

    @Test("with a sound database all is well, and every check has its line")
    func allIsWell() {
        let findings = Self.sound().findings
        #expect(findings.allSatisfy { $0.level == .ok && $0.remedy == nil && !$0.text.isEmpty })
        #expect(
            findings.map(\.check) == [
                "file system", "free space", "permissions", "file", "journal mode", "free pages", "settings", "log",
                "sync", "lock", "other processes", "library", "SQLite",
            ])
    }

    private static func syncs(_ microseconds: Int64) -> @Sendable (inout DoctorFacts) -> Void {
        { $0.syncs = .success(Array(repeating: .microseconds(microseconds), count: 100)) }
    }

    /// What is wrong, the check that must say so, how gravely, and in which words.
    private static let wrongs: [(String, SQLiteFinding.Level, [String], @Sendable (inout DoctorFacts) -> Void)] = [
        ("file system", .fail, ["nfs", "network"], { $0.fileSystem = FileSystem.named(0x6969) }),
        ("file system", .fail, ["smb2"], { $0.fileSystem = FileSystem.named(0xfe53_4d42) }),
        ("file system", .fail, ["9p"], { $0.fileSystem = FileSystem.named(0x0102_1997) }),
        ("file system", .warn, ["overlayfs", "container"], { $0.fileSystem = FileSystem.named(0x794c_7630) }),
        ("file system", .warn, ["fuse"], { $0.fileSystem = FileSystem.named(0x6573_5546) }),
        ("file system", .warn, ["tmpfs", "memory"], { $0.fileSystem = FileSystem.named(0x0102_1994) }),
        ("file system", .warn, ["0x1234"], { $0.fileSystem = FileSystem.named(0x1234) }),
        ("file system", .warn, ["does not say"], { $0.fileSystem = nil }),
        ("free space", .warn, ["does not fit"], { $0.freeBytes = 1 << 30 }),
        ("free space", .fail, ["about to fail"], { $0.freeBytes = 10 << 20 }),
        ("permissions", .warn, ["read", "weir.db (644)"], { $0.modes[0].mode = 0o644 }),
        ("permissions", .fail, ["write", "weir.db-wal (622)"], { $0.modes[1].mode = 0o622 }),
        ("permissions", .fail, ["directory"], { $0.directoryMode = 0o777 }),
        ("file", .fail, ["another application"], Self.header { $0.applicationID = 8 }),
        ("file", .fail, ["versions up to 3"], Self.header { $0.userVersion = 4 }),
        (
            "file", .fail, ["no room"],
            {
                $0.header = .failure(
                    DatabaseError(code: .sqliteFull, operation: "step", message: "no room; make some"))
            }
        ),
        ("journal mode", .fail, ["delete"], Self.header { $0.journalMode = "delete" }),
        ("journal mode", .fail, ["auto_vacuum is 0"], Self.header { $0.autoVacuum = 0 }),
        ("free pages", .warn, ["38 %"], Self.header { $0.freePages = 100_000 }),
        ("settings", .fail, ["Own"], { $0.pragmas = .failure(Own()) }),
        ("log", .warn, ["300.0 MiB"], { $0.logBytes = 300 << 20 }),
        ("sync", .warn, ["too good to be true"], Self.syncs(5)),
        ("sync", .warn, ["every answer"], Self.syncs(80_000)),
        ("sync", .warn, ["could not be timed"], { $0.syncs = .failure(Own()) }),
        (
            "other processes", .warn, ["sqlite3 (process 300)", "checkpoint"],
            { $0.holders = FileHolders(holders: [.init(process: 300, name: "sqlite3")]) }
        ),
        ("other processes", .ok, ["7 processes of other users"], { $0.holders = FileHolders(unseen: 7) }),
        ("library", .fail, ["this program", "twice"], { $0.libraries.append("/opt/libsqlite3.so.0") }),
        ("library", .fail, ["the server", "twice"], { $0.serverLibraries.append("/opt/libsqlite3.so.0") }),
        ("lock", .ok, ["no server"], { $0.lockHolder = nil }),
        ("SQLite", .ok, ["3.40.1", "only the writer"], { ($0.versionNumber, $0.version) = (3_040_001, "3.40.1") }),
    ]

    @Test("each thing that is wrong is found by its own check, with its words and a remedy, and by no other")
    func wrong() {
        for (check, level, words, change) in Self.wrongs {
            var facts = Self.sound()
            change(&facts)
            let findings = facts.findings
            let found = findings.filter { $0.check == check }
            #expect(found.count == 1 && found[0].level == level, "\(check): \(found)")
            for word in words { #expect(found[0].text.contains(word), "\(found[0].text)") }
            #expect((found[0].remedy == nil) == (level == .ok), "\(found)")
            #expect(findings.allSatisfy { $0.check == check || $0.level == .ok }, "\(findings)")
        }
    }

    @Test("edges: a fast disk is not a lie, a small file's free pages and a log within bounds are well")
    func edges() {
        for change: (inout DoctorFacts) -> Void in [
            Self.syncs(31), Self.syncs(49_000), { $0.logBytes = 256 << 20 }, { $0.directoryMode = 0o1777 },
            Self.header {
                $0.pages = 100
                $0.freePages = 90
            }, Self.header { $0.userVersion = 0 }, { $0.holders = FileHolders() },
        ] {
            var facts = Self.sound()
            change(&facts)
            #expect(facts.findings.allSatisfy { $0.level == .ok }, "\(facts.findings.filter { $0.level != .ok })")
        }
    }

    @Test("the 99th of a hundred is named, not the longest")
    func percentile() {
        var facts = Self.sound()
        facts.syncs = .success((1...100).map { .microseconds($0 * 100) })
        let text = facts.findings.first { $0.check == "sync" }?.text ?? ""
        let wanted = "half of 100 syncs of 4 KiB took 5000 µs or less, 99 % 9900 µs, the longest 10 ms"
        #expect(text.contains(wanted), "\(text)")
    }

    @Test("libraries are told apart in a list of mappings, each named once")
    func libraries() {
        let maps = """
            7f00-7f01 r--p 00000000 fe:00 12 /usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6
            7f01-7f02 r-xp 00001000 fe:00 12 /usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6
            7f03-7f04 r-xp 00001000 fe:00 13 /opt/other place/libsqlite3.so
            7f05-7f06 rw-p 00000000 fe:00 14 /var/lib/sqlite3/weir.db-shm
            7f07-7f08 rw-p 00000000 00:00 0 [heap]
            """
        #expect(
            DoctorFacts.libraries(maps) == [
                "/opt/other place/libsqlite3.so", "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6",
            ])
    }
}

/// Real files.
@Suite("Doctor", .serialized, .timeLimit(.minutes(2)))
struct DoctorTests {
    private func finding(_ check: String, _ configuration: SQLiteConfiguration) async throws -> SQLiteFinding {
        let findings = try await SQLiteDoctor(configuration).examine()
        return try #require(findings.first { $0.check == check })
    }

    /// This process's locks on SQLite's own files.
    private func locks(_ path: String) throws -> [Substring] {
        let inodes = [path, path + "-shm", path + ".lock"].compactMap { FileFacts($0)?.identity.inode }
        return try #require(SystemFile.text("/proc/locks")).split(separator: "\n").filter { line in
            inodes.contains { line.contains(":\($0) ") }
        }.map { $0.drop { $0 != " " } }
    }

    @Test("beside an open database it reads, changes nothing, and no lock is dropped")
    func besideServer() async throws {
        try await TestDatabase.with { test async throws in
            _ = try await test.database.write(Lease("write")) { try $0.execute("INSERT INTO t (value) VALUES (1)") }
            let names = try FileManager.default.contentsOfDirectory(atPath: test.directory.path).sorted()
            let before = try self.locks(test.path).sorted()
            #expect(before.count >= 2)
            let findings = try await SQLiteDoctor(test.database.configuration).examine()
            for finding in findings { print(finding.level, finding.check, finding.text) }
            #expect(findings.allSatisfy { $0.level != .fail })
            #expect(findings.first { $0.check == "lock" }?.text == "in use by process \(getpid())")
            let settings = findings.first { $0.check == "settings" }?.text ?? ""
            #expect(settings.contains("synchronous 2, wal_autocheckpoint 0"))
            #expect(try self.locks(test.path).sorted() == before)
            #expect(throws: DatabaseError.self) { try ProcessLock(path: test.path + ".lock", holder: "second") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: test.directory.path).sorted() == names)
            #expect(try await test.count() == 1)
        }
    }

    @Test("a missing file is an error that says so, and nothing is made")
    func missing() async throws {
        let directory = try TemporaryDirectory()
        await #expect {
            _ = try await SQLiteDoctor(TestDatabase.configuration(directory)).examine()
        } throws: { ($0 as? DatabaseError)?.description.contains("no such file") ?? false }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test(
        "what is wrong with a real file is found: no database, another's, another mode, open to others, open elsewhere")
    func wrong() async throws {
        let directory = try TemporaryDirectory()
        var configuration = TestDatabase.configuration(directory)
        try Data("a letter, not a database, and long enough to be told apart".utf8).write(
            to: URL(filePath: configuration.path))
        #expect(try await self.finding("file", configuration).level == .fail)
        try FileManager.default.removeItem(atPath: configuration.path)
        let connection = try SQLiteConnection(configuration, role: .writer)
        try connection.control("CREATE TABLE t (id INTEGER)")
        #expect(try await self.finding("journal mode", configuration).level == .ok)
        try connection.control("PRAGMA journal_mode=DELETE")
        connection.close()
        #expect(try await self.finding("journal mode", configuration).text.hasPrefix("delete"))
        #expect(try await self.finding("settings", configuration).level == .fail)
        configuration.applicationID = 5
        #expect(try await self.finding("file", configuration).text.contains("another application"))
        chmod(configuration.path, 0o644)
        #expect(try await self.finding("permissions", configuration).level == .warn)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "exec 3<'\(configuration.path)'; echo ready; exec sleep 60"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        defer { kill(process.processIdentifier, SIGKILL) }
        _ = try await onThread { pipe.fileHandleForReading.availableData }
        #expect(
            try await eventually {
                try await self.finding("other processes", configuration).text
                    .contains("sleep (process \(process.processIdentifier))")
            })
    }
}
