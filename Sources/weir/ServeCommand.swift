//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import FoundationEssentials
import Logging
import WeirServer

/// Runs the server.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the board.",
        discussion: """
            Every option can also be set in the environment (its variable is named below) or in a JSON file, under \
            the variable's name without WEIR_ and in lower case: {"port": 9000, "readers": 8}. Options win over \
            variables, variables over the file. A value that cannot be read, or an unknown variable that begins \
            with WEIR_, is an error.
            """)

    @Flag(
        help: "Play invented jobs; needs no secret, and keeps its data only while it runs unless --database is given.")
    var demo = false

    @Option(help: "A JSON file with settings.", completion: .file())
    var config: String?

    @Option(help: Self.help(.database, "Where the history is kept; made when missing."))
    var database: String?

    @Option(help: Self.help(.host, "The address to listen on."))
    var host: String?

    @Option(help: Self.help(.port, "The port to listen on."))
    var port: String?

    @Option(help: Self.help(.publicURL, "The address users see when a proxy stands before the server."))
    var publicURL: String?

    @Option(
        help: Self.help(
            .webhookSecret,
            "The webhook's secret. Several may be valid at once, for rotation. Other users of this machine can read a "
                + "command line: rather set the variable, or WEIR_WEBHOOK_SECRET_FILE."))
    var webhookSecret: String?

    @Option(help: Self.help(.readers, "Most connections that read."))
    var readers: String?

    @Option(
        help: Self.help(
            .databaseMemory,
            "What the database may use for caches and sorts; an eighth of the memory, at most 4GB, when not given."))
    var databaseMemory: String?

    @Option(help: Self.help(.queryTimeout, "Longest time a query may take."))
    var queryTimeout: String?

    @Option(help: Self.help(.acquireTimeout, "Longest wait for a connection to the database."))
    var acquireTimeout: String?

    @Option(help: Self.help(.ingestBytes, "Bytes of deliveries held at once, those being received included."))
    var ingestBytes: String?

    @Option(
        help: Self.help(
            .outbox,
            "Where deliveries are kept while the database cannot take them; beside it when not given, better on "
                + "another disk."))
    var outbox: String?

    @Flag(help: Self.help(.allowAnonymous, "Listen on an address that others can reach, without any login."))
    var allowAnonymous = false

    @Option(help: Self.help(.logLevel, "How much is logged, to the standard error."))
    var logLevel: String?

    private static func help(_ key: SettingKey, _ text: String) -> ArgumentHelp {
        let standard = key.standard.map { "; default \($0)" } ?? ""
        return ArgumentHelp("\(text) (\(key.accepts)\(standard); \(key.variable))", valueName: "value")
    }

    func run() async throws {
        WeirServer.prepareProcess()
        let sources = try SettingSources(
            flags: self.flags, environment: ProcessInfo.processInfo.environment, file: self.config)
        let settings = try ServerSettings(sources, isDemo: self.demo)
        let log = LogStream()
        defer { log.flush() }
        var logger = Logger(label: "weir") { StreamLogHandler(label: $0, stream: log) }
        logger.logLevel = settings.logLevel
        try await WeirServer(settings, logger: logger).run()
    }

    private var flags: [SettingKey: String] {
        let given: [(SettingKey, String?)] = [
            (.database, self.database), (.host, self.host), (.port, self.port), (.publicURL, self.publicURL),
            (.webhookSecret, self.webhookSecret), (.readers, self.readers), (.databaseMemory, self.databaseMemory),
            (.queryTimeout, self.queryTimeout), (.acquireTimeout, self.acquireTimeout),
            (.ingestBytes, self.ingestBytes), (.outbox, self.outbox),
            (.allowAnonymous, self.allowAnonymous ? "true" : nil),
            (.logLevel, self.logLevel),
        ]
        return Dictionary(uniqueKeysWithValues: given.compactMap { key, value in value.map { (key, $0) } })
    }
}
