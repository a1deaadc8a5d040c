//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import HTTPTypes
import Hummingbird
import SQLCore
import WeirIngest
import WeirStore

extension Problem {
    /// What the caller is told of an error; nil for one that is this program's own fault.
    init?(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as LeaseError: self.init(lease: error)
        case let error as IngestError: self.init(ingest: error)
        case let error as DatabaseError: self.init(database: error)
        case let error as any HTTPResponseError where error.status == .notFound:
            self = .notFound("no page or API has this address")
        case let error as any HTTPResponseError:
            self.init(error.status, "request", "The request cannot be served", error.status.reasonPhrase)
        case is CancellationError:
            self.init(.serviceUnavailable, "cancelled", "The request was given up", "the connection was closed")
        default: return nil
        }
    }

    private init(lease error: LeaseError) {
        switch error.reason {
        case .deadlineExceeded:
            self.init(
                .gatewayTimeout, "query-timed-out", "The query took too long",
                "it was stopped after \(error.elapsed.inMilliseconds) ms: narrow the period or the filters")
        case .busy, .queueFull:
            self.init(.serviceUnavailable, "busy", "The database is busy", error.description, retryAfter: 2)
        case .databaseDown:
            self.init(
                .serviceUnavailable, "database-down", "The database cannot be reached", error.description,
                retryAfter: 5)
        case .shuttingDown:
            self.init(.serviceUnavailable, "stopping", "The server is stopping", error.description, retryAfter: 5)
        }
    }

    private init(ingest error: IngestError) {
        let title = "The delivery was not taken"
        let redeliver = "redeliver it from the webhook's page"
        switch error {
        case .full:
            self.init(.serviceUnavailable, "full", title, "the ingest queue is full; \(redeliver)", retryAfter: 5)
        case .late:
            self.init(
                .serviceUnavailable, "late", title,
                "it could not be committed in time; \(redeliver): taking it twice does no harm", retryAfter: 5)
        case .shuttingDown:
            self.init(.serviceUnavailable, "stopping", title, "the server is stopping; \(redeliver)", retryAfter: 5)
        case .unavailable:
            self.init(
                .serviceUnavailable, "not-committed", title,
                "neither the database nor the outbox could take it; \(redeliver): taking it twice does no harm",
                retryAfter: 5)
        }
    }

    private init(database error: DatabaseError) {
        // SQLite's code for a statement that was told to stop: 9. The deadline's own answer usually comes first.
        if error.code.primary.rawValue == 9 {
            self.init(
                .gatewayTimeout, "query-timed-out", "The query took too long",
                "it was stopped: narrow the period or the filters")
        } else if error.code.primary.rawValue == 7 {
            // SQLite's code for want of memory, which a query that gathers too much gets too.
            self.init(
                .serviceUnavailable, "query-too-large", "The query needs too much memory",
                "it was stopped: narrow the period or the filters", retryAfter: 5)
        } else {
            self.init(
                .serviceUnavailable, "database", "The database reported an error",
                "see the server's log; readiness is at /readyz", retryAfter: 5)
        }
    }
}
