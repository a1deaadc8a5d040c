//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSystem
import ConnectionPoolModule
import FoundationEssentials
import GitHubWebhooks
import Hummingbird
public import Logging
import PrometheusExposition
import SQLCore
import SQLiteDriver
import ServiceLifecycle
public import UnixSignals
import WeirHTTP
import WeirIngest
import WeirLive
import WeirModel
import WeirStore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The whole server: configuration in, parts put together, run until a signal.
public struct WeirServer: Sendable {
    /// The version of the program.
    public static let version = "0.1.0"
    /// Marks a database file as Weir's: "Weir" in ASCII.
    public static let applicationID: Int32 = 0x5765_6972
    /// The newest schema this program knows (`PRAGMA user_version`).
    public static let schemaVersion = WeirStore.schemaVersion

    private let settings: ServerSettings
    private let logger: Logger
    private let onRunning: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - settings: What to do.
    ///   - logger: Where to say what is done.
    ///   - onRunning: Told the port once connections are accepted.
    public init(
        _ settings: ServerSettings, logger: Logger, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.settings = settings
        self.logger = logger
        self.onRunning = onRunning
    }

    /// Settings of the process as a whole, which no library may make: call once, first.
    public static func prepareProcess() {
        // Files hold what people do: their owner alone may read them.
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        // Shells allow 1,024 by default, fewer than there may be connections.
        weir_raise_descriptor_limit(8_192)
        // Without it every line of the log looks whether the time zone's file has changed.
        if getenv("TZ") == nil { setenv("TZ", ":/etc/localtime", 1) }
        // Each arena keeps freed memory for itself; two suffice for the threads that allocate much.
        weir_limit_malloc_arenas(2)
    }

    /// Runs until a signal, or until the task is cancelled.
    ///
    /// - Parameter signals: Those that end the server in order. Default: SIGTERM and SIGINT.
    /// - Throws: ``StartError`` when it could not start.
    public func run(signals: [UnixSignal] = [.sigterm, .sigint]) async throws {
        do {
            if let path = self.settings.databasePath {
                try await self.run(path: path, signals: signals)
            } else {
                let demo = try DemoDirectory()
                defer { demo.remove() }
                try await self.run(path: demo.databasePath, signals: signals)
            }
        } catch {
            throw StartError(error, settings: self.settings)
        }
    }

    /// Under overload the threads that read requests go first: what is not read cannot be refused, and its sender waits
    /// without a word. See docs/decisions/017.
    private static let databaseNiceness = 5

