//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import FoundationEssentials
import Glibc
import SQLiteDriver

/// What the process and its files are like at one moment.
struct SoakSample {
    /// Anonymous resident memory, in KiB: what the process itself holds, without files in the system's cache.
    var anonymousKiB = 0
    var threads = 0
    var descriptors = 0
    var fileKiB = 0
    var walKiB = 0
    var used = 0
    var quarantined = 0
    var pending = 0

    /// A figure that must level out, and what it may rise by without being called growth.
    struct Column: Sendable {
        let name: String
        let value: @Sendable (SoakSample) -> Int
        let margin: @Sendable (Int) -> Int
    }

    static let columns = [
        Column(name: "RssAnon KiB", value: { $0.anonymousKiB }, margin: { max(8 << 10, $0 / 10) }),
        Column(name: "threads", value: { $0.threads }, margin: { _ in 3 }),
        Column(name: "descriptors", value: { $0.descriptors }, margin: { _ in 8 }),
        Column(name: "file KiB", value: { $0.fileKiB }, margin: { max(1 << 10, $0 / 20) }),
        Column(name: "log KiB", value: { $0.walKiB }, margin: { max(16 << 10, $0 / 2) }),
    ]
}

/// Samples once a second, on a thread of its own, into memory and a CSV file.
final class SoakSampler: @unchecked Sendable {
    // `samples` and `isStopping` are guarded by `monitor`.
    private let database: SQLiteDatabase
    private let path: String
    private let ledger: SoakLedger
    private let monitor = Monitor()
    private var samples: [SoakSample] = []
    private var isStopping = false

    /// Samples of the first minute show how caches fill.
    private static let warmUp = 60

    init(database: SQLiteDatabase, path: String, ledger: SoakLedger) {
        self.database = database
        self.path = path
        self.ledger = ledger
    }

    func start() {
        WorkerThread.start(name: "sampler") { [self] in
            guard let csv = fopen(self.path + ".csv", "w") else { preconditionFailure("no file beside \(self.path)") }
            fputs("second,anonymous_kib,threads,descriptors,file_kib,wal_kib,used,quarantined,pending\n", csv)
            var second = 0
            while !self.monitor.withLock({ self.isStopping }) {
                let sample = self.sample()
                self.monitor.withLock { self.samples.append(sample) }
                let values = [
                    second, sample.anonymousKiB, sample.threads, sample.descriptors, sample.fileKiB, sample.walKiB,
                    sample.used, sample.quarantined, sample.pending,
                ]
                fputs(values.map(String.init).joined(separator: ",") + "\n", csv)
                fflush(csv)
                if second % 10 == 0 {
                    print(
                        "soak: \(second) s, RssAnon \(sample.anonymousKiB >> 10) MiB, file \(sample.fileKiB >> 10) MiB, "
                            + "log \(sample.walKiB >> 10) MiB, threads \(sample.threads): \(self.ledger.line)")
                    fflush(nil)
                }
                second += 1
                sleep(1)
            }
            fclose(csv)
        }
    }

    func stop() { self.monitor.withLock { self.isStopping = true } }

    var walBytesNow: Int { Self.size(self.path + "-wal") }

    // MARK: - Looking

    private func sample() -> SoakSample {
        var sample = SoakSample()
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count > 1, let value = Int(words[1]) else { continue }
            if words[0] == "RssAnon:" { sample.anonymousKiB = value }
            if words[0] == "Threads:" { sample.threads = value }
        }
        sample.descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
        sample.fileKiB = Self.size(self.path) >> 10
        sample.walKiB = Self.size(self.path + "-wal") >> 10
        let pool = self.database.readerPool
        sample.used = pool.used
        sample.quarantined = pool.quarantined
        sample.pending = pool.pending + self.database.writerPool.pending
        return sample
    }

    /// By `stat`, which opens nothing: closing a descriptor of the database file would drop SQLite's locks.
    private static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    // MARK: - Judging

    /// A figure has levelled out when its highest value in the last third of the time is at most that of the middle
    /// third and a margin.
    private func thirds(_ value: (SoakSample) -> Int) -> (first: Int, middle: Int, last: Int) {
        let samples = self.monitor.withLock { self.samples }
        let warm = samples.count > 3 * Self.warmUp ? samples.dropFirst(Self.warmUp) : samples[...]
        let third = warm.count / 3
        func highest(_ part: ArraySlice<SoakSample>) -> Int { part.map { value($0) }.max() ?? 0 }
        return (
            highest(warm.prefix(third)), highest(warm.dropFirst(third).prefix(third)),
            highest(warm.dropFirst(2 * third))
        )
    }

    /// What did not level out.
    var verdicts: [String] {
        SoakSample.columns.compactMap { column in
            let (_, middle, last) = self.thirds(column.value)
            guard last > middle + column.margin(middle) else { return nil }
            return "\(column.name) grows: at most \(middle) in the middle third, \(last) in the last"
        }
    }

    /// The highest value of each figure in each third.
    var table: String {
        let rows = SoakSample.columns.map { column in
            let (first, middle, last) = self.thirds(column.value)
            return "  \(column.name): \(first) | \(middle) | \(last)"
        }
        return "  highest in each third after the first minute\n" + rows.joined(separator: "\n")
    }
}
