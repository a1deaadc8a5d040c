//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension PoolStateMachine {
    /// What the shell must do, in order.
    package enum Effect: Equatable {
        /// Start a thread that opens this connection.
        case open(ConnectionID)
        /// Hand this lease to the connection's thread; the leases of a batch follow each other.
        case run(ConnectionID, LeaseID)
        /// Answer a lease that has not begun.
        case refuse(LeaseID, Refusal)
        /// Answer a lease that runs, and tell the engine to stop.
        case abandon(LeaseID, Refusal)
        /// All leases of this connection have been abandoned: it is set apart until its engine returns.
        case quarantine(ConnectionID)
        /// Let the connection's thread close it and end.
        case close(ConnectionID, ConnectionCloseReason)
        /// Call ``tick(now:)`` at this instant.
        case wake(Instant)
        /// No connection is left while the pool is suspended.
        case emptied
        /// The pool has ended. Not clean: the time for it ran out while an engine had not returned.
        case drained(isClean: Bool)
    }

    /// A short list of effects. The first lies in the list itself: most transitions have none or one, and then nothing
    /// is allocated.
    package struct Effects: Equatable, Sequence, ExpressibleByArrayLiteral {
        private var first: Effect?
        private var rest: [Effect] = []

        package init() {}

        package init(arrayLiteral elements: Effect...) {
            for effect in elements { self.append(effect) }
        }

        package var isEmpty: Bool { self.first == nil }

        package mutating func append(_ effect: Effect) {
            if self.first == nil { self.first = effect } else { self.rest.append(effect) }
        }

        package static func += (left: inout Effects, right: Effects) {
            guard left.first != nil else { return left = right }
            if let first = right.first { left.rest.append(first) }
            if !right.rest.isEmpty { left.rest += right.rest }
        }

        package struct Iterator: IteratorProtocol {
            fileprivate var effects: Effects
            fileprivate var position = -1

            package mutating func next() -> Effect? {
                defer { self.position += 1 }
                if self.position < 0 { return self.effects.first }
                return self.position < self.effects.rest.count ? self.effects.rest[self.position] : nil
            }
        }

        package func makeIterator() -> Iterator { Iterator(effects: self) }
    }
}
