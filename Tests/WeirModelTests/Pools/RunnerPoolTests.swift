//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing
import WeirModel

@Suite struct RunnerPoolTests {
    private static let table: [(labels: [String], pool: String)] = [
        ([], "(none)"),
        (["ubuntu-latest"], "ubuntu-latest"),
        (["ubuntu-22.04"], "ubuntu-22.04"),
        (["x64", "linux", "self-hosted"], "linux+self-hosted+x64"),
        (["16x-large"], "16x-large"),
        (["999"], "999"),
        (["10000"], "*"),
        (["runs-on=1234567"], "runs-on=*"),
        (["run-8123456789-1"], "run-*-1"),
        (["runner-20240131"], "runner-*"),
        (["ip-10-0-12-345"], "ip-10-0-12-345"),
        (["sha-0f1e2d3c"], "sha-*"),
        (["sha-0F1E2D3C4B"], "sha-*"),
        // Seven characters are too few for an id, and letters alone are a word.
        (["sha-0f1e2d3"], "sha-0f1e2d3"),
        (["feedbeef"], "feedbeef"),
        (["550e8400-e29b-41d4-a716-446655440000"], "*-e29b-41d4-a716-*"),
        (["größe-12345"], "größe-*"),
        (["x-11111", "x-22222"], "x-*"),
        ([""], ""),
    ]

    @Test("Numbers and ids fold, versions and sizes stay", arguments: Self.table)
    func folding(labels: [String], pool: String) {
        #expect(RunnerPool.name(for: LabelSet(labels)) == pool)
        #expect(RunnerPool.name(for: LabelSet(labels.reversed())) == pool)
    }

    @Test("A hundred labels with run numbers are one pool, a hundred other labels are a hundred")
    func onePool() {
        let folded = Set((0..<100).map { RunnerPool.name(for: LabelSet(["runs-on=\(1_234_500 + $0)", "linux"])) })
        #expect(folded == ["linux+runs-on=*"])
        let kept = Set((0..<100).map { RunnerPool.name(for: LabelSet(["size-\($0)", "linux"])) })
        #expect(kept.count == 100)
    }

    @Test("Folding a name that is folded changes nothing")
    func idempotent() {
        for (labels, pool) in Self.table where labels.count == 1 {
            #expect(RunnerPool.name(for: LabelSet([pool])) == pool)
        }
    }
}
