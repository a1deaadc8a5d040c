//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSystem
import Logging
import PrometheusExposition
import SQLiteDriver

/// What the database may use of this machine's memory, and what the process as a whole does about it.
struct MemoryPlan: Sendable {
    let budget: MemoryBudget
    /// What the machine or the container has; nil where the system does not tell.
    let machineBytes: Int?
    /// Where large sorts go.
    let temporaryDirectory: String

    /// The budget where neither the settings nor the system say anything.
    private static let fallbackBytes = 64 << 20

    /// - Parameter settings: Their budget holds; without one, a share of what the machine or the container has.
    init(_ settings: ServerSettings) {
        self.init(
            givenBytes: settings.databaseMemoryBytes, readers: settings.readers,
            machineBytes: MachineMemory(read: ProcessFileReader.text(at:))?.bytes,
            temporaryDirectory: SQLiteMemory.temporaryDirectory)
    }

    init(givenBytes: Int?, readers: Int, machineBytes: Int?, temporaryDirectory: String) {
        let standard = machineBytes.map(MemoryBudget.standardBytes(machineBytes:)) ?? Self.fallbackBytes
        self.budget = MemoryBudget(totalBytes: givenBytes ?? standard, readers: readers)
        self.machineBytes = machineBytes
        self.temporaryDirectory = temporaryDirectory
    }

    /// Sets the limits of SQLite's heap, for the whole process, and starts what gives freed memory back to the system.
    ///
    /// - Returns: The trimmer, for the caller to stop.
    func apply(to configuration: inout SQLiteConfiguration) -> MemoryTrimmer {
        SQLiteMemory.setHeapLimits(softBytes: self.budget.softLimitBytes, hardBytes: self.budget.hardLimitBytes)
        let process = ProcessMetrics()
        let trimmer = MemoryTrimmer(residentBytesMax: self.budget.queryLimitBytes) {
            process.residentAnonymousMemoryBytes.map { Int($0) }
        } trim: {
            weir_trim_malloc()
        }
        configuration.memoryBytes = self.budget.totalBytes
        configuration.queryHeapBytesMax = self.budget.queryLimitBytes
        configuration.onMemoryReleased = { trimmer.released() }
        return trimmer
    }

    /// The values that hold, for the line of the start.
    var metadata: Logger.Metadata {
        [
            "database_memory_bytes": "\(self.budget.totalBytes)",
            "machine_memory_bytes": "\(self.machineBytes.map(String.init) ?? "unknown")",
            "writer_cache_bytes": "\(self.budget.writerCacheBytes)",
            "reader_cache_bytes": "\(self.budget.readerCacheBytes)",
            "heap_soft_limit_bytes": "\(SQLiteMemory.figures.softLimitBytes)",
            "heap_query_limit_bytes": "\(self.budget.queryLimitBytes)",
            "heap_hard_limit_bytes": "\(SQLiteMemory.figures.hardLimitBytes)",
            "temporary_directory": "\(self.temporaryDirectory)",
        ]
    }

    /// What somebody should know who runs it so.
    var warnings: [String] {
        var warnings: [String] = []
        if SQLiteMemory.isInMemory(directory: self.temporaryDirectory) {
            warnings.append(
                "large sorts go to \(self.temporaryDirectory), which lies in memory; "
                    + "set SQLITE_TMPDIR to a directory on a disk")
        }
        if let machineBytes, self.budget.hardLimitBytes > machineBytes {
            warnings.append(
                "the database may use up to \(self.budget.hardLimitBytes) bytes, this machine or container has "
                    + "\(machineBytes); lower WEIR_DATABASE_MEMORY")
        }
        return warnings
    }
}
