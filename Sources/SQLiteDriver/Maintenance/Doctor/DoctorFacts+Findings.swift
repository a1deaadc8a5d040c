//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import SQLCore

/// The judgement: values in, findings out.
extension DoctorFacts {
    /// All findings, in the order in which they are shown.
    var findings: [SQLiteFinding] {
        var result = [self.placeFinding, self.spaceFinding, self.permissionsFinding]
        result += self.headerFindings
        result += [self.settingsFinding, self.logFinding, self.syncFinding]
        result += [self.lockFinding, self.holdersFinding, self.libraryFinding, self.versionFinding]
        return result
    }

    // MARK: - The place

    private var placeFinding: SQLiteFinding {
        let check = "file system"
        guard let system = self.fileSystem else {
            return .init(.warn, check, "unknown: the system does not say", remedy: "see that it is a local disk's")
        }
        switch system.kind {
        case .local: return .init(.ok, check, "\(system.name), on this machine")
        case .memory:
            return .init(
                .warn, check, "\(system.name): the database is in memory and goes with the machine's power",
                remedy: "move it to a disk")
        case .container:
            return .init(
                .warn, check, "\(system.name): the database is in a container's own layer and goes with the container",
                remedy: "mount a volume and put the database there")
        case .userSpace:
            return .init(
                .warn, check,
                "\(system.name): a program stands between SQLite and the disk, and its locks and syncs "
                    + "may not be what they say", remedy: "move the database to a local disk")
        case .network:
            return .init(
                .fail, check,
                "\(system.name): the log needs memory that all its users share, which no network file "
                    + "system has", remedy: "move the database to a local disk")
        case .unknown:
            return .init(
                .warn, check, "unknown kind \(system.name)", remedy: "see that it is a local disk's, with real locks")
        }
    }

    private var spaceFinding: SQLiteFinding {
        let check = "free space"
        let needed = self.fileBytes + self.logBytes
        guard let free = self.freeBytes else { return .init(.warn, check, "unknown: the system does not say") }
        let text = "\(bytesForPeople(free)) free, the database takes \(bytesForPeople(needed))"
        if free < 64 << 20 {
            return .init(.fail, check, text + ": writes are about to fail", remedy: "make room on this disk")
        }
        if free < needed {
            return .init(
                .warn, check, text + ": a copy of it does not fit", remedy: "make room, and keep backups elsewhere")
        }
        return .init(.ok, check, text)
    }

    private var permissionsFinding: SQLiteFinding {
        let check = "permissions"
        if let mode = self.directoryMode, mode & 0o002 != 0, mode & 0o1000 == 0 {
            return .init(
                .fail, check, "everybody may write to the directory, and so replace the database",
                remedy: "chmod o-w \(FileFacts.directory(of: self.path))")
        }
        let open = self.modes.filter { $0.mode & 0o077 != 0 }
        guard open.isEmpty else {
            let isWritable = open.contains { $0.mode & 0o022 != 0 }
            return .init(
                isWritable ? .fail : .warn, check,
                "others may \(isWritable ? "write" : "read") "
                    + open.map { "\($0.path) (\(String($0.mode, radix: 8)))" }.joined(separator: ", "),
                remedy: "chmod 600 " + open.map(\.path).joined(separator: " "))
        }
        return .init(.ok, check, "the files are their owner's only")
    }

    // MARK: - The file

    private var headerFindings: [SQLiteFinding] {
        let header: Header
        switch self.header {
        case .success(let value): header = value
        case .failure(let error): return [.init(.fail, "file", Self.words(error), remedy: Self.remedy(error))]
        }
        guard header.applicationID == Int(self.applicationID) else {
            return [
                .init(
                    .fail, "file", "a SQLite database of another application (application id \(header.applicationID))",
                    remedy: "name the right file with --database")
            ]
        }
        return [self.fileFinding(header), self.modeFinding(header), Self.freeFinding(header)]
    }

    private func fileFinding(_ header: Header) -> SQLiteFinding {
        let text = "schema version \(header.userVersion), \(header.pages) pages of \(bytesForPeople(header.pageSize))"
        if let known = self.schemaVersionMax, header.userVersion > known {
            return .init(
                .fail, "file", text + ": this program knows versions up to \(known)",
                remedy: "use the newer program, or restore a backup made before it")
        }
        return .init(.ok, "file", text)
    }

    private func modeFinding(_ header: Header) -> SQLiteFinding {
        if header.journalMode != "wal" {
            return .init(
                .fail, "journal mode", "\(header.journalMode): readers and the writer stand in each other's way",
                remedy: "start the server, which sets it, and see who has changed it")
        }
        if header.autoVacuum != 2 {
            return .init(
                .fail, "journal mode", "wal, but auto_vacuum is \(header.autoVacuum): no page can be given back",
                remedy: "with the server stopped: sqlite3 \(self.path) 'PRAGMA auto_vacuum=2; VACUUM;'")
        }
        return .init(.ok, "journal mode", "wal, and free pages can be given back")
    }

