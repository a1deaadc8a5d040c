//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import WeirLoad

@Suite("Arrival schedule")
struct ArrivalScheduleTests {
    @Test("A constant rate has no drift: the millionth send is due to the nanosecond")
    func constant() {
        let schedule = ArrivalSchedule(fromRate: 7_500, toRate: 7_500, seconds: 3_600)
        #expect(schedule.count == 27_000_000)
        #expect(schedule.offset(0) == 0)
        #expect(schedule.offset(7_500) == 1_000_000_000)
        #expect(schedule.offset(26_992_500) == 3_599_000_000_000)
    }

    @Test("Instants depend on the number alone and never go back", arguments: [(50.0, 20_000.0), (9_000, 10), (3, 3)])
    func order(from: Double, to: Double) {
        let schedule = ArrivalSchedule(fromRate: from, toRate: to, seconds: 20)
        var last: Int64 = -1
        for index in 0..<schedule.count {
            let offset = schedule.offset(index)
            #expect(offset > last)
            last = offset
        }
        #expect(last <= 20_000_000_000)
        #expect(last > 18_000_000_000)
    }

    @Test("A ramp has its rates at both ends, and half the sends of its end rate behind it")
    func ramp() {
        let schedule = ArrivalSchedule(fromRate: 50, toRate: 20_000, seconds: 60)
        #expect(schedule.count == 601_500)
        let inFirstSecond = (0..<schedule.count).prefix { schedule.offset($0) < 1_000_000_000 }.count
        #expect((200...230).contains(inFirstSecond))
        let beforeLastSecond = schedule.count - 20_000
        #expect((58_900_000_000...59_100_000_000).contains(schedule.offset(beforeLastSecond)))
    }
}
