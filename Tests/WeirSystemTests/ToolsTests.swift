//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Foundation
import Glibc
import SQLCore
import SQLiteDriver
import TestSupport
import Testing
import WeirServer
import WeirStore

/// The commands about a database file, through the real program.
@Suite("Tools", .serialized, .timeLimit(.minutes(5)))
struct ToolsTests {
    /// Sends deliveries until told to stop.
    ///
    /// - Returns: Those that were acknowledged, in order.
    private static func send(
        _ port: Int, from first: Int64, until isDone: Flag, _ onAnswer: () -> Void
    ) throws -> [String] {
        let client = try HTTPClient(port: port)
        var ids: [String] = []
        var job = first
        while !isDone.isSet {
            let body = TestWebhook.job(id: job, run: job / 5, status: "queued", created: 1_800_000_000)
            let webhook = TestWebhook(event: "workflow_job", body: body)
            guard try webhook.post(client).status == 202 else { break }
            ids.append(webhook.delivery)
            onAnswer()
            job += 1
        }
        return ids
    }

    /// The file of a stopped server, with rows in a table of the test's own: some megabytes.
    private static func filled(_ path: String, rows: Int) async throws {
        let database = try await SQLiteDatabase.open(Self.configuration(path))
        _ = try await WeirStore.open(database)
        _ = try await database.write(Lease("fill", timeout: .seconds(60))) { db in
            try db.execute("CREATE TABLE filling (id INTEGER PRIMARY KEY, text TEXT)")
            try db.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < \(rows))
                INSERT INTO filling (text) SELECT printf('%02000d', i) FROM n
                """)
        }
        await database.close()
    }

    private static func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

    // MARK: - Backup and restore

    @Test("a backup made under load holds what was acknowledged before it, restored and asked through the board")
    func backupUnderLoad() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let copy = directory.file("copy.db")
        let server = try await ServerProcess.start(database: path)
        let port = server.port
        let isDone = Flag()
        let enough = Flag()
        let (status, output) = try await withThrowingTaskGroup(of: [String].self) { group in
            for sender in Int64(0)..<4 {
                group.addTask {
                    try await onThread {
                        var count = 0
                        return try Self.send(port, from: 1 + sender * 1_000_000, until: isDone) {
                            count += 1
                            if count == 100, sender == 0 { enough.set() }
                        }
                    }
                }
            }
            #expect(try await eventually { enough.isSet })
            // Known to be acknowledged: the board itself says so.
            let before = try await server.json("/api/summary")["queued"] as? Int ?? 0
            #expect(before >= 100)
            let result = try await ServerProcess.run(["backup", "--database", "sqlite:\(path)", copy])
            isDone.set()
            var acknowledged = 0
            for try await ids in group { acknowledged += ids.count }
            #expect(acknowledged > before)
            // Onto another path, and served from there.
            let restored = directory.file("restored.db")
            let (status, output) = try await ServerProcess.run(["restore", "--database", restored, copy])
            #expect(status == 0 && output.contains("restored"), "\(output)")
            let second = try await ServerProcess.start(database: restored)
            let found = try await second.json("/api/summary")["queued"] as? Int ?? 0
            #expect(found >= before && found <= acknowledged)
            #expect(try await second.stop() == 0)
            return result
        }
        #expect(status == 0)
        #expect(output.contains("copying: 100 %") && output.contains("backed up") && output.contains(copy), "\(output)")
        // Not a terminal: whole lines, none drawn anew.
        #expect(!output.contains("\u{1b}") && !output.contains("\r"))
        #expect(try await server.stop() == 0)
    }

    @Test("a restore over a running server names it; over a stopped one it keeps what was there")
    func restore() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let copy = directory.file("copy.db")
        let server = try await ServerProcess.start(database: path)
        let environment = ["WEIR_DATABASE": "sqlite:\(path)"]
        #expect(try await ServerProcess.run(["backup", copy], environment: environment).status == 0)
        let tool = ["backup", "--database", path]
        let again = try await ServerProcess.run(tool + [copy])
        #expect(again.status == 1 && again.output.hasPrefix("weir: ") && again.output.contains("exists"))
        #expect(Self.lines(again.output).count == 1)
        #expect(try await ServerProcess.run(tool + ["--overwrite", "--full-check", copy]).status == 0)
        let refused = try await ServerProcess.run(["restore", "--database", path, copy])
        #expect(refused.status == 1 && refused.output.contains("process \(server.processID)"), "\(refused.output)")
        #expect(try await server.get("/readyz").status == 200)
        #expect(try await server.stop() == 0)
        let (status, output) = try await ServerProcess.run(["restore", "--database", "sqlite:\(path)", copy])
        #expect(status == 0)
        let kept = try #require(Self.lines(output).last).split(separator: " ").last.map(String.init)
        #expect(kept.map { FileManager.default.fileExists(atPath: $0) } ?? false, "\(output)")
        #expect(try await ServerProcess.run(["restore", "--database", path, "--discard-old", copy]).status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(names.count { $0.contains(".before-restore-") } == 2, "the first old one and its log: \(names)")
        let last = try await ServerProcess.start(database: path)
        #expect(try await last.stop() == 0)
    }

    @Test("what cannot be read is refused in one line that says what is accepted; help shows an example")
    func words() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("none.db")
        for (arguments, environment, words) in [
            (["backup", "--database", path, "x"], [:], ["none.db", "no such file"]),
            (["restore", "--database", path, path + ".backup"], [:], ["none.db.backup", "no such file"]),
            (["backup", "--database", "postgres://x", "x"], [:], ["--database", "sqlite:PATH"]),
            (["backup", "--database", path, "--timeout", "soon", "x"], [:], ["--timeout", "soon", "30m"]),
            (["backup", "x"], ["WEIR_DATABSE": "x"], ["WEIR_DATABSE", "unknown"]),
            (["backup", "--config", "/nonexistent.json", "x"], [:], ["/nonexistent.json"]),
        ] as [([String], [String: String], [String])] {
            let (status, output) = try await ServerProcess.run(arguments, environment: environment)
            #expect(status == 1 && Self.lines(output).count == 1 && output.hasPrefix("weir: "), "\(output)")
            for word in words { #expect(output.contains(word), "\(output)") }
        }
        for (command, words) in [
            ("backup", ["weir backup --overwrite", "--full-check", "WEIR_DATABASE"]),
            ("restore", ["weir restore --database", "--discard-old", "before-restore"]),
            ("doctor", ["weir doctor --json", "exit status is 0"]),
        ] {
            let (status, output) = try await ServerProcess.run([command, "--help"])
            #expect(status == 0)
            let flat = output.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " ")
            for word in words { #expect(flat.contains(word), "\(command): \(word)") }
        }
    }

    @Test("SIGINT ends a backup with a word, and nothing is left behind")
    func interrupted() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let copy = directory.file("copy.db")
        try await Self.filled(path, rows: 60_000)
        let process = Process()
        process.executableURL = ServerProcess.program
        process.arguments = ["backup", "--database", path, "--full-check", copy]
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = pipe
        try process.run()
        #expect(
            try await eventually {
                FileManager.default.fileExists(atPath: copy + ".partial") || !process.isRunning
            })
        kill(process.processIdentifier, SIGINT)
        let output = try await onThread { pipe.fileHandleForReading.readDataToEndOfFile() }
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
        #expect(String(decoding: output, as: UTF8.self).contains("weir: interrupted; nothing was left behind"))
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(names.allSatisfy { !$0.hasPrefix("copy") })
    }

    @Test("a copy is on disk before it has its name, and its name before the command ends")
    func syncs() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let copy = directory.file("copy.db")
        let trace = directory.file("trace")
        try await Self.filled(path, rows: 1_000)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync,/^rename,pwrite64", "-o", trace]
            + [ServerProcess.program.path(), "backup", "--database", path, copy]
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let lines = Self.lines(try String(contentsOfFile: trace, encoding: .utf8)).map(String.init)
        #expect(Self.isDurable(lines, copy))
        // Controls: the same look at a trace without one of the syncs.
        let partial = "<\(copy).partial>"
        #expect(!Self.isDurable(lines.filter { !($0.contains("sync(") && $0.contains(partial)) }, copy))
        let parent = "<\(directory.path)>"
        #expect(!Self.isDurable(lines.filter { !($0.contains("sync(") && $0.contains(parent)) }, copy))
    }

    /// Whether a trace shows, in this order: the last write to the copy, its sync, its renaming, its directory's sync.
    private static func isDurable(_ trace: [String], _ copy: String) -> Bool {
        let partial = "<\(copy).partial>"
        let parent = "<\(copy.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 })>"
        guard let written = trace.lastIndex(where: { $0.contains("pwrite64(") && $0.contains(partial) }),
            let named = trace.lastIndex(where: { $0.contains("rename") && $0.contains("\"\(copy)\"") }), written < named
        else { return false }
        return trace[written..<named].contains { $0.contains("sync(") && $0.contains(partial) && $0.contains("= 0") }
            && trace[named...].contains { $0.contains("sync(") && $0.contains(parent) && $0.contains("= 0") }
    }

    @Test("a restore killed at any of its renamings leaves the old, the new, or a word that it is to be done again")
    func killed() async throws {
        var kills = 0
        var refusals = 0
        for step in 1...20 {
            let directory = try TemporaryDirectory()
            let path = directory.file("weir.db")
            let copy = directory.file("copy.db")
            try await Self.filled(path, rows: 100)
            _ = try await SQLiteBackup(Self.configuration(path)).make(at: copy)
            // A server that was killed: what it committed last is in the log only.
            let server = try await ServerProcess.start(database: path)
            let webhook = TestWebhook(
                event: "workflow_job", body: TestWebhook.job(id: 1, run: 1, status: "queued", created: 1_800_000_000))
            let port = server.port
            let answer = try await onThread { try webhook.post(HTTPClient(port: port)) }
            #expect(answer.status == 202)
            server.signal(SIGKILL)
            _ = try await server.wait()
            let isKilled = try await Self.restoreKilled(path, copy, at: step)
            kills += isKilled ? 1 : 0
            let jobs: Int
            do {
                jobs = try await Self.jobs(path)
            } catch let error as DatabaseError {
                #expect(error.message.contains("restore the backup again"), "step \(step): \(error)")
                refusals += 1
                #expect(try await ServerProcess.run(["restore", "--database", path, copy]).status == 0)
                jobs = try await Self.jobs(path)
                #expect(jobs == 0)
            }
            // The new one has no job; then the old one, with its job, is to be found.
            guard jobs == 0 else { continue }
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            let kept = Set(names.filter { $0.contains(".before-restore-") }.map { $0.replacing("-wal", with: "") })
            #expect(!kept.isEmpty, "step \(step): \(names)")
            if kept.count == 1, let name = kept.first {
                #expect(try await Self.jobs(directory.file(name)) == 1, "step \(step)")
            }
            if !isKilled { break }
        }
        print("a restore renames \(kills) times; after \(refusals) of them it had to be done again")
        #expect(kills >= 4 && kills < 20 && refusals >= 2)
    }

    private static func configuration(_ path: String) -> SQLiteConfiguration {
        SQLiteConfiguration(path: path, applicationID: WeirServer.applicationID)
    }

    /// Runs a restore that is killed as it renames a file for the `step`th time.
    ///
    /// - Returns: False when it had fewer.
    private static func restoreKilled(_ path: String, _ copy: String, at step: Int) async throws -> Bool {
        try await onThread {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments =
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=/^rename"]
                + ["-e", "inject=/^rename:signal=SIGKILL:when=\(step)"]
                + [ServerProcess.program.path(), "restore", "--database", path, copy]
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus != 0
        }
    }

    /// The jobs in a sound database.
    private static func jobs(_ path: String) async throws -> Int {
        let database = try await SQLiteDatabase.open(Self.configuration(path))
        #expect(try await SQLiteCheck(database.configuration, depth: .full).run().isEmpty)
        let count = try await database.read(Lease("jobs")) {
            try $0.row("SELECT count(*) FROM jobs") { Int($0.integer(0)) }
        }
        await database.close()
        return count ?? -1
    }

    // MARK: - Doctor

    private struct Report: Decodable {
        struct Check: Decodable {
            var check: String
            var level: String
            var text: String
            var remedy: String?
        }

        var database: String
        var level: String
        var checks: [Check]

        func text(_ check: String) -> String { self.checks.first { $0.check == check }?.text ?? "" }

        func level(_ check: String) -> String { self.checks.first { $0.check == check }?.level ?? "" }
    }

    private static func doctor(_ path: String) async throws -> (status: Int32, report: Report) {
        let (status, output) = try await ServerProcess.run(["doctor", "--json", "--database", path])
        return (status, try JSONDecoder().decode(Report.self, from: Data(output.utf8)))
    }

    private static let statuses: [String: Int32] = ["ok": 0, "warn": 1, "fail": 2]

    @Test("the doctor looks beside a running server and without one, and its exit status says how bad it is")
    func doctor() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path)
        let running = try await Self.doctor(path)
        #expect(running.status == Self.statuses[running.report.level])
        #expect(running.report.text("lock") == "in use by process \(server.processID)")
        #expect(running.report.text("server").contains("in process \(server.processID)"))
        for check in ["permissions", "file", "journal mode", "settings", "other processes", "library"] {
            #expect(running.report.level(check) == "ok", "\(running.report.text(check))")
        }
        #expect(running.report.text("file").hasPrefix("schema version \(WeirServer.schemaVersion)"))
        #expect(try await server.get("/readyz").status == 200)
        #expect(try await server.stop() == 0)

        let stopped = try await Self.doctor(path)
        #expect(stopped.report.text("server") == "none answers")
        chmod(path, 0o644)
        let open = try await Self.doctor(path)
        #expect(open.status >= 1 && open.report.level("permissions") == "warn")
        #expect(open.report.checks.first { $0.check == "permissions" }?.remedy == "chmod 600 \(path)")
        try Data("a letter, not a database, and long enough to be told apart".utf8).write(to: URL(filePath: path))
        let letter = try await Self.doctor(path)
        #expect(letter.status == 2 && letter.report.level("file") == "fail")
        let missing = try await ServerProcess.run(["doctor", "--database", path + ".none"])
        #expect(missing.status == 2 && missing.output.contains("no such file"), "\(missing.output)")
        let table = try await ServerProcess.run(["doctor", "--database", path])
        #expect(table.status == 2 && table.output.contains("fail  file") && table.output.contains("→ "))
    }
}
