//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import NIOCore
import SQLCore
import WeirStore

/// Why the server did not start: one line with the cause and the remedy.
public struct StartError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    /// The line for an error met while starting.
    init(_ error: any Error, settings: ServerSettings) {
        switch error {
        case let error as StartError: self = error
        case let error as IOError where error.errnoCode == 98 || error.errnoCode == 48:
            self.init(
                "port \(settings.port) on \(settings.host) is in use; "
                    + "stop the program that has it, or choose another with --port")
        case let error as IOError where error.errnoCode == 13:
            self.init(
                "port \(settings.port) on \(settings.host) may not be used by this user; choose one above 1023 with --port"
            )
        case let error as IOError:
            self.init("cannot listen on \(settings.host), port \(settings.port): \(error.description)")
        case let error as DatabaseError: self.init("\(error.operation): \(error.message)")
        default: self.init("\(error)")
        }
    }
}
