//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ArgumentParser
import ConnectionPoolModule
import SQLiteDriver
import WeirServer

/// Copies the database.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database to a file, while the server runs or not.",
        discussion: """
            The copy holds everything that was applied before it began; what waits in the outbox is not in it, and is \
            told. It appears under its name when it is \
            complete, checked and on disk; a copy that fails leaves nothing behind. Meanwhile the write-ahead log \
            beside the database grows by what is written.

            Every night, with the day of the week in the name:
                weir backup --overwrite /backup/weir-$(date +%a).db
            Put one back, with the server stopped:
                weir restore /backup/weir-Mon.db
            """)

    @Argument(help: "The file to make.", completion: .file())
    var destination: String

    @OptionGroup var options: ToolOptions

    @Flag(help: "Replace the file when it is there. It stays as it is until the new copy is complete.")
    var overwrite = false

    @Flag(help: "Check the indexes of the copy too, which takes several times as long.")
    var fullCheck = false

    @Option(
        help: ArgumentHelp(
            "Longest time it may take. (\(ToolSettings.timeoutAccepts); default 1h)", valueName: "value"))
    var timeout: String?

    func run() async throws {
        WeirServer.prepareProcess()
        let settings = try self.options.settings(timeout: self.timeout)
        let backup = SQLiteBackup(
            settings.configuration, check: self.fullCheck ? .full : .quick, timeout: settings.timeout)
        let progress = ProgressLine()
        let (destination, overwrite) = (self.destination, self.overwrite)
        defer { progress.end() }
        let summary = try await untilInterrupted(provisional: SQLiteBackup.provisionalPath(destination)) {
            try await backup.make(at: destination, overwrites: overwrite) { progress.show($0) }
        }
        progress.end()
        Output.line("backed up \(bytesForPeople(summary.bytes)) to \(summary.path) in \(seconds(summary.elapsed))")
        let lease = Lease("backup.outbox", timeout: .seconds(30))
        let waiting = try await settings.waitingDeliveries(lease: lease).count
        if waiting > 0 {
            Output.errorLine(
                "weir: acknowledged deliveries wait in \(settings.outboxPath) and are not in this copy (\(waiting)): take "
                    + "another when the server has applied them")
        }
    }
}

/// Puts a backup in the database's place.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the database's place, with the server stopped.",
        discussion: """
            The backup is copied and checked beside the database before anything is touched; a database in use is \
            refused, and its user named. The old database is kept, with its log, as DATABASE.before-restore-TIME.

                weir restore --database sqlite:/var/lib/weir/weir.db /backup/weir-Mon.db
            """)

    @Argument(help: "The backup; it stays as it is.", completion: .file())
    var backup: String

    @OptionGroup var options: ToolOptions

    @Flag(help: "Remove the old database instead of keeping it.")
    var discardOld = false

    @Flag(help: "Check the indexes too, which takes several times as long.")
    var fullCheck = false

    @Option(
        help: ArgumentHelp(
            "Longest time it may take. (\(ToolSettings.timeoutAccepts); default 1h)", valueName: "value"))
    var timeout: String?

    func run() async throws {
        WeirServer.prepareProcess()
        let settings = try self.options.settings(timeout: self.timeout)
        let restore = SQLiteBackup(
            settings.configuration, check: self.fullCheck ? .full : .quick, timeout: settings.timeout)
        let progress = ProgressLine()
        let (backup, keeps) = (self.backup, !self.discardOld)
        defer { progress.end() }
        let provisional = SQLiteBackup.provisionalPath(restoring: settings.databasePath)
        let summary = try await untilInterrupted(provisional: provisional) {
            try await restore.restore(from: backup, keepsPrevious: keeps) { progress.show($0) }
        }
        progress.end()
        Output.line("restored \(bytesForPeople(summary.bytes)) to \(summary.path) in \(seconds(summary.elapsed))")
        if let previous = summary.previous { Output.line("the old database is kept as \(previous)") }
    }
}

/// A duration for people.
private func seconds(_ duration: Duration) -> String { "\((duration.inSeconds * 10).rounded() / 10) s" }
