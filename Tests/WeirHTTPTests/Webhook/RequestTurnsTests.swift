//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import TestSupport
import Testing

@testable import WeirHTTP

@Suite("RequestTurns")
struct RequestTurnsTests {
    @Test("a delivery behind a request of the routes waits for its answer, and a request behind a delivery for that")
    func waits() {
        var turns = RequestTurns()
        #expect(turns.part(.head(isDelivery: false)) == .pass)
        #expect(turns.part(.end) == .pass)
        #expect(turns.part(.head(isDelivery: true)) == .hold)
        turns.routesAnswered()
        #expect(turns.part(.head(isDelivery: true)) == .take)
        #expect(turns.part(.body) == .take)
        #expect(turns.part(.end) == .take)
        #expect(turns.part(.head(isDelivery: false)) == .hold)
        #expect(turns.hasDelivery)
        turns.answered()
        #expect(!turns.hasDelivery)
        #expect(turns.part(.head(isDelivery: false)) == .pass)
    }

    @Test("a delivery that is answered before its end lets the next one come")
    func early() {
        var turns = RequestTurns()
        #expect(turns.part(.head(isDelivery: true)) == .take)
        turns.answered()
        #expect(turns.part(.head(isDelivery: true)) == .take)
    }

    /// A connection whose client sends ahead: parts wait as the handler keeps them, and both sides answer when chance
    /// wants it.
    ///
    /// - Parameter order: The order of the answers; false keeps none, as a control.
    private func answers(_ seed: UInt64, requests: Int, keepsOrder: Bool) -> [Int] {
        var random = SeededGenerator(seed: seed)
        var turns = RequestTurns()
        var coming: [(request: Int, part: RequestTurns.Part)] = []
        for request in 0..<requests {
            coming.append((request, .head(isDelivery: Bool.random(using: &random))))
            for _ in 0..<Int.random(in: 0...2, using: &random) { coming.append((request, .body)) }
            coming.append((request, .end))
        }
        var held = coming[...]
        var atRoutes: [Int] = []
        var delivery: Int?
        var answered: [Int] = []
        while answered.count < requests {
            if let next = held.first, Bool.random(using: &random) {
                let turn = turns.part(next.part)
                if turn == .hold, keepsOrder { continue }
                held = held.dropFirst()
                if case .end = next.part {
                    if turn == .pass { atRoutes.append(next.request) } else { delivery = next.request }
                }
            } else if let request = delivery, Bool.random(using: &random) {
                delivery = nil
                answered.append(request)
                turns.answered()
            } else if !atRoutes.isEmpty, Bool.random(using: &random) {
                answered.append(atRoutes.removeFirst())
                turns.routesAnswered()
            } else if held.isEmpty, delivery == nil, atRoutes.isEmpty {
                break
            }
        }
        return answered
    }

    @Test("whatever a client sends ahead, and whoever answers when, the answers come in the order of the requests")
    func order() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var disorder = 0
        for round in 0..<2_000 {
            let requests = 2 + round % 12
            #expect(
                self.answers(seed &+ UInt64(round), requests: requests, keepsOrder: true) == Array(0..<requests),
                "round \(round)")
            if self.answers(seed &+ UInt64(round), requests: requests, keepsOrder: false) != Array(0..<requests) {
                disorder += 1
            }
        }
        // Control: without holding, they do not.
        #expect(disorder > 500)
    }
}
