//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Days, weekdays and hours of a moment in UTC, and the form GitHub writes it in.
enum DemoCalendar {
    /// One day, in milliseconds.
    static let dayMilliseconds: Int64 = 86_400_000
    /// 2020-01-01T00:00:00Z, in milliseconds since the epoch.
    static let year2020Milliseconds: Int64 = 1_577_836_800_000
    /// 2024-01-01, in days since the epoch.
    static let day2024 = 19_723

    /// The day of a moment, in days since the epoch.
    static func day(_ milliseconds: Int64) -> Int {
        Int(milliseconds / Self.dayMilliseconds)
    }

    /// Whether a moment is on a Saturday or Sunday.
    static func isWeekend(_ milliseconds: Int64) -> Bool {
        // The epoch was a Thursday: the fourth day of a week that starts on Sunday.
        let weekday = (Self.day(milliseconds) + 4) % 7
        return weekday == 0 || weekday == 6
    }

    /// The hour of a moment with its fraction, from 0 up to but not including 24.
    static func hour(_ milliseconds: Int64) -> Double {
        Double(milliseconds % Self.dayMilliseconds) / 3_600_000
    }

    /// Appends a moment as `2026-01-02T03:04:05Z`, its fraction of a second cut off.
    ///
    /// - Parameters:
    ///   - milliseconds: The moment, in milliseconds since the epoch; not before it.
    ///   - bytes: Where to append 20 bytes of ASCII.
    static func append(_ milliseconds: Int64, to bytes: inout [UInt8]) {
        let seconds = Int(milliseconds / 1_000)
        // Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let shifted = seconds / 86_400 + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        Self.append(year / 100, to: &bytes)
        Self.append(year % 100, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(month, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(day, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        Self.append(seconds / 3_600 % 24, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(seconds / 60 % 60, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(seconds % 60, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Appends two decimal digits.
    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "0") + UInt8(number / 10))
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
