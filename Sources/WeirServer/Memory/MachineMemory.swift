//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// How much memory the machine, or the container this process lives in, has. Pure: the files are read by the caller.
///
/// A container's limit is that of its control group or of any group above it, the smallest of them. Sources:
/// proc_meminfo(5), cgroups(7), the kernel's admin-guide/cgroup-v2 and admin-guide/cgroup-v1/memory.
struct MachineMemory: Equatable {
    /// The machine's memory.
    let machineBytes: Int
    /// The smallest limit of a control group below that; nil for none.
    let limitBytes: Int?

    /// What may be used.
    var bytes: Int { self.limitBytes ?? self.machineBytes }

    /// - Parameter read: The text of a file, nil when it cannot be read.
    /// - Returns: Nil where the system tells nothing.
    init?(read: (String) -> String?) {
        guard let machineBytes = read("/proc/meminfo").flatMap(Self.total(inMemoryInformation:)) else { return nil }
        self.machineBytes = machineBytes
        let groups = read("/proc/self/cgroup") ?? ""
        self.limitBytes = Self.limitFiles(inGroups: groups).compactMap { path in
            // "max", and in the first version a number near 2^63, mean no limit.
            read(path).flatMap { Int($0.trimmingNewline) }.flatMap { $0 > 0 && $0 < machineBytes ? $0 : nil }
        }.min()
    }

    /// The line `MemTotal:       16384 kB`.
    private static func total(inMemoryInformation text: String) -> Int? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemTotal:") }) else { return nil }
        let fields = line.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count == 3, fields[2] == "kB", let kilobytes = Int(fields[1]) else { return nil }
        return kilobytes << 10
    }

    /// The files that may hold a limit: of this process's group, and of each group above it.
    private static func limitFiles(inGroups text: String) -> [String] {
        var files: [String] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[0] == "0", fields[1].isEmpty {
                files += Self.withParents(fields[2]).flatMap {
                    ["/sys/fs/cgroup\($0)/memory.max", "/sys/fs/cgroup\($0)/memory.high"]
                }
            } else if fields[1].split(separator: ",").contains("memory") {
                files += Self.withParents(fields[2]).map { "/sys/fs/cgroup/memory\($0)/memory.limit_in_bytes" }
            }
        }
        return files
    }

    /// `/a/b` gives `/a/b`, `/a` and nothing, which is the root of what the container sees.
    private static func withParents(_ path: Substring) -> [String] {
        let parts = path.split(separator: "/")
        return (0...parts.count).reversed().map { count in parts.prefix(count).map { "/\($0)" }.joined() }
    }
}

extension String {
    fileprivate var trimmingNewline: Substring { self.last?.isNewline ?? false ? self.dropLast() : self[...] }
}
