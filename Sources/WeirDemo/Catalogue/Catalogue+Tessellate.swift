//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension Catalogue {
    /// A maker of design tools: a desktop program, its mobile sibling, a command-line tool.
    static var tessellate: [Repository] {
        [
            Repository(
                id: 521_773_440, organization: 1, name: "mosaic", isPrivate: false, weight: 1.0,
                topics: [
                    "the tile renderer", "SVG import", "colour profiles", "the layer panel", "font fallback",
                    "GPU compositing", "autosave", "snapping", "the plug-in host",
                ],
                dependency: ("cargo", "wgpu"), workflows: Self.mosaicWorkflows),
            Repository(
                id: 533_208_517, organization: 1, name: "mosaic-ios", isPrivate: true, weight: 0.8,
                topics: [
                    "pencil pressure", "the share sheet", "iCloud sync", "dark mode", "VoiceOver labels",
                    "the document browser", "haptics",
                ],
                dependency: ("swift", "apple/swift-collections"), workflows: Self.mosaicMobileWorkflows),
            Repository(
                id: 560_918_226, organization: 1, name: "grout", isPrivate: false, weight: 0.9,
                topics: [
                    "glob matching", "the watch mode", "shell completions", "symlink handling", "JSON output",
                    "the lock file", "Windows paths",
                ],
                dependency: ("cargo", "clap"), workflows: Self.groutWorkflows),
        ]
    }

    /// The workflows of a desktop program in Rust.
    private static var mosaicWorkflows: [Workflow] {
        let systems: [(String, PoolKind)] = [
            ("ubuntu-latest, stable", .ubuntu), ("windows-latest, stable", .windows), ("macos-15, stable", .macOS),
            ("ubuntu-24.04-arm, stable", .ubuntuARM),
        ]
        return [
            Workflow(
                84_015_201, "CI", file: "ci", on: [.pullRequest: 1, .push: 1], concurrency: .cancelInProgress,
                jobs: [JobTemplate("fmt", on: .ubuntu, seconds: 25, failing: 0.04, .lint)]
                    + JobTemplate.matrix("build", systems, after: ["fmt"], seconds: 260, failing: 0.03, .rust)),
            Workflow(
                84_015_202, "Rendering", file: "rendering", on: [.pullRequest: 0.5, .push: 0.6],
                jobs: [JobTemplate("golden-images", on: .ownGPU, seconds: 320, failing: 0.07, .gpu)]),
            Workflow(
                84_015_203, "Release", file: "release", on: [.release: 1, .dispatch: 0.2],
                jobs: JobTemplate.matrix(
                    "bundle", [("linux", .ubuntu), ("windows", .windows), ("macos", .macOS)], seconds: 480, .publish)
                    + [
                        JobTemplate("notarize", on: .macOS, after: ["bundle"], seconds: 260, failing: 0.04, .publish),
                        JobTemplate(
                            "publish", on: .ubuntu, after: ["notarize"], seconds: 40, .publish, needsApproval: true),
                    ]),
            Workflow(
                84_015_204, "Nightly", file: "nightly", scheduledAtMinute: 75,
                jobs: JobTemplate.matrix("build", systems, seconds: 540, failing: 0.06, .rust)
                    + [JobTemplate("benchmarks", on: .ownLinux, seconds: 620, failing: 0.03, .benchmark)]),
        ]
    }

    /// The workflows of an iPad program.
    private static var mosaicMobileWorkflows: [Workflow] {
        [
            Workflow(
                86_671_330, "CI", file: "ci", on: [.pullRequest: 1, .push: 0.9], concurrency: .cancelInProgress,
                jobs: [
                    JobTemplate("swiftlint", on: .ubuntu, seconds: 30, failing: 0.05, .lint),
                    JobTemplate("unit tests", on: .ownMac, after: ["swiftlint"], seconds: 190, failing: 0.04, .swift),
                    JobTemplate("ui tests", on: .macOS, after: ["swiftlint"], seconds: 410, failing: 0.08, .swift),
                ]),
            Workflow(
                86_671_331, "TestFlight", file: "testflight", on: [.push: 0.25, .release: 1, .dispatch: 0.4],
                concurrency: .queue,
                jobs: [
                    JobTemplate("archive", on: .ownMac, seconds: 420, failing: 0.04, .swift),
                    JobTemplate("upload", on: .ownMac, after: ["archive"], seconds: 90, failing: 0.05, .publish),
                ]),
        ]
    }

    /// The workflows of a command-line tool in Rust.
    private static var groutWorkflows: [Workflow] {
        let cells: [(String, PoolKind)] = [
            ("ubuntu-latest, stable", .ubuntu), ("ubuntu-latest, 1.78", .ubuntu), ("windows-latest, stable", .windows),
        ]
        return [
            Workflow(
                91_550_017, "CI", file: "ci", on: [.pullRequest: 1, .push: 1], concurrency: .cancelInProgress,
                jobs: JobTemplate.matrix("test", cells, seconds: 130, failing: 0.025, .rust)
                    + [
                        JobTemplate("clippy", on: .ubuntu, seconds: 60, failing: 0.05, .lint),
                        JobTemplate(
                            "miri", on: .perRun, after: ["test"], seconds: 400, failing: 0.03, .rust,
                            isSkippedOnPullRequests: true),
                    ]),
            Workflow(
                91_550_018, "Release", file: "release", on: [.release: 1],
                jobs: JobTemplate.matrix(
                    "binaries", [("x86_64", .ubuntu), ("aarch64", .ubuntuARM), ("windows", .windows)], seconds: 210,
                    .publish)
                    + [JobTemplate("publish", on: .ubuntu, after: ["binaries"], seconds: 35, .publish)]),
        ]
    }
}
