//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import Logging
import SQLiteDriver
import WeirHTTP
import WeirModel

/// Everything `weir serve` can be told, read and checked.
public struct ServerSettings: Sendable {
    /// The path of the database file; nil for a demo that needs no lasting one.
    public var databasePath: String?
    public var host: String
    public var port: Int
    public var publicURL: String?
    public var webhookSecrets: [String]
    public var readers: Int
    /// What the database may use; nil for a share of what the machine or the container has.
    public var databaseMemoryBytes: Int?
    public var queryTimeout: Duration
    public var acquireTimeout: Duration
    public var ingestBytes: Int
    /// The path of the outbox; nil for the standard one, beside the database.
    public var outboxPath: String?
    public var logLevel: Logger.Level
    /// Whether to play the demo.
    public var isDemo: Bool

    /// Reads the values.
    ///
    /// - Throws: ``StartError`` naming the first value that cannot be read and what is accepted.
    public init(_ sources: SettingSources, isDemo: Bool) throws(StartError) {
        let reader = SettingReader(sources: sources)
        self.isDemo = isDemo
        self.host = try reader.required(.host) { $0.isEmpty ? nil : $0 }
        self.port = try reader.required(.port) { Int($0).flatMap { (0...65_535).contains($0) ? $0 : nil } }
        self.publicURL = try reader.optional(.publicURL, Self.url)
        self.webhookSecrets = try reader.webhookSecrets
        self.readers = try reader.required(.readers) { Int($0).flatMap { (1...64).contains($0) ? $0 : nil } }
        self.databaseMemoryBytes = try reader.optional(.databaseMemory) { Self.bytes($0, in: 16 << 20...1 << 40) }
        let memoryBytesMin = MemoryBudget.bytesMin(readers: self.readers)
        if let bytes = self.databaseMemoryBytes, bytes < memoryBytesMin,
            let given = sources.values[.databaseMemory]
        {
            throw StartError(
                "\(given.origin) is \"\(given.text)\", too little for \(self.readers) readers; "
                    + "it must be at least \(memoryBytesMin >> 20)MB, or the readers fewer")
        }
        self.queryTimeout = try reader.required(.queryTimeout, Self.timeout)
        self.acquireTimeout = try reader.required(.acquireTimeout, Self.timeout)
        self.ingestBytes = try reader.required(.ingestBytes) { Self.bytes($0, in: 32 << 20...64 << 30) }
        self.outboxPath = try reader.optional(.outbox, Self.plainPath)
        self.logLevel = try reader.required(.logLevel) { Logger.Level(rawValue: $0) }
        let path = try reader.required(.database, Self.databasePath)
        self.databasePath = isDemo && !reader.isGiven(.database) ? nil : path
        if let outboxPath = self.outboxPath, outboxPath == path, let given = sources.values[.outbox] {
            throw StartError(
                "\(given.origin) is \"\(given.text)\", the database itself; it must be \(SettingKey.outbox.accepts)")
        }
        let allowsAnonymous = try reader.required(.allowAnonymous) { Bool($0) }
        guard allowsAnonymous || AccessPolicy.isLoopback(self.host) else {
            throw StartError(
                "listening on \(self.host) would show the board to everybody who can reach this machine; "
                    + "add --allow-anonymous to do so all the same, or listen on 127.0.0.1 behind a proxy")
        }
    }

    static func databasePath(_ text: String) -> String? {
        guard text.hasPrefix("sqlite:") else { return nil }
        let path = text.dropFirst("sqlite:".count)
        // SQLite would take these for a database in memory or a URI; both lose what is acknowledged.
        return path.isEmpty || path.hasPrefix(":") || path.hasPrefix("file:") ? nil : String(path)
    }

    /// A path in words of the file system alone, so that it is not taken for anything else.
    static func plainPath(_ text: String) -> String? {
        let isOther = ["", ":", "file:", "sqlite:"].contains { text == $0 || !$0.isEmpty && text.hasPrefix($0) }
        // A control character in a path is a slip of whoever wrote it.
        return isOther || text.utf8.contains { $0 < 0x20 } ? nil : text
    }

    private static func url(_ text: String) -> String? {
        let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == "http:" || parts[0] == "https:", parts[1].isEmpty, !parts[2].isEmpty else {
            return nil
        }
        return text
    }

    private static func timeout(_ text: String) -> Duration? {
        guard let duration = Duration(parsing: text) else { return nil }
        return (.milliseconds(10)...Duration.seconds(3_600)).contains(duration) ? duration : nil
    }

    /// Reads `64MB`, `2GB` or a number of bytes; units are powers of 1024, as memory is counted.
    private static func bytes(_ text: String, in range: ClosedRange<Int>) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number < 1 << 41 else { return nil }
        let shift: Int
        switch text.dropFirst(digits.count).uppercased() {
        case "", "B": shift = 0
        case "KB", "KIB": shift = 10
        case "MB", "MIB": shift = 20
        case "GB", "GIB": shift = 30
        case "TB", "TIB": shift = 40
        default: return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        return !overflow && range.contains(bytes) ? bytes : nil
    }
}

/// Reads values strictly: one that cannot be read is an error that names the key, the value and what is accepted.
struct SettingReader {
    let sources: SettingSources

    func isGiven(_ key: SettingKey) -> Bool { self.sources.values[key] != nil }

    var webhookSecrets: [String] {
        get throws(StartError) {
            try self.optional(.webhookSecret) { text in
                let secrets = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                return secrets.contains("") ? nil : secrets
            } ?? []
        }
    }

    func optional<Value>(_ key: SettingKey, _ parse: (String) -> Value?) throws(StartError) -> Value? {
        guard let given = self.sources.values[key] else { return nil }
        guard let value = parse(given.text) else {
            let shown = key.isSecret ? "a secret" : "\"\(given.text.prefix(100))\""
            throw StartError("\(given.origin) is \(shown); it must be \(key.accepts)")
        }
        return value
    }

    func required<Value>(_ key: SettingKey, _ parse: (String) -> Value?) throws(StartError) -> Value {
        if let value = try self.optional(key, parse) { return value }
        guard let value = key.standard.flatMap(parse) else {
            preconditionFailure("the standard value of \(key.name) cannot be read")
        }
        return value
    }
}
