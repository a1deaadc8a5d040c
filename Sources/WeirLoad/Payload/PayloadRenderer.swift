//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes the bodies of a plan's deliveries.
///
/// A body costs some copies of bytes that are ready, about a microsecond; what is dear at this rate is its signature.
struct PayloadRenderer: Sendable {
    private let templates: PayloadTemplates
    /// The text of a second, for some seconds: neighbouring deliveries share them.
    private var times: [TimeText]

    private struct TimeText: Sendable {
        var second = Int64.min
        var json: [UInt8] = []
        var form: [UInt8] = []
    }

    private static let statuses = Texts(Status.allCases.map(\.name))
    private static let conclusions = Texts(Conclusion.allCases.map(\.name))
    private static let runnerPrefix = Texts(["runner-"])
    /// Around the number of a job, the labels of which are its own.
    private static let uniqueLabels = Texts([#"["self-hosted","runs-on="#, #""]"#])

    init(_ parameters: LoadParameters) {
        self.templates = PayloadTemplates(bodyBytes: parameters.bodyBytes, runBodyBytes: parameters.runBodyBytes)
        self.times = Array(repeating: TimeText(), count: 64)
    }

    /// Most bytes that any body has.
    var bytesMax: Int { self.templates.bytesMax }

    /// Writes a delivery's body.
    ///
    /// - Parameters:
    ///   - target: Room for ``bytesMax`` bytes.
    ///   - isForm: Whether it is written as a form.
    /// - Returns: The bytes written.
    mutating func write(
        _ delivery: LoadDelivery, isForm: Bool, to target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let template = self.templates.template(for: delivery)
        let form = isForm ? template.form : template.json
        var cursor = Cursor(target: target)
        form.bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            for cut in form.cuts {
                cursor.append(bytes, start, cut.end)
                start = cut.end
                self.fill(cut.slot, delivery, isForm, &cursor)
            }
            cursor.append(bytes, start, bytes.count)
        }
        return cursor.count
    }

    /// The JSON of a delivery.
    mutating func json(_ delivery: LoadDelivery) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: self.bytesMax) { buffer, count in
            count = buffer.baseAddress.map { self.write(delivery, isForm: false, to: $0) } ?? 0
        }
    }

    private mutating func fill(_ slot: Slot, _ delivery: LoadDelivery, _ isForm: Bool, _ cursor: inout Cursor) {
        switch slot {
        case .runID: cursor.append(decimal: delivery.runID)
        case .jobID: cursor.append(decimal: delivery.jobID)
        case .attempt: cursor.append(decimal: delivery.attempt)
        case .runNumber: cursor.append(decimal: delivery.runNumber)
        case .workflow: cursor.append(Catalogue.workflows.bytes(delivery.workflow, isForm: isForm))
        case .branch: cursor.append(Catalogue.branches.bytes(delivery.branch, isForm: isForm))
        case .title: cursor.append(Catalogue.titles.bytes(delivery.title, isForm: isForm))
        case .actor: cursor.append(Catalogue.actors.bytes(delivery.actor, isForm: isForm))
        case .trigger: cursor.append(Catalogue.events.bytes(delivery.trigger, isForm: isForm))
        case .name: cursor.append(Catalogue.jobs.bytes(delivery.name, isForm: isForm))
        case .commit:
            cursor.append(hexadecimal: delivery.commit.0, digits: 16)
            cursor.append(hexadecimal: delivery.commit.1, digits: 16)
            cursor.append(hexadecimal: UInt64(delivery.commit.2), digits: 8)
        case .labels:
            switch delivery.labels {
            case .set(let index): cursor.append(Catalogue.labelSets.bytes(index, isForm: isForm))
            case .unique:
                cursor.append(Self.uniqueLabels.bytes(0, isForm: isForm))
                cursor.append(decimal: delivery.jobID)
                cursor.append(Self.uniqueLabels.bytes(1, isForm: isForm))
            }
        case .runner: cursor.append(decimal: Int64(delivery.runner))
        case .status: cursor.append(Self.statuses.bytes(Int(delivery.status.rawValue) - 1, isForm: isForm))
        case .conclusion:
            guard let conclusion = delivery.conclusion else { return }
            cursor.append(Self.conclusions.bytes(Int(conclusion.rawValue) - 1, isForm: isForm))
        case .created: cursor.append(self.time(delivery.created, isForm))
        case .started: cursor.append(self.time(delivery.started, isForm))
        case .updated: cursor.append(self.time(delivery.updated, isForm))
        }
    }

    private mutating func time(_ second: Int64, _ isForm: Bool) -> [UInt8] {
        let index = Int(second & 63)
        if self.times[index].second != second {
            let json = Array(Timestamp(milliseconds: second * 1_000).rfc3339.utf8)
            self.times[index] = TimeText(second: second, json: json, form: FormEncoding.encoded(json))
        }
        return isForm ? self.times[index].form : self.times[index].json
    }

    /// Most bytes that a place is filled with, in either form.
    static func bytesMax(_ slot: Slot) -> Int {
        switch slot {
        case .runID, .jobID, .attempt, .runNumber, .runner: 20
        case .workflow: Catalogue.workflows.bytesMax
        case .branch: Catalogue.branches.bytesMax
        case .title: Catalogue.titles.bytesMax
        case .actor: Catalogue.actors.bytesMax
        case .trigger: Catalogue.events.bytesMax
        case .name: Catalogue.jobs.bytesMax
        case .commit: 40
        case .labels: Catalogue.labelSets.bytesMax + 2 * self.uniqueLabels.bytesMax + 20
        case .status: self.statuses.bytesMax
        case .conclusion: self.conclusions.bytesMax
        case .created, .started, .updated: 32
        }
    }

    /// The fewest bytes that a place is filled with, as JSON.
    static func bytesMin(_ slot: Slot) -> Int {
        switch slot {
        case .runID, .jobID: 16
        case .attempt, .runner: 1
        case .runNumber: 3
        case .workflow: Catalogue.workflows.bytesMin
        case .branch: Catalogue.branches.bytesMin
        case .title: Catalogue.titles.bytesMin
        case .actor: Catalogue.actors.bytesMin
        case .trigger: Catalogue.events.bytesMin
        case .name: Catalogue.jobs.bytesMin
        case .commit: 40
        case .labels: Catalogue.labelSets.bytesMin
        case .status: self.statuses.bytesMin
        case .conclusion: self.conclusions.bytesMin
        case .created, .started, .updated: 20
        }
    }
}

/// Writes bytes one after the other; whoever gives it memory answers for there being enough.
struct Cursor {
    let target: UnsafeMutablePointer<UInt8>
    private(set) var count = 0

    init(target: UnsafeMutablePointer<UInt8>) { self.target = target }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) {
        guard end > start, let base = bytes.baseAddress else { return }
        memcpy(self.target + self.count, base + start, end - start)
        self.count += end - start
    }

    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { self.append($0, 0, $0.count) }
    }

    mutating func append(decimal number: Int64) {
        var digits = 1
        var bound: Int64 = 10
        while digits < 18, number >= bound {
            digits += 1
            bound *= 10
        }
        var rest = number
        for place in stride(from: self.count + digits - 1, through: self.count, by: -1) {
            self.target[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        self.count += digits
    }

    mutating func append(hexadecimal number: UInt64, digits: Int) {
        for place in 0..<digits {
            let value = UInt8(truncatingIfNeeded: number >> UInt64(4 * (digits - 1 - place))) & 15
            self.target[self.count + place] = hexadecimalDigit(value)
        }
        self.count += digits
    }
}
