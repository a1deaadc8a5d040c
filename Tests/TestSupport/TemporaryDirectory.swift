//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

/// A directory of a test's own, removed with everything in it when the test ends.
public final class TemporaryDirectory: Sendable {
    public let path: String

    /// - Parameter inMemory: Whether it may lie in memory, where the system offers that: for files whose syncs a test
    ///   does not need and would only wait for.
    public init(inMemory: Bool = false) throws {
        let memory = "/dev/shm"
        let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory)
        let parent = isThere ? URL(filePath: memory) : FileManager.default.temporaryDirectory
        let url = parent.appending(path: "weir-test-\(UUID().uuidString)")
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
