//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import SQLCore

/// The commands a running server takes from tools, by name.
struct ControlDispatcher: Sendable {
    /// Told how far a command has come, as often as it likes; only the latest matters.
    typealias Report = @Sendable (ControlProgress) -> Void
    /// Runs a command. Cancelled when the tool has left or the server stops.
    typealias Handler =
        @Sendable (
            _ arguments: [String: String], _ report: @escaping Report
        ) async throws -> any Encodable & Sendable

    private var handlers: [String: Handler] = [:]

    /// Adds a command.
    mutating func register(_ command: String, _ handler: @escaping Handler) {
        precondition(self.handlers[command] == nil, "the command \(command) is there already")
        self.handlers[command] = handler
    }

    /// Runs what a line asks for.
    ///
    /// - Returns: The last line of the answer; an error is one too.
    func answer(_ line: some Sequence<UInt8>, report: @escaping Report) async -> ControlAnswer {
        let request: ControlRequest
        do {
            request = try JSONDecoder().decode(ControlRequest.self, from: Data(line))
        } catch {
            return .error("the request is not a line of JSON with version, command and arguments")
        }
        guard request.version == ControlProtocol.version else {
            return .error(
                "the tool speaks version \(request.version), this server version \(ControlProtocol.version): "
                    + "use the program that the server was started from")
        }
        guard let handler = self.handlers[request.command] else {
            let known = self.handlers.keys.sorted().joined(separator: ", ")
            return .error("the command \(request.command.prefix(100)) is unknown; this server knows \(known)")
        }
        do {
            return .result(try await handler(request.arguments ?? [:], report))
        } catch is CancellationError {
            return .error("\(request.command) was stopped: the server is ending")
        } catch let error as DatabaseError {
            return .error("\(error.operation): \(error.message)")
        } catch {
            return .error("\(error)")
        }
    }
}
