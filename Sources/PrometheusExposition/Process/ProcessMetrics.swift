//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The process's own memory, descriptors, processor time and start, under the names Prometheus clients share.
///
/// On a system without `/proc` every figure is nil and no series appears.
/// Source: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>.
///
/// Isolation: any thread; every figure is read from the kernel when asked for.
public struct ProcessMetrics: Sendable {
    /// The directory of the process.
    private let processDirectory: String
    /// When the process started, in seconds since the epoch; it does not change, so it is read once.
    public let startTimeSeconds: Double?

    /// Prepares the readings and reads the start time.
    ///
    /// - Parameter root: Where the proc file system is mounted; another directory in tests.
    public init(root: String = "/proc") {
        self.processDirectory = root + "/self"
        self.startTimeSeconds = {
            guard
                let boot = ProcessFileReader.text(at: root + "/stat")
                    .flatMap(ProcessStatistics.bootTimeSeconds(inSystemStat:)),
                let ticks = ProcessFileReader.text(at: root + "/self/stat").flatMap(ProcessStatistics.ticks(inStat:))
            else { return nil }
            return boot + ticks.startedAfterBoot / ProcessFileReader.ticksPerSecond
        }()
    }

    /// Resident memory in bytes (`VmRSS`), file pages included.
    public var residentMemoryBytes: Double? { self.statusBytes("VmRSS") }

    /// Resident anonymous memory in bytes (`RssAnon`): what the program allocated and has not given back.
    public var residentAnonymousMemoryBytes: Double? { self.statusBytes("RssAnon") }

    /// User and system processor time in seconds, all threads.
    public var processorSeconds: Double? {
        ProcessFileReader.text(at: self.processDirectory + "/stat").flatMap(ProcessStatistics.ticks(inStat:))
            .map { $0.processor / ProcessFileReader.ticksPerSecond }
    }

    /// Open file descriptors; the one that reads the directory is not counted.
    public var openFileDescriptors: Double? {
        ProcessFileReader.entryCount(at: self.processDirectory + "/fd").map { Double(max(0, $0 - 1)) }
    }

    /// Registers the five figures as series read at each scrape.
    ///
    /// - Parameter registry: Where to register them; registering twice replaces.
    public func register(in registry: PrometheusRegistry) {
        registry.registerGauge(
            name: "process_resident_memory_bytes", help: "Resident memory size in bytes.",
            read: { self.residentMemoryBytes })
        registry.registerGauge(
            name: "process_resident_anonymous_memory_bytes", help: "Resident anonymous memory size in bytes.",
            read: { self.residentAnonymousMemoryBytes })
        registry.registerGauge(
            name: "process_open_fds", help: "Number of open file descriptors.", read: { self.openFileDescriptors })
        registry.registerGauge(
            name: "process_start_time_seconds", help: "Start time of the process since the Unix epoch in seconds.",
            read: { self.startTimeSeconds })
        registry.registerCounter(
            name: "process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds.",
            read: { self.processorSeconds })
    }

    /// One line of the status file, in bytes.
    private func statusBytes(_ key: String) -> Double? {
        ProcessFileReader.text(at: self.processDirectory + "/status")
            .flatMap { ProcessStatistics.bytes(of: key, inStatus: $0) }
    }
}
