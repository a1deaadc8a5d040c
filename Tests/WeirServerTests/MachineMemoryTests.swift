//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLiteDriver
import Testing

@testable import WeirServer

@Suite("MachineMemory")
struct MachineMemoryTests {
    private static let information = "MemTotal:       16777216 kB\nMemFree:          123456 kB\n"

    private func memory(_ files: [String: String]) -> MachineMemory? {
        MachineMemory { (["/proc/meminfo": Self.information].merging(files) { $1 })[$0] }
    }

    @Test("without a control group the machine's memory counts")
    func machine() {
        #expect(self.memory([:])?.bytes == 16 << 30)
        #expect(self.memory(["/proc/self/cgroup": "0::/\n"])?.limitBytes == nil)
    }

    @Test("the smallest limit of the group and of those above it counts")
    func second() {
        let groups = ["/proc/self/cgroup": "0::/system.slice/weir.service\n"]
        let limits = [
            "/sys/fs/cgroup/system.slice/weir.service/memory.max": "max\n",
            "/sys/fs/cgroup/system.slice/weir.service/memory.high": "\(900 << 20)\n",
            "/sys/fs/cgroup/system.slice/memory.max": "\(800 << 20)\n", "/sys/fs/cgroup/memory.max": "max\n",
        ]
        #expect(self.memory(groups.merging(limits) { $1 })?.bytes == 800 << 20)
        #expect(
            self.memory(groups.merging(limits.filter { !$0.key.contains("slice/memory") }) { $1 })?.bytes == 900 << 20)
    }

    @Test("a container that sees its own group as the root is found too, of either version")
    func containers() {
        let second = ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "\(512 << 20)\n"]
        #expect(self.memory(second)?.bytes == 512 << 20)
        let first = [
            "/proc/self/cgroup": "4:memory:/docker/abc\n1:cpu:/docker/abc\n0::/\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "\(256 << 20)\n",
        ]
        #expect(self.memory(first)?.bytes == 256 << 20)
    }

    @Test("no limit, in the words of either version, and limits above the machine's memory do not count")
    func unlimited() {
        for text in ["9223372036854771712\n", "max\n", "\(17 << 30)\n", "0\n", "", "x"] {
            let files = [
                "/proc/self/cgroup": "3:cpu,memory:/a\n", "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": text,
            ]
            #expect(self.memory(files)?.limitBytes == nil, "\(text)")
        }
    }

    @Test("a system that tells nothing gives nothing; this one tells something")
    func unknown() {
        #expect(MachineMemory { _ in nil } == nil)
        #expect(MachineMemory { _ in "MemTotal: many\n" } == nil)
        let plan = MemoryPlan(givenBytes: nil, readers: 4, machineBytes: nil, temporaryDirectory: "/")
        #expect(plan.budget.totalBytes == 64 << 20)
    }

    @Test("the plan takes what is given, or a share, and warns of what cannot work")
    func plan() {
        let share = MemoryPlan(givenBytes: nil, readers: 4, machineBytes: 16 << 30, temporaryDirectory: "/proc")
        #expect(share.budget.totalBytes == 2 << 30 && share.warnings.isEmpty)
        let given = MemoryPlan(
            givenBytes: 64 << 20, readers: 4, machineBytes: 128 << 20, temporaryDirectory: "/dev/shm")
        #expect(given.budget.totalBytes == 64 << 20)
        #expect(given.warnings.count == 2)
        #expect(given.warnings[0].contains("SQLITE_TMPDIR") && given.warnings[1].contains("WEIR_DATABASE_MEMORY"))
    }
}
