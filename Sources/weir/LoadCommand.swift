//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import FoundationEssentials
import UnixSignals
import WeirLoad
import WeirServer

/// Sends invented deliveries to a server and measures the answers.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Send deliveries to a server at a given rate, and measure its answers.",
        discussion: """
            Deliveries are sent when they are due, whether or not the ones before were answered, and latencies count \
            from when they were due: a server that stands still for a second shows it. They tell whole lifecycles of \
            runs and jobs, with real sizes, some of them twice and some out of order.

            Measure a server, then verify what it has kept:
                weir load steady --rate 1000 --duration 60s --ledger a.ledger --results a.json
                weir verify --ledger a.ledger --database sqlite:weir.db
            Find out where it ends:
                weir load stress --to 20000 --duration 120s
            Compare two versions, or two machines:
                weir load compare a.json b.json
            """,
        subcommands: [
            LoadSteadyCommand.self, LoadStressCommand.self, LoadReorderCommand.self, LoadReplayCommand.self,
            LoadCompareCommand.self,
        ])
}

/// A constant rate.
struct LoadSteadyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steady", abstract: "Send at a constant rate.",
        discussion: """
            At twice the rate that a server can take, the figures of 202 and 503 show how it sheds load.

                weir load steady --rate 7500 --duration 60s --ledger a.ledger
            """)

    @Option(help: "Deliveries per second.")
    var rate = 100.0

    @Option(help: ArgumentHelp("How long.", valueName: "duration"))
    var duration = "60s"

    @OptionGroup(title: "Deliveries") var content: LoadContentOptions
    @OptionGroup(title: "Sending") var sending: LoadSendingOptions

    func run() async throws {
        let parameters = try self.content.parameters(.steady, from: self.rate, to: self.rate, duration: self.duration)
        try await LoadSession(parameters, self.sending).run()
    }
}

/// A rate that rises.
struct LoadStressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stress", abstract: "Send at a rate that rises evenly, to find where a server ends.",
        discussion: """
            The seconds in the file of results show at which rate 503s began.

                weir load stress --from 50 --to 20000 --duration 120s --results stress.json
                jq -r '.seconds[] | [.offered, .accepted, .unavailable, .acceptedMaxMicroseconds] | @tsv' stress.json
            """)

    @Option(help: "Deliveries per second at the beginning.")
    var from = 50.0

    @Option(help: "Deliveries per second at the end.")
    var to = 20_000.0

    @Option(help: ArgumentHelp("How long.", valueName: "duration"))
    var duration = "120s"

    @OptionGroup(title: "Deliveries") var content: LoadContentOptions
    @OptionGroup(title: "Sending") var sending: LoadSendingOptions

    func run() async throws {
        let parameters = try self.content.parameters(.stress, from: self.from, to: self.to, duration: self.duration)
        try await LoadSession(parameters, self.sending).run()
    }
}

/// Much out of order and much twice.
struct LoadReorderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reorder", abstract: "Send many deliveries out of order, and many twice.",
        discussion: """
            Whatever the order, the rows must come out the same: weir verify tells.

                weir load reorder --rate 2000 --duration 30s --ledger a.ledger
                weir verify --ledger a.ledger
            """)

    @Option(help: "Deliveries per second.")
    var rate = 100.0

    @Option(help: ArgumentHelp("How long.", valueName: "duration"))
    var duration = "60s"

    @OptionGroup(title: "Deliveries") var content: LoadContentOptions
    @OptionGroup(title: "Sending") var sending: LoadSendingOptions

    func run() async throws {
        let parameters = try self.content.parameters(
            .reorder, from: self.rate, to: self.rate, duration: self.duration, duplicates: 0.2, reordered: 0.6)
        try await LoadSession(parameters, self.sending).run()
    }
}

/// Deliveries of a file.
struct LoadReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Send the deliveries of a file, at a constant rate.",
        discussion: """
            Each line is an object: {"event": "workflow_job", "delivery": "72d3162e-…", "body": {…}}. A body that is \
            an object is sent as it stands there, byte for byte; one that is a text is the text. Each is signed anew.

                weir load replay deliveries.jsonl --rate 500 --ledger a.ledger
            """)

    @Argument(help: "The file.", completion: .file())
    var file: String

    @Option(help: "Deliveries per second.")
    var rate = 100.0

    @OptionGroup(title: "Sending") var sending: LoadSendingOptions

    func run() async throws {
        guard (0.1...500_000).contains(self.rate) else {
            throw LoadError("--rate is \(self.rate); it must be from 0.1 to 500000 per second")
        }
        let path = URL(filePath: self.file).path
        let source = try ReplayFile(path: path).source
        var parameters = LoadParameters(
            .replay, seed: 0, startedAtMilliseconds: Int64(Date().timeIntervalSince1970 * 1_000), fromRate: self.rate,
            toRate: self.rate, durationMilliseconds: Int64((Double(source.count) / self.rate * 1_000).rounded(.up)) + 1)
        parameters.replay = source
        try await LoadSession(parameters, self.sending).run()
    }
}

/// Runs a load and shows what comes of it.
struct LoadSession {
    private let parameters: LoadParameters
    private let sending: LoadSendingOptions

    init(_ parameters: LoadParameters, _ sending: LoadSendingOptions) {
        self.parameters = parameters
        self.sending = sending
    }

    func run() async throws {
        WeirServer.prepareProcess()
        let options = try self.sending.options()
        let progress = LoadProgressLine()
        let runner = try LoadRunner(
            self.parameters, source: try DeliverySource(self.parameters), options: options
        ) { progress.show($0) }
        let conditions = LoadResults.Conditions(
            version: WeirServer.version, url: self.sending.url, options: options)
        let results = try await Self.untilSignalled {
            defer { progress.end() }
            return try await runner.run(conditions: conditions)
        }
        for line in results.lines { Output.line(line) }
        if let path = self.sending.results {
            do {
                try results.json.write(to: URL(filePath: path))
            } catch {
                throw LoadError("the results cannot be written to \(path); name another file with --results")
            }
        }
        if results.isInterrupted { throw ExitCode(1) }
    }

    /// Runs work that SIGINT and SIGTERM cancel, and which then still has a result.
    private static func untilSignalled<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            while let value = try await group.next() {
                group.cancelAll()
                if let value { return value }
            }
            throw CancellationError()
        }
    }
}

/// Compares two files of results.
struct LoadCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Set the results of two loads side by side.")

    @Argument(help: "The results to compare with.", completion: .file())
    var first: String

    @Argument(help: "The results to compare.", completion: .file())
    var second: String

    @Flag(help: "Compare loads of different scenarios.")
    var force = false

    func run() throws {
        let comparison = try LoadComparison(
            LoadResults(path: self.first), LoadResults(path: self.second), isForced: self.force)
        for line in comparison.lines { Output.line(line) }
    }
}
