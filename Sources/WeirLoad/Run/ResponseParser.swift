//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads the answers on one connection, one after the other, as far as a load needs them: the status, and where the
/// answer ends.
///
/// Source: RFC 9112. An answer without `Content-Length` is taken to end with the connection.
struct ResponseParser {
    /// A complete answer.
    struct Response: Equatable {
        var status: UInt16
        /// Whether the connection can carry another request.
        var staysOpen: Bool
        /// Whether the server said when to come again.
        var hasRetryAfter: Bool
    }

    enum Failure: Error {
        case notHTTP
        case headTooLarge
    }

    private enum State {
        case head
        case body(Response, left: Int)
    }

    private var state = State.head
    /// The beginning of a head whose end has not come.
    private var partial: [UInt8] = []

    private static let headBytesMax = 16 << 10

    /// Takes bytes as they come.
    ///
    /// - Returns: The answer that they complete, nil when it goes on. Requests are not pipelined, so nothing follows it.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Response? {
        switch self.state {
        case .body(let response, let left): return self.body(response, left: left, bytes.count)
        case .head: break
        }
        if self.partial.isEmpty, let response = try self.head(bytes) { return response }
        if case .body = self.state { return nil }
        self.partial.append(contentsOf: bytes)
        guard self.partial.count > bytes.count else { return nil }
        guard self.partial.count <= Self.headBytesMax else { throw .headTooLarge }
        let partial = self.partial
        let result = partial.withUnsafeBytes { bytes in Result { () throws(Failure) in try self.head(bytes) } }
        if case .body = self.state { self.partial.removeAll() }
        let response = try result.get()
        if response != nil { self.partial.removeAll() }
        return response
    }

    private mutating func body(_ response: Response, left: Int, _ count: Int) -> Response? {
        if count < left {
            self.state = .body(response, left: left - count)
            return nil
        }
        self.state = .head
        return response
    }

    /// Reads a head, when all of it is there.
    private mutating func head(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Response? {
        guard let base = bytes.baseAddress else { return nil }
        var response: Response?
        var length: Int?
        var position = 0
        while let found = memchr(base + position, 0x0a, bytes.count - position) {
            let end = base.distance(to: UnsafeRawPointer(found))
            var line = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
            if line.last == 0x0d { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
            position = end + 1
            guard var known = response else {
                response = try Self.statusLine(line)
                continue
            }
            if line.isEmpty { return self.headEnded(known, length: length, rest: bytes.count - position) }
            Self.field(line, &known, &length)
            response = known
        }
        return nil
    }

    private mutating func headEnded(_ response: Response, length: Int?, rest: Int) -> Response? {
        var response = response
        guard let length else {
            response.staysOpen = false
            return response
        }
        return self.body(response, left: length, rest)
    }

    private static func statusLine(_ line: UnsafeRawBufferPointer) throws(Failure) -> Response {
        // "HTTP/1.1 202 Accepted"
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), line[8] == UInt8(ascii: " ") else { throw .notHTTP }
        var status: UInt16 = 0
        for digit in line[9..<12] {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { throw .notHTTP }
            status = status * 10 + UInt16(digit - UInt8(ascii: "0"))
        }
        return Response(status: status, staysOpen: line[7] != UInt8(ascii: "0"), hasRetryAfter: false)
    }

    private static func field(_ line: UnsafeRawBufferPointer, _ response: inout Response, _ length: inout Int?) {
        // Most fields are told apart by their first letter.
        switch line[0] | 0x20 {
        case UInt8(ascii: "c"):
            if let value = self.value(line, "content-length:") {
                length = Int(String(decoding: value, as: UTF8.self))
            } else if let value = self.value(line, "connection:") {
                if String(decoding: value, as: UTF8.self).lowercased() == "close" { response.staysOpen = false }
            }
        case UInt8(ascii: "r"): if self.value(line, "retry-after:") != nil { response.hasRetryAfter = true }
        default: break
        }
    }

    /// The value of a field, without the blanks around it; nil for another field.
    private static func value(_ line: UnsafeRawBufferPointer, _ name: StaticString) -> Slice<UnsafeRawBufferPointer>? {
        guard line.count >= name.utf8CodeUnitCount else { return nil }
        let matches = name.withUTF8Buffer { name in
            name.indices.allSatisfy { line[$0] == name[$0] || line[$0] | 0x20 == name[$0] }
        }
        guard matches else { return nil }
        var value = line[name.utf8CodeUnitCount...]
        while value.first == UInt8(ascii: " ") || value.first == UInt8(ascii: "\t") { value = value.dropFirst() }
        while value.last == UInt8(ascii: " ") || value.last == UInt8(ascii: "\t") { value = value.dropLast() }
        return value
    }
}
