//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import Testing
import WeirModel

@testable import WeirHTTP

@Suite("JSON")
struct JSONTests {
    @Test("values are written as the standard has them, in their order")
    func values() {
        let json = JSON.object([
            ("b", .array([.null, .bool(true), .bool(false)])), ("a", .integer(-7)), ("n", .number(1.5)),
            ("whole", .number(60)), ("nan", .number(.nan)), ("inf", .number(.infinity)), ("t", JSON(String?.none)),
            ("at", JSON(Timestamp(milliseconds: 1_500))), ("s", JSON(milliseconds: 2_250)),
        ])
        #expect(
            json.text
                == #"{"b":[null,true,false],"a":-7,"n":1.5,"whole":60,"nan":null,"inf":null,"t":null,"at":"1970-01-01T00:00:01.500Z","s":2.25}"#
        )
    }

    @Test(
        "any text survives writing and reading",
        arguments: ["", "plain", "\"\\/", "line\nbreak\ttab\r", "\u{0}\u{1f}\u{7f}", "grüße 🚀 \u{2028}", "</script>"])
    func texts(_ text: String) throws {
        let bytes = JSON.array([.string(text)]).bytes
        #expect(try JSONDecoder().decode([String].self, from: Data(bytes)) == [text])
    }
}

@Suite("PageFiles")
struct PageFilesTests {
    @Test("every file of the page is embedded, as it is, and nothing else")
    func complete() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources/WeirHTTP/Page")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path())
        #expect(Set(names) == Set(PageFiles.assets.keys).union(["index.html"]))
        for name in names {
            let content = try Data(contentsOf: folder.appending(path: name))
            #expect(Data(PageFiles.assets[name] ?? PageFiles.index) == content, "\(name)")
        }
    }
}
