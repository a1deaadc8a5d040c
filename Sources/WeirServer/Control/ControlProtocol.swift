//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import NIOCore

/// The language between a running server and the tools beside it: one line of JSON asks, lines of JSON answer, and the
/// server closes.
///
///     {"version":1,"command":"vacuum","arguments":{"keep_pages":"100"}}
///     {"version":1,"progress":{"done":512,"unit":"pages"}}
///     {"version":1,"result":{"pages":1024}}
enum ControlProtocol {
    /// Raised when a line's meaning changes; both sides refuse another.
    static let version = 1
    /// Most bytes of a request, its line break included.
    static let requestBytesMax = 64 << 10
    /// Most bytes of a line of an answer.
    static let answerBytesMax = 1 << 20
    /// How long a client has to send its request, and how long it may leave an answer unread.
    static let clientTimeout = TimeAmount.seconds(5)
    /// How long it may leave one unread when the server stops.
    static let stopTimeout = TimeAmount.milliseconds(500)
    /// Most tools connected at once.
    static let connectionsMax = 16
    /// Bytes of a socket's path, of 108 with the zero at its end. Source: unix(7).
    static let pathBytesMax = 107

    /// Where the socket of a database's server is.
    static func socketPath(database: String) -> String { database + ".sock" }
}

/// What a tool asks.
struct ControlRequest: Codable, Sendable {
    var version: Int
    var command: String
    var arguments: [String: String]?
}

/// How far a command has come.
public struct ControlProgress: Codable, Sendable, Equatable {
    public var done: Int
    /// What is counted: `pages`, `rows`.
    public var unit: String
}

/// One line of an answer: how far, or the end.
enum ControlAnswer: Encodable, Sendable {
    case progress(ControlProgress)
    case result(any Encodable & Sendable)
    case error(String)

    private enum Key: String, CodingKey {
        case version, progress, result, error
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(ControlProtocol.version, forKey: .version)
        switch self {
        case .progress(let progress): try container.encode(progress, forKey: .progress)
        case .result(let result): try result.encode(to: container.superEncoder(forKey: .result))
        case .error(let text): try container.encode(text, forKey: .error)
        }
    }
}

/// A command's failure in words for the person at the tool.
struct ControlError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
