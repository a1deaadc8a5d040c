//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Crypto
import FoundationEssentials
import NIOCore

/// Writes whole signed requests, ready for a socket.
struct RequestWriter: Sendable {
    /// A request's head with places for what is known only when the body is there.
    private struct Head: Sendable {
        let bytes: [UInt8]
        let id: Int
        let signature: Int
        let length: Int

        /// Characters for the length; blanks in front of a field's value mean nothing.
        static let lengthDigits = 9

        init(_ target: LoadTarget, event: String, id: String, isForm: Bool) {
            let type = isForm ? "application/x-www-form-urlencoded" : "application/json"
            var text = """
                POST \(target.path) HTTP/1.1\r\nHost: \(target.authority)\r\nUser-Agent: GitHub-Hookshot/6d1f0aa\r
                Accept: */*\r\nContent-Type: \(type)\r\nX-GitHub-Hook-ID: 448112907\r
                X-GitHub-Hook-Installation-Target-ID: \(Catalogue.organizationID)\r
                X-GitHub-Hook-Installation-Target-Type: organization\r\nX-GitHub-Event: \(event)\r\nX-GitHub-Delivery: \

                """
            self.id = text.utf8.count
            text += id + "\r\nX-Hub-Signature-256: sha256="
            self.signature = text.utf8.count
            text += String(repeating: "0", count: 64) + "\r\nContent-Length: "
            self.length = text.utf8.count
            text += String(repeating: " ", count: Self.lengthDigits) + "\r\n\r\n"
            self.bytes = Array(text.utf8)
        }
    }

    private var source: DeliverySource
    private let target: LoadTarget
    /// The keyed state before the first byte: copying it spares hashing the key for each request.
    private let code: HMAC<SHA256>
    /// By event, as JSON and as a form.
    private let heads: [Head]

    init(_ source: DeliverySource, target: LoadTarget, secret: String) {
        self.source = source
        self.target = target
        self.code = HMAC<SHA256>(key: SymmetricKey(data: Array(secret.utf8)))
        let id = String(repeating: "0", count: DeliveryIdentifier.length)
        self.heads = [LoadDelivery.Event.job, .run].flatMap { event in
            [false, true].map { Head(target, event: event.name, id: id, isForm: $0) }
        }
    }

    /// Writes the request of a delivery behind what is in the buffer.
    mutating func write(_ number: Int, into buffer: inout ByteBuffer) {
        switch self.source.content {
        case .plan(let plan): self.write(plan.delivery(number), into: &buffer)
        case .file(let file): self.write(file.line(number), into: &buffer)
        }
    }

    private mutating func write(_ delivery: LoadDelivery, into buffer: inout ByteBuffer) {
        let head = self.heads[(delivery.event == .job ? 0 : 2) + (delivery.isForm ? 1 : 0)]
        buffer.writeWithUnsafeMutableBytes(
            minimumWritableBytes: head.bytes.count + self.source.renderer.bytesMax
        ) { room in
            guard let target = room.bindMemory(to: UInt8.self).baseAddress else { return 0 }
            var cursor = Cursor(target: target)
            cursor.append(head.bytes)
            delivery.id.write(to: target + head.id)
            let count = self.source.renderer.write(delivery, isForm: delivery.isForm, to: target + cursor.count)
            self.finish(target, head, bodyBytes: count)
            return head.bytes.count + count
        }
    }

    private func write(_ line: ReplayLine, into buffer: inout ByteBuffer) {
        let head = Head(self.target, event: line.event, id: line.delivery, isForm: false)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: head.bytes.count + line.body.count) { room in
            guard let target = room.bindMemory(to: UInt8.self).baseAddress else { return 0 }
            var cursor = Cursor(target: target)
            cursor.append(head.bytes)
            line.body.withUnsafeBytes { cursor.append($0.bindMemory(to: UInt8.self), 0, line.body.count) }
            self.finish(target, head, bodyBytes: line.body.count)
            return cursor.count
        }
    }

    /// Fills in the signature and the length of a body that stands behind its head.
    private func finish(_ target: UnsafeMutablePointer<UInt8>, _ head: Head, bodyBytes: Int) {
        var code = self.code
        code.update(data: UnsafeRawBufferPointer(start: target + head.bytes.count, count: bodyBytes))
        var place = head.signature
        for byte in code.finalize() {
            target[place] = hexadecimalDigit(byte >> 4)
            target[place + 1] = hexadecimalDigit(byte & 15)
            place += 2
        }
        var rest = bodyBytes
        place = head.length + Head.lengthDigits
        repeat {
            place -= 1
            target[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
    }
}
