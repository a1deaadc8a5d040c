//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The machines of the demo's organisations, each kind known by its labels.
enum PoolKind: Int, Sendable, CaseIterable {
    /// GitHub's standard Linux machines.
    case ubuntu
    /// GitHub's Linux machines on ARM.
    case ubuntuARM
    /// GitHub's Windows machines.
    case windows
    /// GitHub's macOS machines.
    case macOS
    /// Own Linux machines.
    case ownLinux
    /// Own Linux machines with a graphics processor.
    case ownGPU
    /// Own Macs.
    case ownMac
    /// Machines made for one run, whose label names the run.
    case perRun

    /// The labels jobs ask for; the label of ``perRun`` is completed with a run's id.
    var labels: [String] {
        switch self {
        case .ubuntu: ["ubuntu-latest"]
        case .ubuntuARM: ["ubuntu-24.04-arm"]
        case .windows: ["windows-latest"]
        case .macOS: ["macos-15"]
        case .ownLinux: ["self-hosted", "linux", "x64"]
        case .ownGPU: ["self-hosted", "linux", "gpu"]
        case .ownMac: ["self-hosted", "macos", "arm64"]
        case .perRun: ["runs-on="]
        }
    }

    /// How many machines there are at scale 1: enough on average, too few in the busy hours.
    var runners: Int {
        switch self {
        case .ubuntu: 33
        case .ubuntuARM: 6
        case .windows: 9
        case .macOS: 12
        case .ownLinux: 8
        case .ownGPU: 5
        case .ownMac: 4
        case .perRun: 3
        }
    }

    /// How machines are named before their number, and the group they are in; own machines keep their names.
    var naming: (prefix: String, group: String, groupID: Int, isHosted: Bool) {
        switch self {
        case .ubuntu, .ubuntuARM, .windows, .macOS: ("GitHub Actions ", "GitHub Actions", 0, true)
        case .ownLinux: ("rack2-linux-", "Default", 1, false)
        case .ownGPU: ("gpu-a10-", "gpu", 3, false)
        case .ownMac: ("mac-mini-", "macs", 4, false)
        case .perRun: ("runs-on--i-0", "Default", 1, true)
        }
    }

    /// Median seconds a free machine takes to begin a job.
    var pickUpSeconds: Double {
        switch self {
        case .ubuntu, .ubuntuARM: 4
        case .windows, .macOS: 9
        case .ownLinux, .ownGPU, .ownMac: 2
        case .perRun: 25
        }
    }
}

/// One machine, while it has a job.
struct Runner: Sendable, Equatable {
    /// Its pool.
    let pool: PoolKind
    /// Its place in the pool, from 0.
    let slot: Int
    /// Its id at GitHub.
    let id: Int64
    /// Its name.
    let name: String
}

/// A limited number of machines and the jobs that wait for one, first come first served.
struct RunnerPool: Sendable {
    /// Which machines these are.
    let kind: PoolKind
    /// How many there are.
    let size: Int
    /// The places that are free.
    private var free: [Int]
    /// Jobs that wait, from ``head`` on. Jobs that were cancelled meanwhile are still here.
    private var waiting: [JobAddress] = []
    /// The index of the first job that still waits.
    private var head = 0
    /// How many machines were given out.
    private var given: Int64 = 0

    /// Makes a pool with all machines free.
    ///
    /// - Parameters:
    ///   - kind: Which machines.
    ///   - scale: Factor on their number; at least one remains.
    init(kind: PoolKind, scale: Double) {
        self.kind = kind
        self.size = max(1, Int(Double(kind.runners) * scale + 0.5))
        self.free = Array(0..<self.size)
    }

    /// Puts a job at the end of the queue.
    mutating func enqueue(_ job: JobAddress) {
        self.waiting.append(job)
    }

    /// Gives a free machine to the first job that still wants one; nil when there is none of either.
    ///
    /// - Parameters:
    ///   - isWaiting: Whether a job in the queue still waits.
    ///   - random: Chooses among the free machines.
    mutating func assign(
        using random: inout DemoRandom, where isWaiting: (JobAddress) -> Bool
    ) -> (job: JobAddress, runner: Runner)? {
        while !self.free.isEmpty, self.head < self.waiting.count {
            let job = self.waiting[self.head]
            self.head += 1
            if self.head > 256, self.head * 2 > self.waiting.count {
                self.waiting.removeFirst(self.head)
                self.head = 0
            }
            guard isWaiting(job) else { continue }
            self.free.swapAt(random.below(self.free.count), self.free.count - 1)
            return (job, self.runner(slot: self.free.removeLast(), using: &random))
        }
        return nil
    }

    /// Takes a machine back.
    mutating func release(_ runner: Runner) {
        self.free.append(runner.slot)
    }

    /// The machine of a place: an own one has a lasting name, a hosted one is new each time.
    private mutating func runner(slot: Int, using random: inout DemoRandom) -> Runner {
        self.given += 1
        let naming = self.kind.naming
        if self.kind == .perRun {
            let name = naming.prefix + random.hexadecimal(16)
            return Runner(pool: self.kind, slot: slot, id: 700_000 + self.given, name: name)
        }
        if naming.isHosted {
            let id = Int64(self.kind.rawValue + 1) * 1_000_000_000 + self.given
            return Runner(pool: self.kind, slot: slot, id: id, name: "\(naming.prefix)\(id)")
        }
        let number = slot < 9 ? "0\(slot + 1)" : "\(slot + 1)"
        return Runner(
            pool: self.kind, slot: slot, id: Int64(self.kind.rawValue * 100 + slot + 1), name: naming.prefix + number)
    }
}