    private static func freeFinding(_ header: Header) -> SQLiteFinding {
        let bytes = header.freePages * header.pageSize
        let percent = header.pages > 0 ? header.freePages * 100 / header.pages : 0
        let text = "\(percent) % of the pages are free (\(bytesForPeople(bytes)))"
        guard percent > 25, bytes > 64 << 20 else { return .init(.ok, "free pages", text) }
        return .init(
            .warn, "free pages", text, remedy: "a running server gives them back by itself, a little at a time")
    }

    private var settingsFinding: SQLiteFinding {
        switch self.pragmas {
        case .success(let values):
            .init(.ok, "settings", values.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
        case .failure(let error):
            .init(.fail, "settings", Self.words(error), remedy: Self.remedy(error))
        }
    }

    private var logFinding: SQLiteFinding {
        let text = "\(bytesForPeople(self.logBytes)) of write-ahead log"
        guard self.logBytes > 256 << 20 else { return .init(.ok, "log", text) }
        return .init(
            .warn, "log", text + ": a reader has held it, or it grew faster than it could be emptied",
            remedy: "look for long queries; it is emptied when the server stops")
    }

    // MARK: - The disk

    private var syncFinding: SQLiteFinding {
        let check = "sync"
        let times: [Duration]
        switch self.syncs {
        case .success(let value): times = value
        case .failure(let error):
            return .init(.warn, check, "could not be timed: \(Self.words(error))", remedy: Self.remedy(error))
        }
        guard let longest = times.last else { return .init(.warn, check, "could not be timed") }
        let median = times[(times.count - 1) / 2]
        let text =
            "half of \(times.count) syncs of 4 KiB took \(Self.microseconds(median)) or less, 99 % "
            + "\(Self.microseconds(times[min(times.count - 1, (times.count * 99 + 99) / 100 - 1)])), "
            + "the longest \(Self.microseconds(longest))"
        if median < .microseconds(30) {
            return .init(
                .warn, check, text + ": too good to be true for a disk",
                remedy: "the device or the hypervisor may say done before it is: try a power cut, and look at its cache"
            )
        }
        if median > .milliseconds(50) {
            return .init(
                .warn, check, text + ": every answer to a sender waits for one",
                remedy: "use a disk with a protected cache, or one that fewer programs share")
        }
        return .init(.ok, check, text)
    }

    private static func microseconds(_ duration: Duration) -> String {
        let microseconds = Int((duration.inSeconds * 1e6).rounded())
        return microseconds < 10_000 ? "\(microseconds) µs" : "\(microseconds / 1_000) ms"
    }

    // MARK: - Others

    private var lockFinding: SQLiteFinding {
        .init(.ok, "lock", self.lockHolder.map { "in use by \($0)" } ?? "no server has the database open")
    }

    private var holdersFinding: SQLiteFinding {
        let check = "other processes"
        let others = self.holders.holders.filter { $0.process != self.lockProcess }
        let strangers = others.filter { $0.name != self.ownName }
        let unseen =
            self.holders.unseen > 0
            ? "; \(self.holders.unseen) processes of other users could not be looked into" : ""
        if !strangers.isEmpty {
            return .init(
                .warn, check,
                "open in " + strangers.map(\.description).joined(separator: ", ")
                    + ", which may checkpoint beside the server" + unseen,
                remedy: "end it; to look at the data, look at a backup")
        }
        let own = others.isEmpty ? "none has the database open" : "only tools of its own have the database open"
        return .init(.ok, check, own + unseen)
    }

    private var libraryFinding: SQLiteFinding {
        for (who, files) in [("this program", self.libraries), ("the server", self.serverLibraries)]
        where files.count > 1 {
            return .init(
                .fail, "library",
                "\(who) has SQLite loaded twice, and each undoes the other's locks: "
                    + files.joined(separator: ", "), remedy: "see what LD_PRELOAD and LD_LIBRARY_PATH say")
        }
        return .init(.ok, "library", self.libraries.first ?? "linked in")
    }

    private var versionFinding: SQLiteFinding {
        guard (3_007_000...3_051_002).contains(self.versionNumber) else {
            return .init(.ok, "SQLite", self.version)
        }
        // Two that commit and checkpoint at the same instant. Source: sqlite.org/wal.html#walresetbug.
        return .init(
            .ok, "SQLite",
            "\(self.version) can lose commits when two connections checkpoint; here only the writer does, so let no "
                + "other program write to the file while the server runs")
    }

    // MARK: - Words

    private static func words(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(error)" }
        return "\(error.operation): \(error.message.prefix { $0 != ";" })"
    }

    /// What stands after the cause in a message of the driver's.
    private static func remedy(_ error: any Error) -> String {
        guard let message = (error as? DatabaseError)?.message, let end = message.firstIndex(of: ";") else {
            return "see the system's log"
        }
        return String(message[message.index(after: end)...].drop { $0 == " " })
    }
}