    private func run(path: String, signals: [UnixSignal]) async throws {
        let startedAt = ContinuousClock.now
        let now: @Sendable () -> Timestamp = Self.wallClock
        var configuration = SQLiteConfiguration(path: path, applicationID: Self.applicationID)
        configuration.readersMax = self.settings.readers
        configuration.niceness = Self.databaseNiceness
        let memory = MemoryPlan(self.settings)
        let trimmer = memory.apply(to: &configuration)
        defer { trimmer.stop() }
        configuration.delegate = PoolLog(logger: self.logger)
        let database = try await SQLiteDatabase.open(configuration)
        let outboxPath = self.settings.outboxPath ?? OutboxFile.standardPath(database: path)
        self.logStart(path, outboxPath, memory)
        let services: [any Service]
        do {
            let outbox = try await OutboxFile(path: outboxPath, logger: self.logger).open()
            do {
                services = try await self.services(
                    database, outbox, plan: memory, trimmer: trimmer, startedAt: startedAt, now: now)
            } catch {
                await outbox.close()
                throw error
            }
        } catch {
            await database.close()
            throw error
        }
        var group = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: signals, logger: self.quietLogger)
        // The whole stop takes less than five seconds; what hangs is cut after four.
        group.maximumGracefulShutdownDuration = .seconds(4)
        group.maximumCancellationDuration = .seconds(30)
        try await ServiceGroup(configuration: group).run()
        self.logger.info("stopped")
    }

    private func services(
        _ database: SQLiteDatabase, _ outboxDatabase: SQLiteDatabase, plan: MemoryPlan, trimmer: MemoryTrimmer,
        startedAt: ContinuousClock.Instant, now: @escaping @Sendable () -> Timestamp
    ) async throws -> [any Service] {
        let metrics = PrometheusRegistry()
        MemoryMetrics(database: database, plan: plan, trimmer: trimmer).register(in: metrics)
        let store = try await WeirStore.open(database)
        let counts = try await store.counts(lease: Lease("start.counts"))
        let hub = Hub(counts: LiveCounts(counts), now: now())
        let ingest = try await self.ingest(store, try await Outbox.open(outboxDatabase), hub, metrics, now: now)
        ServerMetrics(database: database, ingest: ingest, hub: hub).register(in: metrics)
        let diagnostics = ServerDiagnostics(
            database: database, ingest: ingest, plan: plan, trimmer: trimmer, now: now)
        let desk = DeadLetterDesk(store: store) { try await ingest.retry($0) }
        var parts = WeirApplication.Parts(
            store: store, ingest: ingest, hub: hub,
            signature: WebhookSignature(secrets: self.settings.webhookSecrets), metrics: metrics)
        parts.diagnostics = { diagnostics.json }
        parts.retryDeadLetter = { try await desk.retry($0) }
        let application = WeirApplication.make(
            .init(
                host: self.settings.host, port: self.settings.port, publicURL: self.settings.publicURL,
                queryTimeout: self.settings.queryTimeout, acquireTimeout: self.settings.acquireTimeout),
            parts, logger: self.logger, now: now
        ) { port in
            self.logRunning(port)
            await self.onRunning(port)
        }
        // Stopped from the last to the first: streams, demo, requests, ingest, databases.
        var services: [any Service] = [
            DatabaseService(database: outboxDatabase), DatabaseService(database: database),
            IngestService(ingest: ingest), application,
        ]
        if self.settings.isDemo { services.append(DemoService(ingest: ingest, logger: self.logger, now: now)) }
        services.append(HubService(hub: hub, now: now))
        services.append(MaintenanceService(database: outboxDatabase, logger: self.logger))
        return services + self.tools(database, desk, startedAt)
    }

    private func ingest(
        _ store: WeirStore, _ outbox: Outbox, _ hub: Hub, _ metrics: PrometheusRegistry,
        now: @escaping @Sendable () -> Timestamp
    ) async throws -> Ingest {
        try await Ingest(
            store: store, outbox: outbox,
            .init(bytesMax: self.settings.ingestBytes) { eventType, json in
                try GitHubEvent.read(type: eventType, json: json)
            } now: {
                now()
            } observer: { committed, deliveries in
                let at = now()
                hub.publish(
                    committed.map {
                        LiveChange(runs: $0.runs, counts: LiveCounts($0.counts), deliveries: deliveries, at: at)
                    })
            }, logger: self.logger, metrics: metrics)
    }

    /// What tends the database and answers tools; stopped before everything else.
    private func tools(
        _ database: SQLiteDatabase, _ desk: DeadLetterDesk, _ startedAt: ContinuousClock.Instant
    ) -> [any Service] {
        var dispatcher = ControlDispatcher()
        dispatcher.registerDatabase(database, startedAt: startedAt)
        dispatcher.registerDeadLetters(desk)
        let path = ControlProtocol.socketPath(database: database.configuration.path)
        return [
            MaintenanceService(database: database, logger: self.logger),
            ControlService(path: path, dispatcher: dispatcher, logger: self.logger),
        ]
    }

    private static func wallClock() -> Timestamp {
        Timestamp(milliseconds: Int64(Date.now.timeIntervalSince1970 * 1_000))
    }

    // MARK: - Words

    /// The libraries' lines about their own steps are of use to their authors only.
    private var quietLogger: Logger {
        var logger = self.logger
        logger.logLevel = max(self.logger.logLevel, .warning)
        return logger
    }

    private func logStart(_ path: String, _ outboxPath: String, _ memory: MemoryPlan) {
        let metadata: Logger.Metadata = [
            "version": "\(Self.version)", "database": "\(path)", "outbox": "\(outboxPath)",
            "sqlite": "\(SQLiteDatabase.libraryVersion)",
            "synchronous": "full", "readers": "\(self.settings.readers)",
            "ingest_bytes": "\(self.settings.ingestBytes)", "query_timeout": "\(self.settings.queryTimeout)",
            "acquire_timeout": "\(self.settings.acquireTimeout)",
            "webhook_secrets": "\(self.settings.webhookSecrets.count)",
        ]
        self.logger.info("starting", metadata: metadata.merging(memory.metadata) { first, _ in first })
        for warning in memory.warnings { self.logger.warning("\(warning)") }
    }

    private func logRunning(_ port: Int) {
        let host = AccessPolicy.isLoopback(self.settings.host) ? "localhost" : self.settings.host
        let board = self.settings.publicURL ?? "http://\(host):\(port)"
        self.logger.info("listening on \(self.settings.host):\(port)")
        self.logger.info("the board is at \(board)")
        if self.settings.isDemo { return }
        if self.settings.webhookSecrets.isEmpty {
            self.logger.warning("no webhook secret is set: deliveries are refused until WEIR_WEBHOOK_SECRET is")
        } else {
            self.logger.info("point the webhook (JSON, events workflow jobs and workflow runs) at \(board)/webhook")
        }
    }
}

extension LiveCounts {
    fileprivate init(_ counts: Counts) {
        self.init(blocked: counts.blocked, queued: counts.queued, running: counts.running)
    }
}

/// The place of a demo's database, gone with the demo.
private struct DemoDirectory {
    private let url: URL

    init() throws {
        // A name nobody can foresee, and no directory that was there before.
        self.url = FileManager.default.temporaryDirectory.appending(path: "weir-demo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.url, withIntermediateDirectories: false)
    }

    var databasePath: String { self.url.appending(path: "demo.db").path() }

    func remove() {
        // What cannot be removed stays in the temporary directory, which is cleared by the system.
        try? FileManager.default.removeItem(at: self.url)
    }
}
