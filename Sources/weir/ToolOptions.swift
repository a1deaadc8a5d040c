//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import FoundationEssentials
import SQLiteDriver
import UnixSignals
import WeirServer

/// What the commands about a database file have in common.
struct ToolOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The database. (sqlite:PATH or PATH; default \(SettingKey.database.standard ?? ""); "
                + "\(SettingKey.database.variable))", valueName: "value"))
    var database: String?

    @Option(help: "A JSON file with settings, as for serve.", completion: .file())
    var config: String?

    func settings(timeout: String? = nil) throws -> ToolSettings {
        let flags = self.database.map { [SettingKey.database: $0] } ?? [:]
        let sources = try SettingSources(
            flags: flags, environment: ProcessInfo.processInfo.environment, file: self.config)
        return try ToolSettings(sources, timeout: timeout)
    }
}

extension ToolSettings {
    var configuration: SQLiteConfiguration {
        SQLiteConfiguration(path: self.databasePath, applicationID: WeirServer.applicationID)
    }
}

/// A signal has ended the work.
struct Interruption: Error, CustomStringConvertible {
    /// A file that could not be removed in time; nil when there is none.
    let leftover: String?

    var description: String {
        self.leftover.map { "interrupted; \($0) is left behind, and will be taken over by the next try" }
            ?? "interrupted; nothing was left behind"
    }
}

/// Runs work that SIGINT and SIGTERM cancel, so that it can clean up.
///
/// - Parameter provisional: The file that the work has while it runs.
/// - Throws: ``Interruption`` after a signal, and what `work` throws.
func untilInterrupted<Value: Sendable>(
    provisional: String, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    do {
        return try await untilSignal(work)
    } catch is CancellationError {
        throw Interruption(leftover: FileFacts(provisional) == nil ? nil : provisional)
    }
}

private func untilSignal<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            for await _ in signals { throw CancellationError() }
            return nil
        }
        defer { group.cancelAll() }
        while let value = try await group.next() {
            if let value { return value }
        }
        throw CancellationError()
    }
}
