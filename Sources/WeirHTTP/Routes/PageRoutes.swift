//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes
import Hummingbird
import NIOCore
import WeirModel

/// The board's page, served from the program itself.
struct PageRoutes: Sendable {
    private struct Asset: Sendable {
        let body: ByteBuffer
        let contentType: String
        let tag: String

        init(_ bytes: [UInt8], name: String) {
            self.body = ByteBuffer(bytes: bytes)
            var digest = Digest()
            digest.add(bytes)
            self.tag = "\"\(String(digest.value, radix: 16))\""
            self.contentType =
                switch name.split(separator: ".").last {
                case "html": "text/html; charset=utf-8"
                case "css": "text/css; charset=utf-8"
                case "js": "text/javascript; charset=utf-8"
                case "svg": "image/svg+xml"
                default: "application/octet-stream"
                }
        }
    }

    private let index = Asset(PageFiles.index, name: "index.html")
    private let assets = Dictionary(
        uniqueKeysWithValues: PageFiles.assets.map { ($0.key, Asset($0.value, name: $0.key)) })

    func add(to router: Router<WeirContext>) {
        router.get("/") { request, _ in self.answer(self.index, request) }
        router.get("assets/{file}") { request, context in
            guard let asset = self.assets[try context.parameters.require("file")] else {
                throw Problem.notFound("the page has no such file")
            }
            return self.answer(asset, request)
        }
    }

    private func answer(_ asset: Asset, _ request: Request) -> Response {
        // The files' names do not change with their content, so the browser asks each time; the tag saves the body.
        let headers: HTTPFields = [.contentType: asset.contentType, .cacheControl: "no-cache", .eTag: asset.tag]
        if request.headers[.ifNoneMatch] == asset.tag { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: asset.body))
    }
}
