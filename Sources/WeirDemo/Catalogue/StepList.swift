//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// One step of a job.
struct Step: Sendable {
    /// Its name.
    let name: String
    /// Its share of the job's time, in proportion to the other steps'.
    let weight: Double
    /// Whether it is one of those that fail.
    let canFail: Bool

    /// Makes a step.
    init(_ name: String, _ weight: Double, canFail: Bool = false) {
        self.name = name
        self.weight = weight
        self.canFail = canFail
    }
}

/// What a job does: the steps GitHub shows, from "Set up job" on.
struct StepList: Sendable {
    /// The steps that do the work, in order.
    let main: [Step]
    /// The steps that clean up, in order; they take no time worth telling.
    let post: [String]

    /// Makes a list: setting up and checking out stand before the steps, their ends behind them.
    ///
    /// - Parameters:
    ///   - setUp: An action that prepares the tools, if any.
    ///   - steps: What is special about the job.
    init(setUp: String?, _ steps: [Step]) {
        let preparation = setUp.map { [Step("Run \($0)", 6)] } ?? []
        self.main = [Step("Set up job", 2), Step("Run actions/checkout@v4", 2)] + preparation + steps
        self.post = (setUp.map { ["Post Run \($0)"] } ?? []) + ["Post Run actions/checkout@v4", "Complete job"]
    }

    /// A browser or server program in TypeScript.
    static let node = StepList(
        setUp: "actions/setup-node@v4",
        [
            Step("Run npm ci", 18, canFail: true), Step("Run npm run build", 25, canFail: true),
            Step("Run npm test", 45, canFail: true),
        ])
    /// Go.
    static let go = StepList(
        setUp: "actions/setup-go@v5",
        [
            Step("Download modules", 8), Step("Run go build ./...", 30, canFail: true),
            Step("Run go test -race ./...", 55, canFail: true),
        ])
    /// Python.
    static let python = StepList(
        setUp: "actions/setup-python@v5",
        [
            Step("Install dependencies", 20, canFail: true), Step("Run pytest -n auto", 60, canFail: true),
            Step("Upload coverage", 4),
        ])
    /// Rust.
    static let rust = StepList(
        setUp: "dtolnay/rust-toolchain@stable",
        [
            Step("Restore cargo cache", 6), Step("Run cargo build --all-targets", 50, canFail: true),
            Step("Run cargo test", 35, canFail: true),
        ])
    /// Swift, for Apple's systems.
    static let swift = StepList(
        setUp: nil,
        [
            Step("Select Xcode", 2), Step("Resolve packages", 10, canFail: true),
            Step("Build for testing", 50, canFail: true), Step("Run unit tests", 40, canFail: true),
        ])
    /// Formatters and linters.
    static let lint = StepList(
        setUp: nil, [Step("Check formatting", 10, canFail: true), Step("Run linters", 25, canFail: true)])
    /// Documentation.
    static let docs = StepList(
        setUp: "actions/setup-python@v5",
        [
            Step("Build site", 30, canFail: true), Step("Check links", 20, canFail: true), Step("Upload artifact", 5),
        ])
    /// A container image.
    static let image = StepList(
        setUp: "docker/setup-buildx-action@v3",
        [Step("Log in to registry", 2), Step("Build and push image", 80, canFail: true), Step("Sign image", 4)])
    /// A deployment.
    static let deploy = StepList(
        setUp: nil,
        [
            Step("Configure credentials", 3), Step("Apply", 50, canFail: true),
            Step("Wait for rollout", 35, canFail: true),
            Step("Smoke test", 10, canFail: true),
        ])
    /// Work on a graphics processor.
    static let gpu = StepList(
        setUp: nil,
        [
            Step("Show devices", 1), Step("Restore environment", 15), Step("Fetch fixtures", 10, canFail: true),
            Step("Run GPU tests", 70, canFail: true),
        ])
    /// Measuring.
    static let benchmark = StepList(
        setUp: nil,
        [
            Step("Build release", 40, canFail: true), Step("Run benchmarks", 60),
            Step("Compare with main", 3, canFail: true),
        ])
    /// Publishing a package.
    static let publish = StepList(
        setUp: nil,
        [Step("Build package", 40, canFail: true), Step("Attest provenance", 5), Step("Publish", 20, canFail: true)])
}
