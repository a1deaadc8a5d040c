//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// One thing that can be configured, under one name in all three places.
public struct SettingKey: Sendable, Hashable {
    /// The name without prefix: `webhook_secret` in a file, `WEIR_WEBHOOK_SECRET` in the environment,
    /// `--webhook-secret` on the command line.
    public let name: String
    /// What a value must be, for errors and `--help`.
    public let accepts: String
    /// The value without any configuration, as text; nil when there is none.
    public let standard: String?
    /// Whether the value is a secret: it is never shown, and may be read from a file named by `…_FILE`.
    public let isSecret: Bool

    private init(_ name: String, _ accepts: String, standard: String?, isSecret: Bool = false) {
        self.name = name
        self.accepts = accepts
        self.standard = standard
        self.isSecret = isSecret
    }

    /// The variable in the environment.
    public var variable: String { "WEIR_" + self.name.uppercased() }

    /// The flag on the command line.
    public var flag: String { "--" + self.name.replacing("_", with: "-") }

    public static let database = SettingKey("database", "sqlite:PATH", standard: "sqlite:weir.db")
    public static let host = SettingKey("host", "an address or a name of this machine", standard: "127.0.0.1")
    public static let port = SettingKey("port", "a port from 0 to 65535; 0 takes a free one", standard: "8080")
    public static let publicURL = SettingKey(
        "public_url", "the address users see, such as https://ci.example.org", standard: nil)
    public static let webhookSecret = SettingKey(
        "webhook_secret", "one secret, or several with commas between, none empty", standard: nil, isSecret: true)
    public static let readers = SettingKey("readers", "a number of connections from 1 to 64", standard: "4")
    public static let databaseMemory = SettingKey(
        "database_memory", "a size from 16MB to 1TB, such as 64MB or 2GB", standard: nil)
    public static let queryTimeout = SettingKey(
        "query_timeout", "a duration from 10ms to 1h, such as 500ms, 5s or 1m", standard: "5s")
    public static let acquireTimeout = SettingKey(
        "acquire_timeout", "a duration from 10ms to 1h, such as 500ms, 5s or 1m", standard: "2s")
    public static let ingestBytes = SettingKey(
        "ingest_bytes", "a size from 32MB to 64GB, such as 64MB or 2GB", standard: "64MB")
    public static let outbox = SettingKey("outbox", "the path of a file other than the database", standard: nil)
    public static let allowAnonymous = SettingKey("allow_anonymous", "true or false", standard: "false")
    public static let logLevel = SettingKey(
        "log_level", "one of trace, debug, info, notice, warning, error, critical", standard: "info")

    /// All of them, in the order of `--help`.
    public static let all: [SettingKey] = [
        .database, .host, .port, .publicURL, .webhookSecret, .readers, .databaseMemory, .queryTimeout,
        .acquireTimeout, .ingestBytes, .outbox, .allowAnonymous, .logLevel,
    ]
}
