//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import GitHubWebhooks
import Testing

@testable import WeirLoad

@Suite("Bodies")
struct PayloadRendererTests {
    private func body(_ renderer: inout PayloadRenderer, _ delivery: LoadDelivery, isForm: Bool) -> Data {
        var bytes = [UInt8](repeating: 0, count: renderer.bytesMax)
        let count = bytes.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { renderer.write(delivery, isForm: isForm, to: $0) } ?? 0
        }
        return Data(bytes.prefix(count))
    }

    @Test("A form decodes to the JSON that would have been sent in its place")
    func forms() throws {
        let parameters = LoadFixture.parameters(rate: 200, seconds: 5)
        let plan = LoadPlan(parameters)
        var renderer = PayloadRenderer(parameters)
        for number in 0..<parameters.sends {
            let delivery = plan.delivery(number)
            let json = self.body(&renderer, delivery, isForm: false)
            let form = self.body(&renderer, delivery, isForm: true)
            #expect(try WebhookBody.form.json(form) == json)
        }
    }

    @Test("Every body is JSON of at least the size asked for, and not much more", arguments: [0, 8_192, 40_000])
    func sizes(bytes: Int) throws {
        var parameters = LoadFixture.parameters(rate: 200, seconds: 5)
        parameters.bodyBytes = bytes
        parameters.runBodyBytes = bytes
        let plan = LoadPlan(parameters)
        var renderer = PayloadRenderer(parameters)
        for number in 0..<parameters.sends {
            let json = renderer.json(plan.delivery(number))
            #expect(json.count >= bytes && json.count < max(bytes, 11_000) + 1_500)
            _ = try JSONSerialization.jsonObject(with: Data(json))
        }
    }

    @Test("Bodies can have the size of real ones")
    func real() {
        var parameters = LoadFixture.parameters(rate: 200, seconds: 5)
        parameters.bodyBytes = 8_192
        parameters.runBodyBytes = 19_000
        let plan = LoadPlan(parameters)
        var renderer = PayloadRenderer(parameters)
        for number in 0..<parameters.sends {
            let delivery = plan.delivery(number)
            let count = renderer.json(delivery).count
            #expect((delivery.event == .job ? 8_192...12_000 : 19_000...22_500).contains(count))
        }
    }

    @Test("Numbers are written in full", arguments: [Int64(0), 7, 10, 99, 100, 9_007_199_254_740_991])
    func numbers(number: Int64) {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = bytes.withUnsafeMutableBufferPointer { buffer -> Int in
            guard let target = buffer.baseAddress else { return 0 }
            var cursor = Cursor(target: target)
            cursor.append(decimal: number)
            cursor.append(hexadecimal: 0xab, digits: 4)
            return cursor.count
        }
        #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "\(number)00ab")
    }
}
