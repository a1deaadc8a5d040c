//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

public import GitHubWebhooks
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import PrometheusExposition
public import WeirIngest
public import WeirLive
public import WeirModel
public import WeirStore

/// The HTTP side of the server: routes, access control, limits of connections.
public struct WeirApplication: Sendable {
    /// How the server listens and for how long it lets things take.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host: String
        /// The port to listen on; 0 lets the system choose.
        public var port: Int
        /// The address users see, when a proxy stands before the server.
        public var publicURL: String?
        /// Longest time a query may take.
        public var queryTimeout: Duration
        /// Longest wait for a connection to the database.
        public var acquireTimeout: Duration
        /// Most connections at once; further ones wait to be accepted.
        public var connectionsMax: Int

        public init(
            host: String, port: Int, publicURL: String? = nil, queryTimeout: Duration = .seconds(5),
            acquireTimeout: Duration = .seconds(2), connectionsMax: Int = 3_072
        ) {
            self.host = host
            self.port = port
            self.publicURL = publicURL
            self.queryTimeout = queryTimeout
            self.acquireTimeout = acquireTimeout
            self.connectionsMax = connectionsMax
        }
    }

    /// What the routes speak to.
    public struct Parts: Sendable {
        public var store: WeirStore
        public var ingest: Ingest
        public var hub: Hub
        public var signature: WebhookSignature
        public var metrics: PrometheusRegistry
        /// What `/api/diagnostics` tells; it must not wait for anything.
        package var diagnostics: @Sendable () -> JSON = { .object([]) }
        /// Has a dead letter tried again.
        package var retryDeadLetter: @Sendable (_ delivery: String) async throws -> Void = { _ in }

        public init(
            store: WeirStore, ingest: Ingest, hub: Hub, signature: WebhookSignature, metrics: PrometheusRegistry
        ) {
            self.store = store
            self.ingest = ingest
            self.hub = hub
            self.signature = signature
            self.metrics = metrics
        }
    }

    /// Builds the server.
    ///
    /// - Parameters:
    ///   - now: Gives the wall clock's time, for receipts and periods.
    ///   - onRunning: Told the port once the server accepts connections.
    public static func make(
        _ configuration: Configuration, _ parts: Parts, logger: Logger, now: @escaping @Sendable () -> Timestamp,
        onRunning: @escaping @Sendable (Int) async -> Void
    ) -> some ApplicationProtocol {
        let registry = ConnectionRegistry()
        parts.metrics.registerGauge(
            name: "weir_http_connections", help: "HTTP connections open.", labels: []
        ) { Double(registry.count) }
        let policy = AccessPolicy(host: configuration.host, publicURL: configuration.publicURL)
        let intake = WebhookIntake(
            signature: parts.signature, ingest: parts.ingest, policy: policy, logger: logger, now: now,
            counters: DeliveryCounters(parts.metrics))
        let router = Self.router(configuration, parts, registry, policy, logger: logger, now: now)
        // The framework logs a line per connection at debug; the program's own log speaks for it.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        return Application(
            router: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [
                        ConnectionGuardHandler(limits: .init(), registry: registry), WebhookHandler(intake: intake),
                    ])),
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil, backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.connectionsMax)),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? configuration.port) },
            logger: quiet)
    }

    private static func router(
        _ configuration: Configuration, _ parts: Parts, _ registry: ConnectionRegistry, _ policy: AccessPolicy,
        logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) -> Router<WeirContext> {
        let router = Router(context: WeirContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            SecurityHeadersMiddleware()
            ProblemMiddleware(logger: logger)
            AccessMiddleware(policy: policy)
        }
        let runner = QueryRunner(
            registry: registry, queryTimeout: configuration.queryTimeout, acquireTimeout: configuration.acquireTimeout)
        ReadRoutes(store: parts.store, runner: runner, now: now).add(to: router)
        DeliveryRoutes(store: parts.store, ingest: parts.ingest, runner: runner).add(to: router)
        DeadLetterRoutes(store: parts.store, retry: parts.retryDeadLetter, runner: runner).add(to: router)
        DiagnosticsRoute(figures: parts.diagnostics).add(to: router)
        EventsRoute(hub: parts.hub).add(to: router)
        OperationsRoutes(
            store: parts.store, ingest: parts.ingest, registry: parts.metrics,
            probeTimeout: configuration.acquireTimeout
        ).add(to: router)
        PageRoutes().add(to: router)
        return router
    }
}
