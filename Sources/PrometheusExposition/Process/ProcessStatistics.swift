//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Reads single figures out of the text of `/proc` files; pure, so that it is tested without a `/proc`.
///
/// Source: proc_pid_status(5), proc_pid_stat(5), proc_stat(5).
enum ProcessStatistics {
    /// A line of `/proc/self/status` given in kB, such as `VmRSS:      1756 kB`.
    ///
    /// - Parameters:
    ///   - key: The line's key without its colon.
    ///   - status: The file's text.
    /// - Returns: Bytes; nil when the line is missing (RssAnon before Linux 4.5) or unreadable.
    static func bytes(of key: String, inStatus status: String) -> Double? {
        for line in status.split(separator: "\n") where line.hasPrefix(key + ":") {
            let fields = line.dropFirst(key.count + 1).split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard fields.count == 2, fields[1] == "kB", let kibibytes = Double(fields[0]) else { return nil }
            return kibibytes * 1_024
        }
        return nil
    }

    /// Processor time and start of a process, from `/proc/<pid>/stat`.
    ///
    /// - Parameter stat: The file's text.
    /// - Returns: User plus system time, and the start since boot, both in clock ticks; nil when unreadable.
    static func ticks(inStat stat: String) -> (processor: Double, startedAfterBoot: Double)? {
        // The second field is the program's name in parentheses and may itself hold spaces and parentheses:
        // count from the last closing one. The field after it is the third of the manual page.
        guard let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: close)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard fields.count > 19, let user = Double(fields[11]), let system = Double(fields[12]),
            let start = Double(fields[19])
        else { return nil }
        return (user + system, start)
    }

    /// The moment the system started, from `/proc/stat`.
    ///
    /// - Parameter stat: The file's text.
    /// - Returns: Seconds since the epoch; nil when there is no `btime` line.
    static func bootTimeSeconds(inSystemStat stat: String) -> Double? {
        for line in stat.split(separator: "\n") where line.hasPrefix("btime ") {
            return Double(line.dropFirst("btime ".count))
        }
        return nil
    }
}
