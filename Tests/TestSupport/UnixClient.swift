//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Glibc

/// A blocking client of a Unix socket, in the tests' full control.
public final class UnixClient: @unchecked Sendable {
    // Used by one thread at a time.
    private let descriptor: Int32

    public init(_ path: String, timeout: Int = 20) throws {
        self.descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else {
            throw HTTPClientError(description: "connect \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(self.descriptor) }

    /// Sends what the socket takes.
    public func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// Says that nothing more will be sent.
    public func finishSending() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Everything until the server closes; nil when it does not in time.
    public func rest() -> String? {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(self.descriptor, &chunk, chunk.count, 0)
            guard count > 0 else {
                return count == 0 || errno == ECONNRESET ? String(decoding: all, as: UTF8.self) : nil
            }
            all += chunk.prefix(count)
        }
    }
}
