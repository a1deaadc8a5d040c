//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Names a job: jobs of two sources may share a number.
public struct JobKey<Name: Hashable & Sendable>: Hashable, Sendable {
    /// Where it comes from: `github.com` or a GHES host.
    public var source: Name
    /// The source's number.
    public var id: Int64

    public init(source: Name, id: Int64) {
        self.source = source
        self.id = id
    }
}

/// Names one attempt of a workflow run.
public struct RunKey<Name: Hashable & Sendable>: Hashable, Sendable {
    /// Where it comes from: `github.com` or a GHES host.
    public var source: Name
    /// The source's number; all attempts share it.
    public var id: Int64
    /// 1 for the first attempt.
    public var attempt: Int64

    public init(source: Name, id: Int64, attempt: Int64) {
        self.source = source
        self.id = id
        self.attempt = attempt
    }
}
