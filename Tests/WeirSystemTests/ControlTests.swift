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

/// The socket for tools beside a running server.
@Suite("Control socket", .serialized, .timeLimit(.minutes(5)))
struct ControlTests {
    private struct Count: Codable, Sendable {
        var count: Int
    }

    private func ask(_ path: String, _ text: String) async throws -> String {
        try await onThread {
            let client = try UnixClient(path)
            client.send(text)
            return client.rest() ?? "nothing in time"
        }
    }

    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode : nil
    }

    @Test("the socket is its owner's only, answers, and goes with the server; a killed server's is replaced")
    func lifetime() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        var server = try await ServerProcess.start(database: path)
        #expect(try await eventually { self.mode(path + ".sock") == S_IFSOCK | 0o600 })
        let status: ServerStatus = try await ControlClient(database: path).request("status")
        #expect(status.process == server.processID && status.version == WeirServer.version)
        #expect(status.databaseBytes > 0 && status.databasePath == path)
        server.signal(SIGKILL)
        _ = try await server.wait()
        #expect(self.mode(path + ".sock") != nil)
        await #expect {
            let _: ServerStatus = try await ControlClient(database: path).request("status")
        } throws: {
            if case .noServer = $0 as? ControlClient.Failure { true } else { false }
        }
        server = try await ServerProcess.start(database: path)
        let client = ControlClient(database: path)
        #expect(
            try await eventually {
                let status: ServerStatus? = try? await client.request("status")
                return status?.process == server.processID
            })
        #expect(try await server.stop() == 0)
        #expect(self.mode(path + ".sock") == nil)
    }

    @Test("what a tool may send is bounded, and every mistake is answered in words")
    func mistakes() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let socket = path + ".sock"
        let server = try await ServerProcess.start(database: path)
        #expect(try await eventually { self.mode(socket) != nil })
        for (text, words) in [
            ("hello\n", ["JSON"]), ("\n", ["JSON"]), (#"{"version":2,"command":"status"}"# + "\n", ["version 2"]),
            (#"{"version":1,"command":"explode"}"# + "\n", ["explode", "optimize, status, vacuum"]),
            (String(repeating: "x", count: 70_000), ["65536 bytes"]),
            (String(repeating: "x", count: 70_000) + "\n", ["65536 bytes"]),
        ] {
            let answer = try await self.ask(socket, text)
            #expect(answer.hasPrefix("{") && answer.contains(#""error":"#), "\(answer)")
            for word in words { #expect(answer.contains(word), "\(answer)") }
        }
        // Whatever follows the first line is left alone; a half-closed connection still gets its answer.
        #expect(
            try await onThread {
                let client = try UnixClient(socket)
                client.send(#"{"version":1,"command":"status"}"# + "\nand more\n")
                client.finishSending()
                return client.rest() ?? ""
            }.contains(#""result":"#))
        // Half a request is given up after some seconds.
        let started = ContinuousClock.now
        #expect(try await self.ask(socket, #"{"version":1,"#).isEmpty)
        #expect(ContinuousClock.now - started < .seconds(15))
        // So many at once, and one more.
        let crowd = try await onThread { try (0..<16).map { _ in try UnixClient(socket) } }
        #expect(try await self.ask(socket, #"{"version":1,"command":"status"}"# + "\n").contains("too many tools"))
        _ = crowd.count
        #expect(try await server.get("/readyz").status == 200)
        #expect(try await server.stop() == 0)
    }

    @Test("a socket that cannot be made is a warning, and the board runs without it: a file in its place, a long path")
    func without() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        try Data("mine".utf8).write(to: URL(filePath: path + ".sock"))
        let server = try await ServerProcess.start(database: path)
        #expect(try await eventually { server.output.contains("tools cannot reach this server") })
        #expect(try await server.get("/readyz").status == 200)
        #expect(try await server.stop() == 0)
        #expect(try String(contentsOfFile: path + ".sock", encoding: .utf8) == "mine")

        let long = directory.file(String(repeating: "x", count: 100) + ".db")
        let second = try await ServerProcess.start(database: long)
        #expect(try await eventually { second.output.contains("107 at most") })
        #expect(try await second.get("/readyz").status == 200)
        let (_, output) = try await ServerProcess.run(["doctor", "--database", long])
        #expect(output.contains("none answers"))
        #expect(try await second.stop() == 0)
    }

    @Test("another user is refused, even where the socket lets everybody in")
    func otherUser() async throws {
        // Only root can be somebody else.
        guard geteuid() == 0 else { return }
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        let server = try await ServerProcess.start(database: path)
        #expect(try await eventually { self.mode(path + ".sock") != nil })
        chmod(path + ".sock", 0o666)
        let script = """
            import socket
            s = socket.socket(socket.AF_UNIX)
            s.connect('\(path).sock')
            s.send(b'{"version":1,"command":"status"}\\n')
            print(s.recv(9999).decode())
            """
        @Sendable func asking(_ user: [String]) throws -> String {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = user + ["/usr/bin/python3", "-c", script]
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            try process.run()
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return String(decoding: output, as: UTF8.self)
        }
        let stranger = try await onThread { try asking(["setpriv", "--reuid=65534", "--clear-groups"]) }
        #expect(stranger.contains("only the server's own user"), "\(stranger)")
        // Control: the same script as this user.
        let own = try await onThread { try asking([]) }
        #expect(own.contains(#""result":"#), "\(own)")
        #expect(try await server.stop() == 0)
    }

    // MARK: - Maintenance

    /// A file with many free pages.
    private func freed(_ path: String) async throws {
        let database = try await SQLiteDatabase.open(
            SQLiteConfiguration(path: path, applicationID: WeirServer.applicationID))
        _ = try await database.write(Lease("fill", timeout: .seconds(60))) { db in
            try db.execute("CREATE TABLE filling (id INTEGER PRIMARY KEY, text TEXT)")
            try db.execute("CREATE TABLE keeping (id INTEGER PRIMARY KEY, text TEXT)")
            for table in ["filling", "keeping"] {
                try db.execute(
                    """
                    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
                    INSERT INTO \(identifier: table) (text) SELECT printf('%02000d', i) FROM n
                    """)
            }
        }
        // The checkpoint of what was filled may take seconds.
        _ = try await database.write(Lease("drop", acquireTimeout: .seconds(60), timeout: .seconds(60))) {
            try $0.execute("DROP TABLE filling")
        }
        await database.close()
    }

    @Test("vacuum and optimize run in the server, and tell how far they are")
    func maintenance() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        try await self.freed(path)
        let server = try await ServerProcess.start(database: path)
        let client = ControlClient(database: path)
        #expect(try await eventually { (try? await client.request("status") as ServerStatus) != nil })
        let before: ServerStatus = try await client.request("status")
        #expect(before.freePages > 10_000)
        let answer = try await onThread {
            let client = try UnixClient(path + ".sock", timeout: 60)
            client.send(#"{"version":1,"command":"vacuum"}"# + "\n")
            return client.rest() ?? ""
        }
        let lines = answer.split(separator: "\n")
        #expect(lines.count > 2 && lines.dropLast().allSatisfy { $0.contains(#""progress":"#) }, "\(lines.suffix(3))")
        #expect(lines.last?.contains(#""result":"#) ?? false)
        let after: ServerStatus = try await client.request("status")
        #expect(after.freePages == 0 && after.databaseBytes < before.databaseBytes * 6 / 10)
        let tables: Count = try await client.request("optimize")
        #expect(tables.count > 5)
        #expect(try await server.stop() == 0)
    }

    @Test("SIGTERM with tools connected, half a request, two vacuums and an answer unread: the end comes in time")
    func terminate() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("weir.db")
        try await self.freed(path)
        let server = try await ServerProcess.start(database: path)
        #expect(try await eventually { self.mode(path + ".sock") != nil })
        let clients = try await onThread {
            let clients = try (0..<4).map { _ in try UnixClient(path + ".sock") }
            clients[0].send(#"{"version":1"#)
            clients[1].send(#"{"version":1,"command":"vacuum"}"# + "\n")
            clients[2].send(#"{"version":1,"command":"vacuum"}"# + "\n")
            return clients
        }
        #expect(
            try await eventually {
                let status: ServerStatus? = try? await ControlClient(database: path).request("status")
                return status.map { $0.freePages < 19_000 } ?? false
            })
        let started = ContinuousClock.now
        server.signal(SIGTERM)
        let status = try await server.wait(within: .seconds(6))
        let elapsed = ContinuousClock.now - started
        print("stopped after \(elapsed)")
        #expect(status == 0)
        #expect(elapsed < .seconds(3))
        #expect(try await onThread { clients[1].rest() }?.contains("the server is ending") ?? false)
        let database = try await SQLiteDatabase.open(
            SQLiteConfiguration(path: path, applicationID: WeirServer.applicationID))
        #expect(try await database.figures().freePages > 0, "the vacuum was to be under way still")
        #expect(try await SQLiteCheck(database.configuration).run().isEmpty)
        await database.close()
    }
}
