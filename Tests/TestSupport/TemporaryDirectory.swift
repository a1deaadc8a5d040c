//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

/// A directory of a test's own, removed with everything in it when the test ends.
public final class TemporaryDirectory: Sendable {
    public let path: String

    public init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "weir-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        self.path = url.path()
    }

    deinit {
        // A file that is still open is removed by the system later.
        try? FileManager.default.removeItem(atPath: self.path)
    }

    /// The path of a file in it.
    public func file(_ name: String) -> String { "\(self.path)/\(name)" }
}
