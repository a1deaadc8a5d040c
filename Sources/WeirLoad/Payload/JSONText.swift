//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Pieces of JSON as text, for templates. Texts here need no escapes.
enum JSONText {
    static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { #""\#($0.0)":\#($0.1)"# }.joined(separator: ",") + "}"
    }

    static func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

    static func text(_ value: String) -> String { #""\#(value)""# }

    /// Members whose values are addresses below one.
    static func addresses(_ base: String, _ paths: [(String, String)]) -> [(String, String)] {
        paths.map { ($0.0, Self.text(base + $0.1)) }
    }
}
