//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Synchronization

/// A switch that threads share.
public final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    public init() {}

    public var isSet: Bool { self.value.load(ordering: .sequentiallyConsistent) }

    public func set() { self.value.store(true, ordering: .sequentiallyConsistent) }

    /// Holds a thread, not a task, until the flag is set.
    public func spin() { while !self.isSet {} }
}
