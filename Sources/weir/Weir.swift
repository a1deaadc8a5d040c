//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import SQLCore
import WeirLoad
import WeirServer

/// The command line.
@main
struct Weir: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "A live board for jobs, in one program.",
        discussion: """
            Weir takes the webhooks of GitHub Actions, answers each only when it is safe on disk, keeps the history, \
            and shows queued, blocked and running jobs live in the browser.

            Try it with invented jobs:   weir serve --demo
            Take real ones:              WEIR_WEBHOOK_SECRET=… weir serve
            """,
        version: WeirServer.version,
        subcommands: [
            ServeCommand.self, BackupCommand.self, RestoreCommand.self, DoctorCommand.self, DeadLettersCommand.self,
            LoadCommand.self, VerifyCommand.self, VersionCommand.self,
        ])

    static func main() async {
        do {
            var command = try Self.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error
            where error is StartError || error is DatabaseError || error is Interruption || error is LoadError
        {
            Output.errorLine("weir: \(Self.words(error))")
            Self.exit(withError: ExitCode(1))
        } catch {
            Self.exit(withError: error)
        }
    }

    /// An error in one line: what was tried, what happened, what to do.
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as DatabaseError: "\(error.operation): \(error.message)"
        default: "\(error)"
        }
    }
}

/// Prints the version.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() { Output.line(WeirServer.version) }
}
