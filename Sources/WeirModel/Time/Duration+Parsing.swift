//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension Duration {
    /// Reads a duration such as `500ms`, `2s`, `5m`, `12h` or `30d`; a number alone means seconds.
    ///
    /// Nil for anything else, and for what does not fit into a century.
    public init?(parsing text: some StringProtocol) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number <= 3_155_760_000_000 else { return nil }
        let milliseconds: Int64
        switch text.dropFirst(digits.count) {
        case "ms": milliseconds = 1
        case "s", "": milliseconds = 1_000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        case "d": milliseconds = 86_400_000
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: milliseconds)
        guard !overflow, product <= 3_155_760_000_000 else { return nil }
        self = .milliseconds(product)
    }
}
