//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import WeirHTTP

/// Holds a machine by reference: `#expect` takes no expression that changes a noncopyable value.
private final class Guard {
    var value = ConnectionGuard(limits: .init())
    var passesInput: Bool { self.value.passesInput }
}

@Suite("ConnectionGuard")
struct ConnectionGuardTests {
    private let limits = ConnectionGuard.Limits()

    @Test("a request that comes and is answered leaves the connection idle")
    func ordinary() {
        let machine = Guard()
        #expect(machine.value.opened() == [.start(.idle, self.limits.idle)])
        #expect(machine.value.requestHead() == [.stop(.idle), .start(.request, self.limits.request)])
        #expect(machine.value.requestEnd() == [.stop(.request)])
        machine.value.responseHead(closes: false)
        #expect(machine.value.responseEnd() == [.start(.idle, self.limits.idle)])
    }

    @Test("an answer that ends the connection lets a sending client linger, for a second or a megabyte")
    func lingering() {
        let machine = Guard()
        _ = machine.value.requestHead()
        machine.value.responseHead(closes: true)
        #expect(machine.passesInput)
        #expect(machine.value.responseEnd() == [.stop(.request), .start(.linger, self.limits.linger)])
        #expect(!machine.passesInput)
        #expect(machine.value.requestBody(bytes: 1_000) == [])
        #expect(machine.value.requestBody(bytes: 2 << 20) == [.close])
        #expect(machine.value.expired(.linger) == [.close])
        #expect(machine.value.requestEnd() == [.close])
    }

    @Test("an answer that ends the connection closes it when the request is complete")
    func closing() {
        let machine = Guard()
        _ = machine.value.requestHead()
        _ = machine.value.requestEnd()
        machine.value.responseHead(closes: true)
        #expect(machine.value.responseEnd() == [.close])
    }

    @Test("pipelined requests keep the connection busy until the last is answered")
    func pipelined() {
        let machine = Guard()
        for _ in 0..<2 {
            _ = machine.value.requestHead()
            _ = machine.value.requestEnd()
        }
        machine.value.responseHead(closes: false)
        #expect(machine.value.responseEnd() == [])
        machine.value.responseHead(closes: false)
        #expect(machine.value.responseEnd() == [.start(.idle, self.limits.idle)])
    }

    @Test("bytes that are not taken start a clock, taken ones stop it")
    func writing() {
        let machine = Guard()
        #expect(machine.value.writability(false) == [.start(.write, self.limits.write)])
        #expect(machine.value.writability(true) == [.stop(.write)])
        for clock in ConnectionGuard.Clock.allCases { #expect(machine.value.expired(clock) == [.close]) }
    }
}
