//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import Testing

/// A block of Swift in a page, or in a source file between two markers.
struct Example: Hashable {
    var lines: [String]

    /// The lines without the indentation they share.
    init(indented lines: some Sequence<Substring>) {
        let lines = lines.map(String.init)
        let indentation = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        self.lines = lines.map { String($0.dropFirst(indentation)) }
    }
}

/// Keeps the pages' examples equal to code that is compiled and run.
enum DocumentationCheck {
    struct Fault: Error, Equatable, CustomStringConvertible {
        var description: String
    }

    /// The examples between `// snippet: name` and `// snippet end`, by name.
    static func snippets(in source: String) throws(Fault) -> [String: Example] {
        var result: [String: Example] = [:]
        var open: (name: String, lines: [Substring])?
        for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
            let text = line.drop { $0 == " " }
            if text == "// snippet end" {
                guard let snippet = open else { throw Fault(description: "a snippet ends that did not begin") }
                guard result.updateValue(Example(indented: snippet.lines), forKey: snippet.name) == nil else {
                    throw Fault(description: "two snippets are named \(snippet.name)")
                }
                open = nil
            } else if text.hasPrefix("// snippet: ") {
                if let open { throw Fault(description: "the snippet \(open.name) does not end") }
                open = (String(text.dropFirst("// snippet: ".count)), [])
            } else {
                open?.lines.append(line)
            }
        }
        if let open { throw Fault(description: "the snippet \(open.name) does not end") }
        return result
    }

    /// The blocks of Swift in a page.
    static func blocks(in page: String) -> [Example] {
        var result: [Example] = []
        var open: [Substring]?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            let text = line.drop { $0 == " " }
            if let lines = open, text.hasPrefix("```") {
                result.append(Example(indented: lines))
                open = nil
            } else if open != nil {
                open?.append(line)
            } else if text.hasPrefix("```swift") {
                open = []
            }
        }
        return result
    }

    /// Blocks that are no snippet, and snippets that stand in no page.
    static func faults(pages: [String: String], snippets: [String: Example]) -> [Fault] {
        let known = Set(snippets.values)
        var used: Set<Example> = []
        var faults: [Fault] = []
        for (name, page) in pages.sorted(by: { $0.key < $1.key }) {
            for block in self.blocks(in: page) {
                used.insert(block)
                if !known.contains(block) {
                    let first = block.lines.first ?? ""
                    faults.append(Fault(description: "\(name): no test has \"\(first)\" as it stands"))
                }
            }
        }
        for (name, snippet) in snippets.sorted(by: { $0.key < $1.key }) where !used.contains(snippet) {
            faults.append(Fault(description: "the snippet \"\(name)\" stands in no page"))
        }
        return faults
    }
}

@Suite("Documentation")
struct DocumentationTests {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Files below a directory, by their path from the root.
    private func files(_ directory: String, where isWanted: (String) -> Bool) throws -> [String: String] {
        let base = self.root.appending(path: directory).resolvingSymlinksInPath().path()
        let names = try FileManager.default.subpathsOfDirectory(atPath: base).filter(isWanted)
        return try Dictionary(
            uniqueKeysWithValues: names.map {
                ("\(directory)/\($0)", try String(contentsOf: URL(filePath: "\(base)/\($0)"), encoding: .utf8))
            })
    }

    private func pages() throws -> [String: String] {
        var pages = try self.files("Sources") { $0.contains(".docc/") && $0.hasSuffix(".md") }
        pages["README.md"] = try String(contentsOf: self.root.appending(path: "README.md"), encoding: .utf8)
        return pages
    }

    private func snippets() throws -> [String: Example] {
        let sources = try self.files("Tests/DocumentationTests") { $0.hasSuffix("Examples.swift") }
            .merging(self.files("Tests/ExternalPackage/Sources") { $0.hasSuffix(".swift") }) { $1 }
        return try sources.values.reduce(into: [:]) { result, source in
            for (name, snippet) in try DocumentationCheck.snippets(in: source) {
                #expect(result.updateValue(snippet, forKey: name) == nil, "two snippets are named \(name)")
            }
        }
    }

    @Test("every block of Swift in a page is code that a test runs, and every snippet is in a page")
    func examples() throws {
        let pages = try self.pages()
        let snippets = try self.snippets()
        #expect(pages.count >= 12 && snippets.count >= 15)
        for fault in DocumentationCheck.faults(pages: pages, snippets: snippets) { Issue.record(fault) }
    }

    @Test("one letter changed in any block, or a snippet nobody shows, is found")
    func negativeControl() throws {
        let pages = try self.pages()
        let snippets = try self.snippets()
        var tried = 0
        for (name, page) in pages where page.contains("```swift") {
            let changed = page.replacing(/(```swift\n[^`]*?)try/) { "\($0.1)tri" }
            guard changed != page else { continue }
            tried += 1
            var others = pages
            others[name] = changed
            #expect(!DocumentationCheck.faults(pages: others, snippets: snippets).isEmpty, "\(name)")
        }
        #expect(tried >= 8)
        let unused = snippets.merging(["unused": Example(indented: ["let x = 1"])]) { $1 }
        let faults = DocumentationCheck.faults(pages: pages, snippets: unused)
        #expect(faults.map(\.description) == ["the snippet \"unused\" stands in no page"])
    }

    @Test("the README's example is twenty lines at most, not counting the empty ones")
    func twentyLines() throws {
        let example = try #require(try self.snippets()["twenty lines"])
        #expect(example.lines.filter { !$0.isEmpty }.count <= 20)
        let readme = try #require(try self.pages()["README.md"])
        #expect(DocumentationCheck.blocks(in: readme).contains(example))
    }

    @Test("markers that do not pair are refused")
    func markers() throws {
        for source in ["// snippet: a\n", "// snippet end\n", "// snippet: a\n// snippet: b\n// snippet end\n"] {
            #expect(throws: DocumentationCheck.Fault.self) { try DocumentationCheck.snippets(in: source) }
        }
        let indented = "    // snippet: a\n        let x = 1\n\n            + 2\n    // snippet end\n"
        let snippets = try DocumentationCheck.snippets(in: indented)
        #expect(snippets["a"]?.lines == ["let x = 1", "", "    + 2"])
    }
}
