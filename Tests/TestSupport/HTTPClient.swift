//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import FoundationEssentials
import Glibc

/// What a server answered.
public struct HTTPAnswer: Sendable {
    public var status: Int
    /// Field names in lower case.
    public var headers: [String: String]
    public var body: Data

    public var text: String { String(decoding: self.body, as: UTF8.self) }
}

public struct HTTPClientError: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

/// A blocking HTTP/1.1 client over a plain socket on the loopback, in the tests' full control: it can send half a
/// request, a byte a second, or stop reading.
public final class HTTPClient: @unchecked Sendable {
    // Used by one thread at a time.
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isClosed = false

    public init(port: Int, timeout: Int = 20) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(self.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(self.descriptor)
            self.isClosed = true
            throw HTTPClientError(description: "connect: \(String(cString: strerror(errno)))")
        }
    }

    deinit { self.disconnect() }

    /// Closes the socket.
    public func disconnect() {
        guard !self.isClosed else { return }
        self.isClosed = true
        close(self.descriptor)
    }

    /// Tells the server that nothing more will be sent; answers can still be read.
    public func finishSending() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Makes the receive window small, so that a server soon finds its bytes are not taken.
    public func limitReceiveBuffer(bytes: Int32) {
        var bytes = bytes
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    public func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw HTTPClientError(description: "send: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    public func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    /// Bytes as they come; empty when the server has closed, nil when nothing came in time.
    public func receive() -> [UInt8]? {
        if !self.buffer.isEmpty {
            defer { self.buffer.removeAll() }
            return self.buffer
        }
        return self.read()
    }

    private func read() -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(self.descriptor, &chunk, chunk.count, 0)
        if count > 0 { return Array(chunk.prefix(count)) }
        return count == 0 || errno == ECONNRESET ? [] : nil
    }

    /// Sends a request and reads its answer.
    public func request(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: Data? = nil
    ) throws -> HTTPAnswer {
        try self.send(Self.head(method, path, headers: headers, length: body?.count) + Array(body ?? Data()))
        return try self.answer()
    }

    public static func head(
        _ method: String, _ path: String, headers: [(String, String)] = [], length: Int? = nil
    ) -> [UInt8] {
        var text = "\(method) \(path) HTTP/1.1\r\n"
        if !headers.contains(where: { $0.0.lowercased() == "host" }) { text += "Host: localhost\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let length { text += "Content-Length: \(length)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// Reads an answer with a length or in chunks.
    public func answer() throws -> HTTPAnswer {
        let head = try self.take(until: Array("\r\n\r\n".utf8))
        var lines = String(decoding: head, as: UTF8.self).components("\r\n")[...]
        let status = lines.removeFirst().split(separator: " ")
        guard status.count >= 2, let code = Int(status[1]) else {
            throw HTTPClientError(description: "no status line in \(String(decoding: head, as: UTF8.self))")
        }
        var headers: [String: String] = [:]
        for line in lines where !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        var body: [UInt8] = []
        if headers["transfer-encoding"] == "chunked" {
            while true {
                let line = try self.take(until: Array("\r\n".utf8))
                guard let size = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16) else { break }
                body += try self.take(count: size)
                _ = try self.take(count: 2)
                if size == 0 { break }
            }
        } else if let length = headers["content-length"].flatMap({ Int($0) }), code != 304 {
            body = try self.take(count: length)
        }
        return HTTPAnswer(status: code, headers: headers, body: Data(body))
    }

    private func take(count: Int) throws -> [UInt8] {
        while self.buffer.count < count { try self.fill() }
        defer { self.buffer.removeFirst(count) }
        return Array(self.buffer.prefix(count))
    }

    public func take(until mark: [UInt8]) throws -> [UInt8] {
        var from = 0
        while true {
            if self.buffer.count >= mark.count {
                for index in from...(self.buffer.count - mark.count)
                where self.buffer[index..<(index + mark.count)].elementsEqual(mark) {
                    return try self.take(count: index + mark.count)
                }
                from = max(0, self.buffer.count - mark.count)
            }
            try self.fill()
        }
    }

    private func fill() throws {
        guard let bytes = self.read() else { throw HTTPClientError(description: "nothing came in time") }
        guard !bytes.isEmpty else { throw HTTPClientError(description: "the server closed the connection") }
        self.buffer += bytes
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        self.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
