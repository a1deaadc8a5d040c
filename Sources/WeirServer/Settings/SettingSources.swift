//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

/// The values given, each with where it came from: flags win over the environment, that over the file.
public struct SettingSources: Sendable {
    struct Value: Sendable {
        let text: String
        /// How an error names it: `--port`, `WEIR_PORT`, `port in weir.json`.
        let origin: String
    }

    private(set) var values: [SettingKey: Value] = [:]

    /// Gathers the values.
    ///
    /// - Parameters:
    ///   - flags: Values from the command line.
    ///   - environment: The process's environment.
    ///   - file: The path of a JSON file: an object of names and values.
    /// - Throws: ``StartError`` for an unknown name in the environment or the file, and for a file that cannot be read.
    public init(flags: [SettingKey: String], environment: [String: String], file: String?) throws(StartError) {
        if let file { try self.read(file: file) }
        try self.read(environment: environment)
        for (key, text) in flags { self.values[key] = Value(text: text, origin: key.flag) }
    }

    private mutating func read(environment: [String: String]) throws(StartError) {
        var known: Set<String> = []
        for key in SettingKey.all {
            known.insert(key.variable)
            let fileVariable = key.variable + "_FILE"
            if key.isSecret { known.insert(fileVariable) }
            let path = key.isSecret ? environment[fileVariable] : nil
            if let text = environment[key.variable] {
                guard path == nil else {
                    throw StartError("\(key.variable) and \(fileVariable) are both set; keep one of them")
                }
                self.values[key] = Value(text: text, origin: key.variable)
            } else if let path {
                guard let data = try? Data(contentsOf: URL(filePath: path)) else {
                    throw StartError("the file \(path) named by \(fileVariable) cannot be read")
                }
                var text = String(decoding: data, as: UTF8.self)
                while text.last?.isNewline ?? false { text.removeLast() }
                self.values[key] = Value(text: text, origin: fileVariable)
            }
        }
        for name in environment.keys.sorted() where name.hasPrefix("WEIR_") && !known.contains(name) {
            throw StartError("the variable \(name) is unknown; weir serve --help lists those there are")
        }
    }

    private mutating func read(file path: String) throws(StartError) {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw StartError("the configuration file \(path) cannot be read; see that it exists and may be read")
        }
        guard let object = try? JSONDecoder().decode([String: Scalar].self, from: data) else {
            throw StartError(
                "the configuration file \(path) is not a JSON object of names with texts, numbers or booleans")
        }
        for (name, scalar) in object.sorted(by: { $0.key < $1.key }) {
            guard let key = SettingKey.all.first(where: { $0.name == name }) else {
                throw StartError("the key \(name) in \(path) is unknown; weir serve --help lists those there are")
            }
            self.values[key] = Value(text: scalar.text, origin: "\(name) in \(path)")
        }
    }

    private struct Scalar: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let flag = try? container.decode(Bool.self) {
                self.text = flag ? "true" : "false"
            } else if let number = try? container.decode(Int64.self) {
                self.text = String(number)
            } else {
                self.text = try container.decode(String.self)
            }
        }
    }
}
