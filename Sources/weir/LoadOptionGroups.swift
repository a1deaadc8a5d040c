//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import FoundationEssentials
import WeirLoad
import WeirModel
import WeirServer

/// Where a load is sent, and what is kept of it.
struct LoadSendingOptions: ParsableArguments {
    @Option(help: "The server: http://HOST:PORT, and a path when it is not /webhook.")
    var url = "http://127.0.0.1:8080"

    @Option(
        help: ArgumentHelp(
            "The webhook's secret. Other users of this machine can read a command line: rather set the variable. "
                + "(\(SettingKey.webhookSecret.variable))", valueName: "value"))
    var secret: String?

    @Option(help: "A file that holds the secret. (\(SettingKey.webhookSecret.variable)_FILE)", completion: .file())
    var secretFile: String?

    @Option(help: "Most connections at once; they are opened when the others are busy. (1 to 30000)")
    var connections = 512

    @Option(help: ArgumentHelp("Longest wait for a connection, and for an answer.", valueName: "duration"))
    var timeout = "12s"

    @Flag(help: "Send what was refused with 503, or got no answer, again each second until it is taken.")
    var redeliver = false

    @Option(help: ArgumentHelp("For how long after the end.", valueName: "duration"))
    var redeliverTimeout = "60s"

    @Option(help: "The ledger to write, for weir verify.", completion: .file())
    var ledger: String?

    @Option(help: "The file of results to write, for weir load compare.", completion: .file())
    var results: String?

    func options() throws -> LoadOptions {
        guard (1...30_000).contains(self.connections) else {
            throw LoadError("--connections is \(self.connections); it must be from 1 to 30000")
        }
        return LoadOptions(
            target: try LoadTarget(self.url), secret: try self.theSecret(), connectionsMax: self.connections,
            timeout: try duration(self.timeout, "--timeout"), redelivers: self.redeliver,
            redeliverTimeout: try duration(self.redeliverTimeout, "--redeliver-timeout"), ledgerPath: self.ledger)
    }

    /// The first of the server's secrets.
    private func theSecret() throws -> String {
        var environment = ProcessInfo.processInfo.environment
        let key = SettingKey.webhookSecret
        if let path = self.secretFile {
            guard self.secret == nil else { throw LoadError("--secret and --secret-file are both given; keep one") }
            environment[key.variable] = nil
            environment[key.variable + "_FILE"] = path
        }
        let flags = self.secret.map { [key: $0] } ?? [:]
        let sources = try SettingSources(flags: flags, environment: environment, file: nil)
        let secret = try ToolSettings.webhookSecrets(sources).first
        guard let secret else {
            throw LoadError("no secret is given; set \(key.variable), or name a file with --secret-file")
        }
        return secret
    }
}

/// What a load's deliveries are like.
struct LoadContentOptions: ParsableArguments {
    @Option(help: "What all deliveries follow from; the time of the start makes ids new each time.")
    var seed: UInt64 = 1

    @Option(help: "Lifecycles that go on at once; as many as give each some 12 s when not given.")
    var lifecycles: Int?

    @Option(help: "The share of sends that repeat a delivery, 0 to 0.9.")
    var duplicates: Double?

    @Option(help: "The share of deliveries that change places, 0 to 1.")
    var reorder: Double?

    @Option(help: ArgumentHelp("How far apart such places may be.", valueName: "duration"))
    var reorderSpan = "2s"

    @Option(help: "The share of deliveries sent as a form, 0 to 1.")
    var form = 0.05

    @Option(help: "The share of jobs with labels of their own, 0 to 1.")
    var uniqueLabels = 0.01

    @Option(help: "The least size of a job's body.")
    var bodyBytes = 8_192

    @Option(help: "The least size of a run's body; real ones have about 19000 bytes.")
    var runBodyBytes = 19_000

    /// The load's parameters.
    ///
    /// - Parameters:
    ///   - duplicates: The share when none is given; `reordered` likewise.
    func parameters(
        _ scenario: LoadScenario, from: Double, to: Double, duration text: String, duplicates: Double = 0.01,
        reordered: Double = 0.02
    ) throws -> LoadParameters {
        let length = try duration(text, "--duration")
        for rate in [from, to] where !(0.1...500_000).contains(rate) {
            throw LoadError("a rate is \(rate); it must be from 0.1 to 500000 per second")
        }
        var parameters = LoadParameters(
            scenario, seed: self.seed, startedAtMilliseconds: Int64(Date().timeIntervalSince1970 * 1_000),
            fromRate: from, toRate: to, durationMilliseconds: Int64(length / .milliseconds(1)),
            lifecycles: self.lifecycles)
        parameters.duplicates = try share(self.duplicates ?? duplicates, "--duplicates", most: 0.9)
        parameters.reordered = try share(self.reorder ?? reordered, "--reorder")
        parameters.reorderSpanMilliseconds = Int64(
            try duration(self.reorderSpan, "--reorder-span") / .milliseconds(1))
        parameters.form = try share(self.form, "--form")
        parameters.uniqueLabels = try share(self.uniqueLabels, "--unique-labels")
        parameters.bodyBytes = try size(self.bodyBytes, "--body-bytes")
        parameters.runBodyBytes = try size(self.runBodyBytes, "--run-body-bytes")
        guard parameters.lifecycles > 0, parameters.sends > 0, parameters.sends <= LoadParameters.sendsMax else {
            throw LoadError(
                "the load would have \(parameters.sends) deliveries of \(parameters.lifecycles) lifecycles; "
                    + "it must have 1 to \(LoadParameters.sendsMax), of 1 lifecycle at least")
        }
        return parameters
    }

    private func share(_ value: Double, _ name: String, most: Double = 1) throws -> Double {
        guard (0...most).contains(value) else { throw LoadError("\(name) is \(value); it must be from 0 to \(most)") }
        return value
    }

    private func size(_ value: Int, _ name: String) throws -> Int {
        guard (0...(24 << 20)).contains(value) else {
            throw LoadError("\(name) is \(value); it must be from 0 to \(24 << 20)")
        }
        return value
    }
}

/// Reads a duration from 1 ms to a day.
func duration(_ text: String, _ name: String) throws -> Duration {
    guard let duration = Duration(parsing: text), (.milliseconds(1)...Duration.seconds(86_400)).contains(duration)
    else {
        throw LoadError(
            "\(name) is \"\(text.prefix(100))\"; it must be a duration from 1ms to 1d, such as 500ms, 30s or 5m")
    }
    return duration
}
