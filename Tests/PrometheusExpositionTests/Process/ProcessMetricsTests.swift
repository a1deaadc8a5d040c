//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import PrometheusExposition

@Suite struct ProcessMetricsTests {
    @Test("Memory lines are read in bytes; a missing or odd line is nil")
    func statusLines() {
        let status = "Name:\tx\nVmRSS:\t    1756 kB\nRssAnon:\t     112 kB\nRssFile:\t odd kB\nVmPTE: 4 MB\n"
        #expect(ProcessStatistics.bytes(of: "VmRSS", inStatus: status) == 1_798_144.0)
        #expect(ProcessStatistics.bytes(of: "RssAnon", inStatus: status) == 114_688.0)
        #expect(ProcessStatistics.bytes(of: "RssFile", inStatus: status) == nil)
        #expect(ProcessStatistics.bytes(of: "VmPTE", inStatus: status) == nil)
        #expect(ProcessStatistics.bytes(of: "Rss", inStatus: status) == nil)
    }

    @Test("Processor time and start are found behind a program name with spaces and parentheses")
    func statLine() throws {
        let stat = "12 (odd ) name (x) R 1 1 1 0 -1 4194304 98 0 0 0 120 30 0 0 20 0 1 0 115461 3133440 373 1\n"
        let ticks = try #require(ProcessStatistics.ticks(inStat: stat))
        #expect(ticks.processor == 150)
        #expect(ticks.startedAfterBoot == 115_461)
        #expect(ProcessStatistics.ticks(inStat: "12 (x R 1") == nil)
        #expect(ProcessStatistics.ticks(inStat: "12 (x) R 1 2") == nil)
    }

    @Test("The boot time is found among the lines of the system's statistics")
    func bootTime() {
        #expect(
            ProcessStatistics.bootTimeSeconds(inSystemStat: "cpu 1 2\nbtime 1795252329\nprocesses 3\n") == 1_795_252_329
        )
        #expect(ProcessStatistics.bootTimeSeconds(inSystemStat: "cpu 1 2\n") == nil)
    }

    @Test("Without a proc file system no series appears")
    func withoutProc() {
        let registry = PrometheusRegistry()
        ProcessMetrics(root: "/nowhere").register(in: registry)
        #expect(registry.render() == PrometheusRegistry().render())
    }

    #if os(Linux)
    @Test("On Linux all five figures are there, under their names, and plausible")
    func onLinux() throws {
        let registry = PrometheusRegistry()
        ProcessMetrics().register(in: registry)
        let families = try ExpositionParser.parse(registry.render())
        func value(_ name: String) throws -> Double {
            try #require(families.first { $0.name == name }?.samples.first?.value)
        }
        let resident = try value("process_resident_memory_bytes")
        let anonymous = try value("process_resident_anonymous_memory_bytes")
        #expect(resident > 1_000_000)
        #expect(anonymous > 100_000 && anonymous < resident)
        #expect(try value("process_open_fds") >= 3)
        #expect(try value("process_cpu_seconds_total") >= 0)
        #expect(try value("process_start_time_seconds") > 1_700_000_000)
        #expect(families.first { $0.name == "process_cpu_seconds_total" }?.type == "counter")
    }
    #endif
}
