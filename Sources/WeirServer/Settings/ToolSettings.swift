//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import ConnectionPoolModule
import SQLiteDriver
import WeirModel
import WeirStore

/// What the commands beside the server are told.
public struct ToolSettings: Sendable {
    /// The path of the database file.
    public var databasePath: String
    /// The path of the outbox.
    public var outboxPath: String
    /// How long the command may take.
    public var timeout: Duration

    /// What ``timeout`` accepts, for `--help`.
    public static let timeoutAccepts = "a duration from 1s to 7d, such as 90s, 30m or 4h"

    /// Reads the values.
    ///
    /// - Parameter timeout: The text of `--timeout`; nil for the standard hour.
    /// - Throws: ``StartError`` naming the value that cannot be read and what is accepted.
    public init(_ sources: SettingSources, timeout: String? = nil) throws(StartError) {
        let reader = SettingReader(sources: sources)
        self.databasePath = try reader.required(.database) { text in
            ServerSettings.databasePath(text) ?? Self.plainPath(text)
        }
        self.outboxPath =
            try reader.optional(.outbox, ServerSettings.plainPath)
            ?? OutboxFile.standardPath(database: self.databasePath)
        self.timeout = .seconds(3_600)
        guard let timeout else { return }
        guard let duration = Duration(parsing: timeout), (.seconds(1)...Duration.seconds(7 * 86_400)).contains(duration)
        else { throw StartError("--timeout is \"\(timeout.prefix(100))\"; it must be \(Self.timeoutAccepts)") }
        self.timeout = duration
    }

    /// The deliveries that wait in the outbox, which is only read.
    ///
    /// - Throws: What the database throws.
    public func waitingDeliveries(lease: Lease) async throws -> [String] {
        try await OutboxFile.deliveries(at: self.outboxPath, lease: lease)
    }

    /// How many dead letters the database holds, which is only read.
    ///
    /// - Throws: What the database throws, and for one of another version.
    public func deadLetterCount(lease: Lease) async throws -> Int {
        let configuration = SQLiteConfiguration(path: self.databasePath, applicationID: WeirServer.applicationID)
        let store = try await WeirStore.reading(SQLiteReadOnlyDatabase(configuration), lease: lease)
        return try await store.checkingRows(lease: lease) { try $0.deadLetters().count }
    }

    /// The webhook's secrets, for a tool that sends.
    public static func webhookSecrets(_ sources: SettingSources) throws(StartError) -> [String] {
        try SettingReader(sources: sources).webhookSecrets
    }

    /// A path without `sqlite:` before it, as one types it at a shell; nothing else has a colon after its first word.
    private static func plainPath(_ text: String) -> String? {
        let scheme = text.prefix { $0.isLetter || $0.isNumber }
        let isPath = !text.isEmpty && (scheme.count == text.count || text[scheme.endIndex] != ":")
        return isPath ? text : nil
    }
}
