//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Glibc
import TestSupport
import Testing
import WeirModel

@Suite struct TimestampTests {
    @Test(
        "Known instants are read and written",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2021-09-13T02:21:13Z", 1_631_499_673_000),
            ("2000-02-29T12:00:00Z", 951_825_600_000), ("1969-12-31T23:59:59.999Z", -1),
            ("1969-12-31T23:59:59Z", -1_000), ("2038-01-19T03:14:08Z", 2_147_483_648_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("1900-03-01T00:00:00Z", -2_203_891_200_000), ("2024-12-31T23:59:59.001Z", 1_735_689_599_001),
        ])
    func known(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
        #expect(Timestamp(milliseconds: milliseconds).rfc3339 == text)
        #expect("\(Timestamp(milliseconds: milliseconds))" == text)
    }

    @Test(
        "Other spellings of an instant are read",
        arguments: [
            ("1970-01-01t00:00:00z", 0), ("1970-01-01 00:00:00Z", 0), ("1970-01-01T02:00:00+02:00", 0),
            ("1969-12-31T18:30:00-05:30", 0), ("1970-01-01T00:00:00-00:00", 0), ("1970-01-01T23:59:00+23:59", 0),
            ("1970-01-01T00:00:00.5Z", 500), ("1970-01-01T00:00:00.05Z", 50), ("1970-01-01T00:00:00.1239Z", 123),
            ("1970-01-01T00:00:00.00000000000000000000000001Z", 0), ("1970-01-01T00:00:01.25+00:00", 1_250),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
        ])
    func spellings(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(
        "Anything else is refused",
        arguments: [
            "", "now", "2021-09-13", "2021-09-13T02:21:13", "2021-09-13T02:21Z", "2021-9-13T02:21:13Z",
            "21-09-13T02:21:13Z", "2021-13-01T00:00:00Z", "2021-00-01T00:00:00Z", "2021-04-31T00:00:00Z",
            "2021-01-00T00:00:00Z", "2021-01-32T00:00:00Z", "2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
            "2021-09-13T24:00:00Z", "2021-09-13T02:60:00Z", "2021-09-13T02:21:61Z", "2021-09-13T02:21:13.Z",
            "2021-09-13T02:21:13,5Z", "2021-09-13T02:21:13+2:00", "2021-09-13T02:21:13+0200",
            "2021-09-13T02:21:13+24:00", "2021-09-13T02:21:13+02:60", "2021-09-13T02:21:13Z ",
            " 2021-09-13T02:21:13Z", "2021-09-13T02:21:13ZZ", "-2021-09-13T02:21:13Z", "+021-09-13T02:21:13Z",
            "２０２１-09-13T02:21:13Z", "2021-09-13T02:21:13Z\u{0}", "2021/09/13T02:21:13Z", "2021-09-13_02:21:13Z",
        ])
    func refused(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("The days of every year from 1 to 9999 are counted without a gap")
    func everyYear() throws {
        // Counted by hand, so to say: from the first of January of the year 1, year after year.
        var day: Int64 = -719_162
        func text(_ year: Int, _ rest: String) -> String {
            String(repeating: "0", count: 4 - String(year).count) + "\(year)-\(rest)T00:00:00Z"
        }
        for year in 1...9_999 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let dates: [(String, Int64)] = [
                ("01-01", 0), ("02-28", 58), ("03-01", isLeap ? 60 : 59), ("12-31", isLeap ? 365 : 364),
            ]
            for (rest, offset) in dates {
                let milliseconds = (day + offset) * 86_400_000
                try #require(Timestamp(rfc3339: text(year, rest))?.milliseconds == milliseconds)
                try #require(Timestamp(milliseconds: milliseconds).rfc3339 == text(year, rest))
            }
            try #require((Timestamp(rfc3339: text(year, "02-29")) != nil) == isLeap)
            day += isLeap ? 366 : 365
        }
        #expect(day == 2_932_897)
    }

    @Test("Writing and reading gives the same instant", arguments: [1, 2, 3])
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<4_000 {
            let milliseconds = Int64.random(in: -62_135_596_800_000...253_402_300_799_999, using: &random)
            let time = Timestamp(milliseconds: milliseconds)
            try #require(Timestamp(rfc3339: time.rfc3339) == time, "seed \(seed): \(milliseconds)")
        }
    }

    @Test("An offset moves the instant by as much", arguments: [4, 5])
    func offsets(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        for _ in 0..<2_000 {
            let local = Timestamp(milliseconds: Int64.random(in: 0...4_000_000_000, using: &random) * 1_000)
            let minutes = Int64.random(in: 0..<1_440, using: &random)
            let east = Bool.random(using: &random)
            let text = local.rfc3339.dropLast() + (east ? "+" : "-") + two(minutes / 60) + ":" + two(minutes % 60)
            let expected = local.adding(seconds: (east ? -60 : 60) * minutes)
            try #require(Timestamp(rfc3339: text) == expected, "seed \(seed): \(text)")
        }
    }

    @Test("Instants that RFC 3339 cannot write are written as the nearest it can")
    func clamped() {
        #expect(Timestamp(milliseconds: .min).rfc3339 == "0001-01-01T00:00:00Z")
        #expect(Timestamp(milliseconds: .max).rfc3339 == "9999-12-31T23:59:59.999Z")
    }

    @Test("HTTP's form of a time is what the C library writes", arguments: [UInt64.random(in: 0...UInt64.max)])
    func httpDates(seed: UInt64) throws {
        #expect(Timestamp(milliseconds: 784_111_777_999).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(Timestamp(milliseconds: -1).httpDate == "Wed, 31 Dec 1969 23:59:59 GMT")
        #expect(Timestamp(milliseconds: .max).httpDate == "Fri, 31 Dec 9999 23:59:59 GMT")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            var second = time_t(Int64.random(in: 0...4_000_000_000, using: &random))
            var parts = tm()
            gmtime_r(&second, &parts)
            var text = [CChar](repeating: 0, count: 40)
            strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            let expected = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            try #require(Timestamp(milliseconds: Int64(second) * 1_000).httpDate == expected, "seed \(seed)")
        }
    }

    @Test("Seconds are rounded down, also before the epoch")
    func seconds() {
        let table: [(Int64, Int64)] = [
            (0, 0), (999, 0), (1_000, 1), (-1, -1), (-999, -1), (-1_000, -1), (-1_001, -2),
            (.min, -9_223_372_036_854_776),
        ]
        for (milliseconds, second) in table { #expect(Timestamp(milliseconds: milliseconds).second == second) }
        #expect(Timestamp(milliseconds: -1).adding(seconds: 2).milliseconds == 1_999)
        #expect(Timestamp(milliseconds: -1) < Timestamp(milliseconds: 0))
    }
}
