//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirCutVFS
import CutDisk
import FoundationEssentials
import TestSupport
import Testing

@testable import SQLiteDriver

@Suite("Power cut", .serialized, .timeLimit(.minutes(120)))
struct PowerCutTests {
    /// Cuts of the main test; 100,000 take about ten minutes.
    private static let cuts = environment("WEIR_POWER_CUTS", default: 2_000)

    private func outcome(of run: PowerCut, cuts: Int) async throws -> PowerCut.Outcome {
        let outcome = try await onThread { try run.cut(cuts) }
        print("seed \(run.seed): \(outcome.summary)")
        if let at = outcome.firstProblemAt, ProcessInfo.processInfo.environment["WEIR_STORY"] != nil {
            print(run.story(around: at))
        }
        return outcome
    }

    @Test("WEIR_POWER_CUTS (2,000) cuts, with what is unsynced lost, torn and reordered, lose no acknowledged row")
    func full() async throws {
        let run = try PowerCut()
        try await run.work(writes: 240)
        #expect(run.acknowledgedCount == 240)
        let outcome = try await self.outcome(of: run, cuts: Self.cuts)
        #expect(outcome.cuts > Self.cuts * 9 / 10)
        #expect(outcome.lost == 0 && outcome.damaged == 0, "seed \(run.seed): \(outcome.firstProblem ?? "")")
        #expect(outcome.rowsChecked > 100_000)
        for harm in Disk.Harm.allCases { #expect(outcome.harms[harm] ?? 0 > 0, "no cut did this: \(harm)") }
    }

    @Test("the same on a disk that promises nothing about the bytes beside a write")
    func unsafeOverwrite() async throws {
        let run = try PowerCut(isOverwriteSafe: false)
        try await run.work(writes: 120)
        let outcome = try await self.outcome(of: run, cuts: Self.cuts / 4)
        #expect(outcome.lost == 0 && outcome.damaged == 0, "seed \(run.seed): \(outcome.firstProblem ?? "")")
    }

    @Test("a sync that fails once, on a system that forgets what it could not write, loses no acknowledged row")
    func lyingSync() async throws {
        for _ in 0..<8 {
            let run = try PowerCut()
            weir_cut_lose_at_sync(Int64.random(in: 10...60), 1)
            try await run.work(writes: 120, hasFailure: true)
            // A group whose sync failed is unknown, and so owed to nobody.
            #expect((60...120).contains(run.acknowledgedCount))
            let outcome = try await self.outcome(of: run, cuts: Self.cuts / 16)
            #expect(outcome.lost == 0 && outcome.damaged == 0, "seed \(run.seed): \(outcome.firstProblem ?? "")")
        }
    }

    @Test("nor does a checkpoint whose sync of the database fails after others that a reader kept incomplete")
    func incompleteCheckpoint() async throws {
        let run = try PowerCut(walGoalBytes: 256 << 10)
        try await run.workWithIncompleteCheckpoint()
        #expect(run.acknowledgedCount == 100)
        let outcome = try await self.outcome(of: run, cuts: Self.cuts / 2)
        #expect(outcome.lost == 0 && outcome.damaged == 0, "seed \(run.seed): \(outcome.firstProblem ?? "")")
    }

    @Test("control: going on after a failed sync with what the system believes to be there loses acknowledged rows")
    func lyingSyncControl() async throws {
        let run = try PowerCut()
        weir_cut_lose_at_sync(20, 1)
        try await onThread { try run.workCarelessly(writes: 60) }
        #expect(run.acknowledgedCount == 59)
        let outcome = try await self.outcome(of: run, cuts: 300)
        #expect(outcome.lost > 0)
    }

    @Test("control: trying such a checkpoint again on the same connection leaves a damaged file")
    func incompleteCheckpointControl() async throws {
        let run = try PowerCut()
        try await onThread { try run.workCarelesslyWithIncompleteCheckpoint() }
        #expect(run.acknowledgedCount == 60)
        let outcome = try await self.outcome(of: run, cuts: 300)
        #expect(outcome.damaged > 0)
    }

    @Test("control: without full synchronisation the same cuts lose acknowledged rows")
    func normal() async throws {
        let run = try PowerCut(durability: .normal)
        try await run.work(writes: 120)
        let outcome = try await self.outcome(of: run, cuts: 500)
        #expect(outcome.lost > 0)
        #expect(outcome.damaged == 0, "seed \(run.seed): \(outcome.firstProblem ?? "")")
    }
}
