//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import ConnectionPoolModule
import SQLiteDriver
import WeirLoad
import WeirServer
import WeirStore

/// Compares ledgers with a database.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check the ledgers of weir load against the database.",
        discussion: """
            Every delivery that was answered 202 must be there once, every refused one must not; each run and each job \
            must be what its deliveries fold into, field by field; and what is kept beside the rows must agree with \
            them. A delivery without an answer may be there or not. Dead letters are counted; what waits in the outbox \
            is not applied yet, which does not agree.

            The database is only read, beside a running server or without one; nobody should send to it meanwhile. The \
            exit status is 0 when all agrees, 1 when something differs, and 2 when it could not be checked.

                weir verify --ledger a.ledger --ledger b.ledger --database sqlite:/var/lib/weir/weir.db
            """)

    @Option(help: "A ledger; give all there are about the database.", completion: .file())
    var ledger: [String]

    @OptionGroup var options: ToolOptions

    @Option(
        help: ArgumentHelp(
            "Longest time it may take. (\(ToolSettings.timeoutAccepts); default 1h)", valueName: "value"))
    var timeout: String?

    func run() async throws {
        WeirServer.prepareProcess()
        let report: VerifyReport
        do {
            let settings = try self.options.settings(timeout: self.timeout)
            let verifier = try LedgerVerifier(self.ledger.map { try LoadLedger(path: $0) })
            let database = SQLiteReadOnlyDatabase(settings.configuration)
            let lease = Lease("verify", lane: .maintenance, timeout: settings.timeout)
            // First the outbox: what leaves it meanwhile is then found in the database.
            let waiting = try await settings.waitingDeliveries(lease: lease)
            let store = try await WeirStore.reading(database, lease: lease)
            report = try await verifier.verify(store, waiting: waiting, lease: lease)
        } catch {
            Output.errorLine("weir: \(Weir.words(error))")
            throw ExitCode(2)
        }
        Self.show(report)
        if !report.agrees { throw ExitCode(1) }
    }

    private static func show(_ report: VerifyReport) {
        func number(_ value: Int) -> String { TextTable.grouped(value) }
        Output.line(
            "\(number(report.sends)) sends in \(report.ledgers) \(report.ledgers == 1 ? "ledger" : "ledgers"): "
                + "\(number(report.applied)) deliveries answered 202, \(number(report.absent)) refused or never sent, "
                + "\(number(report.open)) unknown (\(number(report.openFound)) of them there)")
        Output.line(
            "\(number(report.jobs)) jobs and \(number(report.runs)) runs compared; "
                + "\(number(report.foreign)) deliveries of others")
        for difference in report.differences { Output.line("  " + difference) }
        if report.differenceCount > report.differences.count {
            Output.line("  and \(number(report.differenceCount - report.differences.count)) more")
        }
        if report.deadLetters > 0 {
            Output.line("\(number(report.deadLetters)) answered 202 are dead letters; see weir dead-letters")
        }
        if report.waiting > 0 {
            Output.line("\(number(report.waiting)) answered 202 wait in the outbox; a server applies them")
        }
        if report.agrees {
            Output.line("all agrees")
        } else {
            Output.line(
                report.differenceCount == 0 ? "not all is applied" : "\(number(report.differenceCount)) differences")
        }
    }
}
