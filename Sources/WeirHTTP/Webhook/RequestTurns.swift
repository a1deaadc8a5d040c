//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Whose turn it is on a connection on which some requests are deliveries and the others go to the routes.
///
/// A client may send a request before the one before it is answered (pipelining, RFC 9112, 9.3.2), and the answers have
/// to come in that order. The routes see to theirs; between theirs and a delivery's the second waits for the first.
struct RequestTurns {
    enum Part {
        case head(isDelivery: Bool)
        case body
        case end
    }

    enum Turn: Equatable {
        /// To the routes.
        case pass
        /// A part of a delivery.
        case take
        /// What comes before is to be answered first; to be shown again after ``answered()`` and ``routesAnswered()``,
        /// before anything that came later.
        case hold
    }

    private enum Phase {
        /// So many requests that the routes have are not answered. Can go to: `.taking`.
        case passing(unanswered: Int)
        /// A delivery comes in. Can go to: `.answering`, `.passing`.
        case taking
        /// A delivery waits for its answer. Can go to: `.passing`.
        case answering
    }

    private var phase = Phase.passing(unanswered: 0)

    /// Whether a delivery comes in or waits for its answer.
    var hasDelivery: Bool { if case .passing = self.phase { false } else { true } }

    mutating func part(_ part: Part) -> Turn {
        switch (self.phase, part) {
        case (.passing(0), .head(isDelivery: true)):
            self.phase = .taking
            return .take
        case (.passing, .head(isDelivery: true)): return .hold
        case (.passing(let unanswered), .head(isDelivery: false)):
            self.phase = .passing(unanswered: unanswered + 1)
            return .pass
        case (.passing, _): return .pass
        case (.taking, .head): return .hold
        case (.taking, .body): return .take
        case (.taking, .end):
            self.phase = .answering
            return .take
        case (.answering, _): return .hold
        }
    }

    /// The routes have ended an answer.
    mutating func routesAnswered() {
        guard case .passing(let unanswered) = self.phase else { return }
        self.phase = .passing(unanswered: max(0, unanswered - 1))
    }

    /// The delivery is answered, perhaps before its end.
    mutating func answered() { self.phase = .passing(unanswered: 0) }
}
