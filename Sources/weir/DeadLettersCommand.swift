//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import FoundationEssentials
import WeirServer

/// Shows what could not be applied, and lets somebody decide about it.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Deliveries that were acknowledged and could not be applied: list, show, retry, delete.",
        discussion: """
            A delivery that the database refuses, time and again, is kept with its body and the reason. Mend the \
            reason, then have it tried again; or delete it. Works beside a running server and without one.

                weir dead-letters list
                weir dead-letters show 72d3162e-cc78-11e3-81ab-4c9367dc0958
                weir dead-letters retry --all
            """,
        subcommands: [List.self, Show.self, Retry.self, Delete.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the newest dead letters, one a line.")

        @OptionGroup var options: ToolOptions
        @Option(help: "Most letters shown, 1 to 500.") var limit = 50
        @Flag(help: "Write JSON.") var json = false

        func validate() throws {
            guard (1...500).contains(self.limit) else { throw ValidationError("--limit must be from 1 to 500") }
        }

        func run() async throws {
            let letters = try await DeadLetterTool(try self.options.settings()).list(limit: self.limit)
            if self.json { return Output.line(try prettyJSON(letters)) }
            guard !letters.isEmpty else { return Output.line("there are no dead letters") }
            for letter in letters {
                Output.line("\(letter.diedAt)  \(letter.delivery)  \(letter.event)  \(letter.reason)")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a dead letter with its body, as JSON.")

        @Argument(help: "The delivery's id.") var delivery: String
        @OptionGroup var options: ToolOptions

        func run() async throws {
            Output.line(try prettyJSON(try await DeadLetterTool(try self.options.settings()).show(self.delivery)))
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a dead letter tried again.",
            discussion: "It goes back to the outbox. A running server tries it at once, otherwise the next one does.")

        @Argument(help: "The delivery's id.") var delivery: String?
        @Flag(help: "All of them.") var all = false
        @OptionGroup var options: ToolOptions

        func validate() throws {
            guard self.all == (self.delivery == nil) else { throw ValidationError("name a delivery, or give --all") }
        }

        func run() async throws {
            let count = try await DeadLetterTool(try self.options.settings()).retry(self.delivery)
            Output.line("\(count) \(count == 1 ? "delivery is" : "deliveries are") back in the outbox")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a dead letter for good.")

        @Argument(help: "The delivery's id.") var delivery: String
        @OptionGroup var options: ToolOptions

        func run() async throws {
            try await DeadLetterTool(try self.options.settings()).delete(self.delivery)
            Output.line("deleted")
        }
    }
}

private func prettyJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
