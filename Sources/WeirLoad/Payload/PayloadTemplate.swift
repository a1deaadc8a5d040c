//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// A place in a body that each delivery fills anew.
enum Slot: UInt8, CaseIterable {
    case runID
    case jobID
    case attempt
    case runNumber
    case workflow
    case branch
    case commit
    case title
    case actor
    case trigger
    case name
    case labels
    case runner
    case status
    case conclusion
    case created
    case started
    case updated

    /// What stands for the place in a template's text: a character that no text of ours has.
    var mark: String { String(Self.scalar(self.rawValue)) }

    /// From the private use area of Unicode.
    private static func scalar(_ value: UInt8) -> Unicode.Scalar {
        Unicode.Scalar(0xe000 + UInt32(value)) ?? "?"
    }

    init?(_ scalar: Unicode.Scalar) {
        guard scalar.value >= 0xe000, let value = UInt8(exactly: scalar.value - 0xe000) else { return nil }
        self.init(rawValue: value)
    }
}

/// A body as bytes with places between them, prepared once in both forms that a body can have.
struct PayloadTemplate: Sendable {
    /// The bytes between the places, one after the other.
    struct Form: Sendable {
        var bytes: [UInt8] = []
        /// Up to where the bytes go before each place.
        var cuts: [(end: Int, slot: Slot)] = []
        /// Most bytes it has with all places filled.
        var bytesMax = 0
    }

    let json: Form
    let form: Form

    /// - Parameter text: JSON with a ``Slot/mark`` for each place.
    init(_ text: String) {
        var json = Form()
        var form = Form()
        form.bytes = Array("payload=".utf8)
        var pending: [UInt8] = []
        func flush() {
            json.bytes += pending
            form.bytes += FormEncoding.encoded(pending)
            pending = []
        }
        for scalar in text.unicodeScalars {
            guard let slot = Slot(scalar) else {
                pending += Array(String(scalar).utf8)
                continue
            }
            flush()
            json.cuts.append((json.bytes.count, slot))
            form.cuts.append((form.bytes.count, slot))
        }
        flush()
        let placesMax = json.cuts.reduce(0) { $0 + PayloadRenderer.bytesMax($1.slot) }
        json.bytesMax = json.bytes.count + placesMax
        form.bytesMax = form.bytes.count + placesMax
        self.json = json
        self.form = form
    }

    /// The fewest bytes that the JSON has.
    var bytesMin: Int { self.json.cuts.reduce(self.json.bytes.count) { $0 + PayloadRenderer.bytesMin($1.slot) } }
}
