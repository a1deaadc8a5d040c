//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import ConnectionPoolModule
import FoundationEssentials
import SQLCore
import SQLiteDriver
import WeirServer

/// Looks at a database and what it stands on.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at the database and what it stands on: file system, disk, settings, who has it open.",
        discussion: """
            It changes nothing, beside a running server or without one. Each line is a check; under one that is not \
            well stands what to do. The exit status is 0 when all is well, 1 when something is to be looked at, and 2 \
            when something is wrong or nothing could be looked at.

                weir doctor --database sqlite:/var/lib/weir/weir.db
                weir doctor --json | jq '.checks[] | select(.level != "ok")'
            """)

    @OptionGroup var options: ToolOptions

    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
        WeirServer.prepareProcess()
        let path: String
        var findings: [SQLiteFinding]
        do {
            let settings = try self.options.settings()
            path = settings.databasePath
            findings = try await SQLiteDoctor(settings.configuration, schemaVersion: WeirServer.schemaVersion).examine()
            findings.append(await Self.server(path))
            findings += await Self.deliveries(settings)
        } catch {
            Output.errorLine("weir: \(Weir.words(error))")
            throw ExitCode(2)
        }
        let worst = findings.map(\.level).max() ?? .ok
        if self.json {
            Output.line(try Report(database: path, findings).text)
        } else {
            for finding in findings { Self.show(finding) }
            let counts = [SQLiteFinding.Level.ok, .warn, .fail].map { level in findings.count { $0.level == level } }
            Output.line("\(findings.count) checks: \(counts[0]) ok, \(counts[1]) to look at, \(counts[2]) wrong")
        }
        if worst != .ok { throw ExitCode(Int32(worst.rawValue)) }
    }

    /// Asks the server that runs on the database.
    private static func server(_ path: String) async -> SQLiteFinding {
        do {
            let status: ServerStatus = try await ControlClient(database: path).request("status")
            return SQLiteFinding(
                .ok, "server",
                "version \(status.version) runs in process \(status.process) for \(status.uptimeSeconds) s, with "
                    + "\(status.commits) commits")
        } catch let failure as ControlClient.Failure {
            if case .noServer = failure { return SQLiteFinding(.ok, "server", "none answers") }
            return SQLiteFinding(.warn, "server", failure.description, remedy: "see the server's log")
        } catch {
            return SQLiteFinding(.warn, "server", Weir.words(error), remedy: "see the server's log")
        }
    }

    /// Deliveries that were acknowledged and are not applied: those that wait, and those that never could be.
    private static func deliveries(_ settings: ToolSettings) async -> [SQLiteFinding] {
        let lease = Lease("doctor", timeout: .seconds(30))
        var findings: [SQLiteFinding] = []
        do {
            let waiting = try await settings.waitingDeliveries(lease: lease).count
            findings.append(
                waiting == 0
                    ? SQLiteFinding(.ok, "outbox", "nothing waits in it")
                    : SQLiteFinding(
                        .warn, "outbox", "acknowledged deliveries wait in \(settings.outboxPath): \(waiting)",
                        remedy: "a running server applies them; else start weir serve"))
        } catch {
            findings.append(
                SQLiteFinding(
                    .warn, "outbox", Weir.words(error),
                    remedy: "the next start puts a damaged outbox aside, and names it in the log"))
        }
        // A database that cannot be read has its finding already.
        guard let dead = try? await settings.deadLetterCount(lease: lease) else { return findings }
        findings.append(
            dead == 0
                ? SQLiteFinding(.ok, "dead letters", "there are none")
                : SQLiteFinding(
                    .warn, "dead letters", "deliveries that could not be applied: \(dead)",
                    remedy: "weir dead-letters lists them, tries them again and deletes them"))
        return findings
    }

    private static func show(_ finding: SQLiteFinding) {
        let level = Self.name(finding.level)
        Output.line(Self.padded(level, 6) + Self.padded(finding.check, 17) + finding.text)
        if let remedy = finding.remedy { Output.line(Self.padded("", 23) + "→ " + remedy) }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 1))
    }

    fileprivate static func name(_ level: SQLiteFinding.Level) -> String {
        switch level {
        case .ok: "ok"
        case .warn: "warn"
        case .fail: "fail"
        }
    }
}

/// All findings, for programs.
private struct Report: Encodable {
    struct Check: Encodable {
        let check: String
        let level: String
        let text: String
        let remedy: String?
    }

    let database: String
    let level: String
    let checks: [Check]

    init(database: String, _ findings: [SQLiteFinding]) {
        self.database = database
        self.level = DoctorCommand.name(findings.map(\.level).max() ?? .ok)
        self.checks = findings.map {
            Check(check: $0.check, level: DoctorCommand.name($0.level), text: $0.text, remedy: $0.remedy)
        }
    }

    var text: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}
