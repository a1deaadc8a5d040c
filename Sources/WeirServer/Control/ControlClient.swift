//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import FoundationEssentials
import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Asks the server that runs on a database.
public struct ControlClient: Sendable {
    /// Why there is no answer.
    public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// Nobody listens.
        case noServer(String)
        /// Somebody listens and did not answer, or not in this language.
        case noAnswer(String)
        /// The server's own words.
        case refused(String)

        public var description: String {
            switch self {
            case .noServer(let cause): "no server answers: \(cause)"
            case .noAnswer(let cause): "the server does not answer: \(cause)"
            case .refused(let cause): cause
            }
        }
    }

    private let path: String

    /// - Parameter database: The path of the database file.
    public init(database: String) { self.path = ControlProtocol.socketPath(database: database) }

    /// Sends a command and waits for its result.
    ///
    /// - Parameters:
    ///   - timeout: How long it may take, and how long between two lines of its answer.
    ///   - onProgress: Told how far the command is.
    /// - Throws: ``Failure``; `CancellationError`.
    public func request<Result: Decodable & Sendable>(
        _ command: String, arguments: [String: String] = [:], timeout: Duration = .seconds(5),
        onProgress: @escaping @Sendable (ControlProgress) -> Void = { _ in }
    ) async throws -> Result {
        let request = ControlRequest(version: ControlProtocol.version, command: command, arguments: arguments)
        var line = try JSONEncoder().encode(request)
        line.append(0x0a)
        return try await ToolThread.run("control", timeout: timeout, grace: .zero) { [line] thread in
            let socket = try ControlSocket(self.path, timeout: timeout)
            try socket.put(line)
            while true {
                try thread.check()
                let answer = try Self.decode(Result.self, try socket.line())
                if let result = answer.result { return result }
                if let error = answer.error { throw Failure.refused(error) }
                if let progress = answer.progress { onProgress(progress) }
            }
        }
    }

    private struct Answer<Result: Decodable>: Decodable {
        var version: Int
        var progress: ControlProgress?
        var result: Result?
        var error: String?
    }

    private static func decode<Result>(_ type: Result.Type, _ line: Data) throws -> Answer<Result> {
        guard let answer = try? JSONDecoder().decode(Answer<Result>.self, from: line),
            answer.version == ControlProtocol.version
        else { throw Failure.noAnswer("it speaks another language; use the program that the server was started from") }
        return answer
    }
}

/// A connected socket, closed with its last use. Used by one thread.
private final class ControlSocket {
    /// A server that has left is an error, not a signal.
    private static var sendFlags: Int32 {
        #if canImport(Darwin)
        0
        #else
        Int32(MSG_NOSIGNAL)
        #endif
    }

    private let descriptor: Int32
    private var buffer = Data()

    init(_ path: String, timeout: Duration) throws {
        guard path.utf8.count <= ControlProtocol.pathBytesMax else {
            throw ControlClient.Failure.noServer("the path \(path) is too long for a socket")
        }
        #if canImport(Darwin)
        self.descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #else
        self.descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #endif
        var limit = timeval()
        limit.tv_sec = Int(min(timeout.components.seconds, 3_600)) + 1
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(self.descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else {
            let cause = String(cString: strerror(errno))
            throw errno == ENOENT || errno == ECONNREFUSED
                ? ControlClient.Failure.noServer("\(path): \(cause)")
                : ControlClient.Failure.noAnswer("\(path): \(cause)")
        }
    }

    deinit { close(self.descriptor) }

    func put(_ line: Data) throws {
        var rest = Array(line)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(self.descriptor, $0.baseAddress, $0.count, Self.sendFlags) }
            guard count > 0 else { throw self.failure }
            rest = rest.dropFirst(count)
        }
    }

    /// The next line, without its line break.
    func line() throws -> Data {
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            if let end = self.buffer.firstIndex(of: 0x0a) {
                defer { self.buffer = Data(self.buffer[(end + 1)...]) }
                return Data(self.buffer[..<end])
            }
            let count = recv(self.descriptor, &chunk, chunk.count, 0)
            guard count > 0 else {
                throw count == 0 ? ControlClient.Failure.noAnswer("it has closed the connection") : self.failure
            }
            self.buffer += chunk.prefix(count)
            guard self.buffer.count <= ControlProtocol.answerBytesMax else {
                throw ControlClient.Failure.noAnswer("its answer has no end")
            }
        }
    }

    private var failure: ControlClient.Failure {
        errno == EAGAIN || errno == EWOULDBLOCK
            ? .noAnswer("nothing came in time") : .noAnswer(String(cString: strerror(errno)))
    }
}
