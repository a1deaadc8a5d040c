//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import Foundation
import Glibc

/// The real program, in a process of its own.
public final class ServerProcess: @unchecked Sendable {
    // `Process` is used by one thread at a time; the log is a file.
    public let port: Int
    private let process: Process
    private let log: LogFile

    /// The repository's root.
    public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The program as this test run has built it.
    public static var program: URL { Self.root.appending(path: ".build/debug/weir") }

    /// The payloads beside the repository, when they are there.
    public static var payloads: URL? {
        let folder = Self.root.deletingLastPathComponent().appending(path: "shared/payloads")
        return FileManager.default.fileExists(atPath: folder.path()) ? folder : nil
    }

    private init(port: Int, process: Process, log: LogFile) {
        self.port = port
        self.process = process
        self.log = log
    }

    /// Starts a server and waits until it is ready.
    ///
    /// - Parameters:
    ///   - wrapper: A program, with its arguments, that starts the server: `strace`.
    public static func start(
        database: String, secret: String? = TestWebhook.secret, arguments: [String] = [],
        environment: [String: String] = [:], wrapper: [String] = [], port: Int? = nil
    ) async throws -> ServerProcess {
        let process = Process()
        let command =
            wrapper + [Self.program.path(), "serve", "--database", "sqlite:\(database)"]
            + ["--port", String(port ?? 0)] + arguments
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("WEIR_") }
        variables["WEIR_WEBHOOK_SECRET"] = secret
        variables.merge(environment) { $1 }
        process.environment = variables
        // A file, not a pipe with a handler: closing a descriptor that Dispatch watches has crashed it.
        let log = try LogFile()
        process.standardError = log.handle
        process.standardOutput = log.handle
        try process.run()
        guard let port = try await log.port(within: .seconds(60)) else {
            process.terminate()
            throw HTTPClientError(description: "the server did not start: \(log.text)")
        }
        return ServerProcess(port: port, process: process, log: log)
    }

    /// Runs the program to its end.
    ///
    /// - Returns: Its exit status and everything it wrote.
    public static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String) {
        try await onThread {
            let process = Process()
            process.executableURL = Self.program
            process.arguments = arguments
            var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("WEIR_") }
            variables.merge(environment) { $1 }
            process.environment = variables
            let pipe = Pipe()
            process.standardError = pipe
            process.standardOutput = pipe
            try process.run()
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: output, as: UTF8.self))
        }
    }

    /// Everything the server has written.
    public var output: String { self.log.text }

    public var processID: Int32 { self.process.processIdentifier }

    public var isRunning: Bool { self.process.isRunning }

    /// Sends a signal to the server.
    public func signal(_ number: Int32) { kill(self.process.processIdentifier, number) }

    /// Waits for the end.
    ///
    /// - Returns: The exit status, or nil when it did not end in time; it is killed then.
    public func wait(within limit: Duration = .seconds(20)) async throws -> Int32? {
        let process = self.process
        if try await eventually(within: limit, { !process.isRunning }) { return process.terminationStatus }
        self.signal(SIGKILL)
        return nil
    }

    /// Ends the server in order.
    @discardableResult
    public func stop() async throws -> Int32? {
        self.signal(SIGTERM)
        return try await self.wait()
    }

    deinit { if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) } }

    // MARK: - Requests

    /// A request on a connection of its own.
    public func get(_ path: String, headers: [(String, String)] = []) async throws -> HTTPAnswer {
        let port = self.port
        return try await onThread { try HTTPClient(port: port).request("GET", path, headers: headers) }
    }

    /// A request on a connection of its own, its answer as JSON.
    public func json(_ path: String) async throws -> [String: Any] {
        let answer = try await self.get(path)
        guard let object = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any] else {
            throw HTTPClientError(description: "\(path) answered \(answer.status) \(answer.text)")
        }
        return object
    }
}

/// What a process writes, and the port it names.
private final class LogFile: Sendable {
    let handle: FileHandle
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
        let path = self.directory.file("log")
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw HTTPClientError(description: "no log file could be made at \(path)") }
        self.handle = handle
    }

    var text: String {
        String(decoding: FileManager.default.contents(atPath: self.directory.file("log")) ?? Data(), as: UTF8.self)
    }

    func port(within limit: Duration) async throws -> Int? {
        var port: Int?
        _ = try await eventually(within: limit) {
            guard let line = self.text.split(separator: "\n").first(where: { $0.contains("listening on ") }),
                let digits = line.split(separator: ":").last
            else { return self.text.contains("weir: ") && self.text.contains("Error") }
            port = Int(digits.prefix { $0.isNumber })
            return true
        }
        return port
    }
}
