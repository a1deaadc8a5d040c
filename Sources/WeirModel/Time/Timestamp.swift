//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// An instant as integer milliseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds since the epoch, UTC.
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// The second it lies in, counted from the epoch, rounded down.
    public var second: Int64 {
        let (quotient, remainder) = self.milliseconds.quotientAndRemainder(dividingBy: 1_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// The instant this many seconds later.
    public func adding(seconds: Int64) -> Timestamp { Timestamp(milliseconds: self.milliseconds + seconds * 1_000) }

    public var description: String { self.rfc3339 }
}

// MARK: - RFC 3339

extension Timestamp {
    /// Years that RFC 3339 can write.
    private static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    /// Reads an RFC 3339 date-time such as `2021-09-13T02:21:13Z` or `2021-09-13T04:21:13.5+02:00`.
    ///
    /// Fractions finer than a millisecond are cut off. Nil for anything else.
    public init?(rfc3339 text: some StringProtocol) {
        let bytes = Array(text.utf8)
        var reader = DigitReader(bytes: bytes)
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), reader.take(":"), let minute = reader.number(2), reader.take(":"),
            let second = reader.number(2), (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second <= 60, let millisecond = reader.fraction(), let offset = reader.offset(),
            reader.isAtEnd
        else { return nil }
        let seconds =
            Self.daysSinceEpoch(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60
            + min(second, 59) - offset
        self.init(milliseconds: seconds * 1_000 + millisecond)
    }

    /// The instant in RFC 3339, UTC, with milliseconds only when there are some.
    public var rfc3339: String {
        let clamped = self.clamped
        let seconds = clamped.second
        let millisecond = clamped.milliseconds - seconds * 1_000
        let (days, rest) = Self.daysAndSeconds(seconds)
        let date = Self.date(daysSinceEpoch: days)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        bytes.append(date.year, digits: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(date.month, digits: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(date.day, digits: 2)
        bytes.append(UInt8(ascii: "T"))
        bytes.append(rest / 3_600, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(rest / 60 % 60, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(rest % 60, digits: 2)
        if millisecond != 0 {
            bytes.append(UInt8(ascii: "."))
            bytes.append(millisecond, digits: 3)
        }
        bytes.append(UInt8(ascii: "Z"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The time as HTTP has it, to the second: `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110, 5.6.7).
    public var httpDate: String {
        let (days, second) = Self.daysAndSeconds(self.clamped.second)
        let date = Self.date(daysSinceEpoch: days)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(29)
        // The first of January 1970 was a Thursday.
        bytes += ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int((days % 7 + 7) % 7)].utf8
        bytes += ", ".utf8
        bytes.append(date.day, digits: 2)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        bytes += " \(months[Int(date.month) - 1]) ".utf8
        bytes.append(date.year, digits: 4)
        bytes.append(UInt8(ascii: " "))
        bytes.append(second / 3_600, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(second / 60 % 60, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(second % 60, digits: 2)
        bytes += " GMT".utf8
        return String(decoding: bytes, as: UTF8.self)
    }

    private var clamped: Timestamp {
        Timestamp(milliseconds: min(max(self.milliseconds, Self.range.lowerBound), Self.range.upperBound))
    }

    /// Whole days since the epoch, rounded down, and the second of the day.
    private static func daysAndSeconds(_ seconds: Int64) -> (days: Int64, second: Int64) {
        let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        return rest < 0 ? (days - 1, rest + 86_400) : (days, rest)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        default: 31
        }
    }

    /// Days from civil, proleptic Gregorian. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Civil from days, the inverse; same source.
    private static func date(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = daysSinceEpoch + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ number: Int64, digits: Int) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            self.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}

/// Reads fixed-width fields of a date-time.
private struct DigitReader {
    let bytes: [UInt8]
    var position = 0

    var isAtEnd: Bool { self.position == self.bytes.count }

    private var digit: Int64? {
        guard self.position < self.bytes.count else { return nil }
        let byte = self.bytes[self.position]
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        return Int64(byte - UInt8(ascii: "0"))
    }

    mutating func number(_ digits: Int) -> Int64? {
        var result: Int64 = 0
        for _ in 0..<digits {
            guard let digit = self.digit else { return nil }
            result = result * 10 + digit
            self.position += 1
        }
        return result
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard self.position < self.bytes.count, UInt32(self.bytes[self.position]) == character.value else {
            return false
        }
        self.position += 1
        return true
    }

    /// Milliseconds of the fraction; 0 without one; nil for a point without digits.
    mutating func fraction() -> Int64? {
        guard self.take(".") else { return 0 }
        var result: Int64 = 0
        var scale: Int64 = 100
        guard self.digit != nil else { return nil }
        while let digit = self.digit {
            result += digit * scale
            scale /= 10
            self.position += 1
        }
        return result
    }

    /// Seconds east of UTC.
    mutating func offset() -> Int64? {
        if self.take("Z") || self.take("z") { return 0 }
        let sign: Int64
        if self.take("+") {
            sign = 1
        } else if self.take("-") {
            sign = -1
        } else {
            return nil
        }
        guard let hours = self.number(2), self.take(":"), let minutes = self.number(2), hours < 24, minutes < 60 else {
            return nil
        }
        return sign * (hours * 3_600 + minutes * 60)
    }
}
