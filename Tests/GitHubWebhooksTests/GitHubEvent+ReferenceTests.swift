//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import GitHubWebhooks
import TestSupport
import Testing
import WeirModel

/// The reader of events against one that was written a second time: both accept, with equal records, or both refuse.
@Suite struct GitHubEventReferenceTests {
    private static func read(_ type: String, _ data: Data) -> LifecycleEvent? {
        // Why it was refused is not compared.
        try? GitHubEvent.read(type: type, json: data)
    }

    @Test("The tests' own payloads are read alike", arguments: Payload.own)
    func own(payload: Payload) throws {
        let event = try GitHubEvent.read(type: payload.type, json: payload.data)
        #expect(event == ReferenceReader.read(type: payload.type, json: payload.data))
    }

    @Test("GitHub's example payloads are read alike, where they are at hand")
    func samples() throws {
        let samples = try Payload.samples()
        // All of them or none.
        #expect(samples.isEmpty || samples.count >= 6)
        for payload in samples {
            let event = try GitHubEvent.read(type: payload.type, json: payload.data)
            #expect(event == ReferenceReader.read(type: payload.type, json: payload.data), "\(payload.name)")
        }
    }

    // MARK: - Mutations

    private struct Mutator {
        var random: SeededGenerator

        private static let words = [
            "", "queued", "in_progress", "completed", "waiting", "requested", "pending", "success", "failure",
            "cancelled", "timed_out", "action_required", "stale", "canceled", "Completed", "null", "größe", "a\"b\\c\n",
            "https://other.example.com/a", "2021-09-13T02:21:13Z", "2021-09-13T02:21:13.25+02:00",
            "2021-02-30T00:00:00Z", "0",
        ]

        private mutating func word() -> JSONValue { .text(Self.words.randomElement(using: &self.random) ?? "") }

        private mutating func value() -> JSONValue {
            switch Int.random(in: 0..<10, using: &self.random) {
            case 0: .null
            case 1: .bool(Bool.random(using: &self.random))
            case 2: .integer(Int64.random(in: .min ... .max, using: &self.random))
            case 3: .number(1.5)
            case 4: .array([])
            case 5: .array([self.word(), .null])
            case 6: .object([:])
            case 7: .object(["name": self.word(), "login": .integer(1)])
            default: self.word()
            }
        }

        private mutating func path(_ json: JSONValue, _ type: String) -> ArraySlice<String>? {
            if Int.random(in: 0..<4, using: &self.random) > 0, let fields = Payload.fields[type] {
                return fields.randomElement(using: &self.random)?.split(separator: ".").map(String.init)[...]
            }
            return json.paths.randomElement(using: &self.random)?[...]
        }

        /// A payload with one to three changes.
        mutating func mutate(_ json: JSONValue, type: String) -> Data {
            var json = json
            for _ in 0..<Int.random(in: 1...3, using: &self.random) {
                guard let path = self.path(json, type) else { continue }
                switch Int.random(in: 0..<5, using: &self.random) {
                case 0: json[path] = JSONValue?.none
                case 1: json[path] = .null
                case 2: json[path] = self.value()
                default: if case .text = json[path] { json[path] = self.word() } else { json[path] = self.value() }
                }
            }
            let data = json.data
            guard Int.random(in: 0..<12, using: &self.random) == 0 else { return data }
            return data.prefix(Int.random(in: 0..<data.count, using: &self.random))
        }
    }

    @Test("Two thousand payloads with fields dropped, emptied, retyped, reworded and cut off are read alike")
    func mutations() throws {
        let seed: UInt64 = 20_210_913
        let payloads = try (Payload.own + Payload.samples()).map { (type: $0.type, json: try JSONValue($0.data)) }
        var mutator = Mutator(random: SeededGenerator(seed: seed))
        var accepted = 0
        for number in 0..<2_000 {
            let payload = payloads[number % payloads.count]
            let data = mutator.mutate(payload.json, type: payload.type)
            let event = Self.read(payload.type, data)
            if event != nil { accepted += 1 }
            try #require(
                event == ReferenceReader.read(type: payload.type, json: data),
                "seed \(seed), mutation \(number): \(String(decoding: data, as: UTF8.self))")
        }
        // Many of both, or the test would say little.
        #expect((400...1_600).contains(accepted), "seed \(seed): \(accepted) were accepted")
    }

    @Test("A reader that takes no notice of one field is found out")
    func oneField() throws {
        let seed: UInt64 = 7
        var found: Set<String> = []
        let fields = ["workflow_job.runner_name", "workflow_job.conclusion", "workflow_job.labels", "sender.login"]
        for field in fields {
            let json = try JSONValue(Data(Payload.failedJob.utf8))
            var mutator = Mutator(random: SeededGenerator(seed: seed))
            for _ in 0..<500 where !found.contains(field) {
                let data = mutator.mutate(json, type: "workflow_job")
                guard var careless = try? JSONValue(data) else { continue }
                careless[field] = json[field]
                if ReferenceReader.read(type: "workflow_job", json: careless.data) != Self.read("workflow_job", data) {
                    found.insert(field)
                }
            }
        }
        #expect(found == Set(fields), "seed \(seed)")
    }

    @Test("JSON that the tests write is what they read")
    func jsonValue() throws {
        for payload in try Payload.own + Payload.samples() {
            let json = try JSONValue(payload.data)
            #expect(try JSONValue(json.data) == json)
            #expect(Self.read(payload.type, json.data) == Self.read(payload.type, payload.data))
        }
        var json = try JSONValue(Data(#"{"a":[1,{"b":"\u0001"}]}"#.utf8))
        #expect(json["a.1.b"] == .text("\u{1}"))
        json["a.0"] = JSONValue?.none
        json["c"] = .null
        #expect(json.json == #"{"a":[{"b":"\u0001"}],"c":null}"#)
    }
}
