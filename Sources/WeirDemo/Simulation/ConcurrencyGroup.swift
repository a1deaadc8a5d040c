//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// What a concurrency group is named by: a workflow and a branch.
struct ConcurrencyKey: Hashable, Sendable {
    /// The repository's index.
    let repository: Int
    /// The workflow's index.
    let workflow: Int
    /// The branch.
    let branch: String
}

/// One run goes, at most one waits: a third cancels the second, as GitHub's `concurrency` does.
struct ConcurrencyGroup: Sendable {
    /// The run that goes.
    var active: Int64
    /// The run that is held.
    var pending: Int64?
}
