//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

extension Catalogue {
    /// A shipping company's repositories: a service, a web application, a library.
    static var harborline: [Repository] {
        [
            Repository(
                id: 412_907_331, organization: 0, name: "freight-api", isPrivate: true, weight: 1.5,
                topics: [
                    "manifest import", "the tariff cache", "customs webhooks", "container lookups", "rate limiting",
                    "the booking ledger", "OAuth scopes", "slot reservations",
                ],
                dependency: ("go_modules", "github.com/jackc/pgx/v5"), workflows: Self.freightWorkflows),
            Repository(
                id: 455_120_684, organization: 0, name: "berth-planner", isPrivate: true, weight: 1.3,
                topics: [
                    "the timeline view", "drag and drop", "tide overlays", "the crane editor", "keyboard navigation",
                    "undo history", "CSV export", "the conflict banner",
                ],
                dependency: ("npm_and_yarn", "vite"), workflows: Self.berthWorkflows),
            Repository(
                id: 487_663_095, organization: 0, name: "tide-tables", isPrivate: false, weight: 0.7,
                topics: [
                    "harmonic constituents", "station metadata", "leap seconds", "the NetCDF reader", "interpolation",
                    "time zone handling", "the command line",
                ],
                dependency: ("pip", "numpy"), workflows: Self.tideWorkflows),
        ]
    }

    /// The workflows of a Go service.
    private static var freightWorkflows: [Workflow] {
        [
            Workflow(
                61_204_511, "CI", file: "ci", on: [.pullRequest: 0.95, .push: 1], concurrency: .cancelInProgress,
                jobs: [
                    JobTemplate("build", on: .ubuntu, seconds: 95, failing: 0.02, .go),
                    JobTemplate("unit", on: .ubuntu, after: ["build"], seconds: 150, failing: 0.03, .go),
                    JobTemplate("integration", on: .ownLinux, after: ["build"], seconds: 330, failing: 0.05, .go),
                    JobTemplate("image", on: .ubuntuARM, after: ["unit"], seconds: 120, failing: 0.01, .image),
                ]),
            Workflow(
                61_204_512, "Lint", file: "lint", on: [.pullRequest: 1],
                jobs: [JobTemplate("golangci-lint", on: .ubuntu, seconds: 45, failing: 0.05, .lint)]),
            Workflow(
                61_204_513, "Deploy", file: "deploy", on: [.push: 0.35, .dispatch: 0.6], concurrency: .queue,
                jobs: [
                    JobTemplate("image", on: .ubuntu, seconds: 110, failing: 0.01, .image),
                    JobTemplate("staging", on: .ownLinux, after: ["image"], seconds: 140, failing: 0.02, .deploy),
                    JobTemplate(
                        "production", on: .ownLinux, after: ["staging"], seconds: 210, failing: 0.01, .deploy,
                        needsApproval: true),
                ]),
            Workflow(
                61_204_514, "Nightly", file: "nightly", scheduledAtMinute: 130,
                jobs: [
                    JobTemplate("load-test", on: .ownLinux, seconds: 780, failing: 0.08, .benchmark),
                    JobTemplate("fuzz", on: .ownLinux, seconds: 900, spread: 0.2, failing: 0.05, .go),
                ]),
        ]
    }

    /// The workflows of a web application.
    private static var berthWorkflows: [Workflow] {
        let browsers: [(String, PoolKind)] = [("chromium", .ubuntu), ("firefox", .ubuntu), ("webkit", .macOS)]
        return [
            Workflow(
                70_338_121, "CI", file: "ci", on: [.pullRequest: 1, .push: 1], concurrency: .cancelInProgress,
                jobs: [JobTemplate("build", on: .ubuntu, seconds: 80, failing: 0.03, .node)]
                    + JobTemplate.matrix("e2e", browsers, after: ["build"], seconds: 240, failing: 0.05, .node)),
            Workflow(
                70_338_122, "Lint", file: "lint", on: [.pullRequest: 1],
                jobs: [
                    JobTemplate("eslint", on: .ubuntu, seconds: 40, failing: 0.05, .lint),
                    JobTemplate("typecheck", on: .ubuntu, seconds: 55, failing: 0.03, .node),
                ]),
            Workflow(
                70_338_123, "Deploy preview", file: "preview", on: [.pullRequest: 0.8],
                jobs: [
                    JobTemplate("deploy", on: .ubuntu, seconds: 70, failing: 0.02, .deploy),
                    JobTemplate("comment", on: .ubuntu, after: ["deploy"], seconds: 9, failing: 0.002, .lint),
                ]),
            Workflow(
                70_338_124, "Deploy", file: "deploy", on: [.push: 0.4, .dispatch: 0.8], concurrency: .queue,
                jobs: [
                    JobTemplate(
                        "production", on: .ubuntu, seconds: 130, failing: 0.01, .deploy, needsApproval: true)
                ]),
        ]
    }

    /// The workflows of a Python library.
    private static var tideWorkflows: [Workflow] {
        var cells: [(String, PoolKind)] = []
        for version in ["3.11", "3.12", "3.13"] {
            cells.append(("ubuntu-latest, \(version)", .ubuntu))
        }
        cells.append(("windows-latest, 3.12", .windows))
        cells.append(("macos-15, 3.12", .macOS))
        return [
            Workflow(
                78_440_901, "Tests", file: "tests", on: [.pullRequest: 1, .push: 1], concurrency: .cancelInProgress,
                jobs: JobTemplate.matrix("test", cells, seconds: 110, failing: 0.015, .python)
                    + [JobTemplate("coverage", on: .ubuntu, after: ["test"], seconds: 20, failing: 0.005, .lint)]),
            Workflow(
                78_440_902, "Docs", file: "docs", on: [.pullRequest: 0.4, .push: 0.8],
                jobs: [
                    JobTemplate("build", on: .ubuntu, seconds: 65, failing: 0.02, .docs),
                    JobTemplate(
                        "publish", on: .ubuntu, after: ["build"], seconds: 25, failing: 0.01, .publish,
                        isSkippedOnPullRequests: true),
                ]),
            Workflow(
                78_440_903, "Release", file: "release", on: [.release: 1],
                jobs: [
                    JobTemplate("wheels", on: .ubuntu, seconds: 300, failing: 0.03, .publish),
                    JobTemplate(
                        "pypi", on: .ubuntu, after: ["wheels"], seconds: 30, failing: 0.02, .publish,
                        needsApproval: true),
                ]),
        ]
    }
}
