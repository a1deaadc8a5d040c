//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The address that a load is sent to.
package struct LoadTarget: Sendable, Equatable {
    package let host: String
    package let port: Int
    package let path: String

    /// Reads `http://HOST[:PORT][/PATH]`; the path is `/webhook` when none is given.
    ///
    /// - Throws: ``LoadError`` that says what is accepted.
    package init(_ url: String) throws(LoadError) {
        let prefix = "http://"
        let refusal = LoadError(
            "\"\(url.prefix(200))\" is not an address that can be loaded; give http://HOST:PORT, such as "
                + "http://127.0.0.1:8080 (TLS is not spoken: load the server behind the proxy)")
        guard url.hasPrefix(prefix), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw refusal }
        let rest = url.dropFirst(prefix.count)
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count)
        self.path = path.isEmpty || path == "/" ? "/webhook" : String(path)
        // An IPv6 address stands in brackets, and has colons of its own.
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        let port = authority.dropFirst(host.count)
        guard !host.isEmpty, port.isEmpty || port.hasPrefix(":"),
            let number = port.isEmpty ? 80 : Int(port.dropFirst()), (1...65_535).contains(number)
        else { throw refusal }
        self.host = String(host.hasPrefix("[") ? host.dropFirst().dropLast() : host)
        self.port = number
    }

    /// The value of the header `Host`.
    var authority: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == 80 ? host : "\(host):\(self.port)"
    }
}
