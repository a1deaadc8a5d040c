//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension Catalogue {
    /// A search company: a library for embeddings and the description of its machines.
    static var quietriver: [Repository] {
        [
            Repository(
                id: 604_331_872, organization: 2, name: "embedder", isPrivate: true, weight: 1.0,
                topics: [
                    "the tokenizer", "mixed precision", "batch scheduling", "the ONNX export", "recall metrics",
                    "checkpoint loading", "the attention kernel", "quantisation",
                ],
                dependency: ("pip", "torch"), workflows: Self.embedderWorkflows),
            Repository(
                id: 618_500_249, organization: 2, name: "runbooks", isPrivate: true, weight: 0.6,
                topics: [
                    "the edge network", "backup rotation", "on-call alerts", "node pools", "certificate renewal",
                    "the cost report",
                ],
                dependency: ("terraform", "hashicorp/google"), workflows: Self.runbooksWorkflows),
        ]
    }

    /// The workflows of a library that needs graphics processors.
    private static var embedderWorkflows: [Workflow] {
        let versions: [(String, PoolKind)] = [("ubuntu-latest, 3.11", .ubuntu), ("ubuntu-latest, 3.12", .ubuntu)]
        return [
            Workflow(
                97_120_440, "CI", file: "ci", on: [.pullRequest: 1, .push: 1], concurrency: .cancelInProgress,
                jobs: JobTemplate.matrix("test", versions, seconds: 170, failing: 0.03, .python)
                    + [
                        JobTemplate("gpu", on: .ownGPU, after: ["test"], seconds: 360, failing: 0.07, .gpu),
                        JobTemplate("package", on: .ubuntu, after: ["test"], seconds: 60, failing: 0.01, .publish),
                    ]),
            Workflow(
                97_120_441, "Lint", file: "lint", on: [.pullRequest: 1],
                jobs: [JobTemplate("pre-commit", on: .ubuntu, seconds: 50, failing: 0.06, .lint)]),
            Workflow(
                97_120_442, "Nightly", file: "nightly", scheduledAtMinute: 185,
                jobs: [
                    JobTemplate("train-small", on: .ownGPU, seconds: 1_000, spread: 0.15, failing: 0.08, .gpu),
                    JobTemplate("evaluate", on: .ownGPU, after: ["train-small"], seconds: 420, failing: 0.05, .gpu),
                    JobTemplate("large-memory", on: .perRun, seconds: 700, failing: 0.05, .python),
                ]),
            Workflow(
                97_120_443, "Docs", file: "docs", on: [.push: 0.5],
                jobs: [JobTemplate("build", on: .ubuntu, seconds: 75, failing: 0.02, .docs)]),
        ]
    }

    /// The workflows of an infrastructure repository.
    private static var runbooksWorkflows: [Workflow] {
        [
            Workflow(
                99_804_210, "Plan", file: "plan", on: [.pullRequest: 1],
                jobs: [
                    JobTemplate("validate", on: .ubuntu, seconds: 22, failing: 0.03, .lint),
                    JobTemplate("plan", on: .ownLinux, after: ["validate"], seconds: 75, failing: 0.04, .deploy),
                ]),
            Workflow(
                99_804_211, "Apply", file: "apply", on: [.push: 0.9, .dispatch: 0.5], concurrency: .queue,
                jobs: [
                    JobTemplate("plan", on: .ownLinux, seconds: 75, failing: 0.02, .deploy),
                    JobTemplate(
                        "apply", on: .ownLinux, after: ["plan"], seconds: 180, failing: 0.03, .deploy,
                        needsApproval: true),
                ]),
            Workflow(
                99_804_212, "Link check", file: "links", scheduledAtMinute: 320,
                jobs: [JobTemplate("lychee", on: .ubuntu, seconds: 95, failing: 0.15, .docs)]),
        ]
    }
}
