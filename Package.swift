// swift-tools-version: 6.2
//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func product(_ name: String, _ package: String) -> Target.Dependency {
    .product(name: name, package: package)
}

let deque = product("DequeModule", "swift-collections")
let logging = product("Logging", "swift-log")
let metrics = product("Metrics", "swift-metrics")
let coreMetrics = product("CoreMetrics", "swift-metrics")
let crypto = product("Crypto", "swift-crypto")
let hummingbird = product("Hummingbird", "hummingbird")
let hummingbirdCore = product("HummingbirdCore", "hummingbird")
let httpTypes = product("HTTPTypes", "swift-http-types")
let nioCore = product("NIOCore", "swift-nio")
let nioPosix = product("NIOPosix", "swift-nio")
let nioHTTPTypes = product("NIOHTTPTypes", "swift-nio-extras")
let histogram = product("Histogram", "hdrhistogram-swift")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let unixSignals = product("UnixSignals", "swift-service-lifecycle")
let argumentParser = product("ArgumentParser", "swift-argument-parser")

/// A target beside whose sources a `DESIGN.md` may lie.
func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = [], hasDesign: Bool = false
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: hasDesign ? ["DESIGN.md"] : [], resources: resources,
        swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], resources: resources, swiftSettings: settings)
}

// Lowest layer first: a target imports only what stands above it in this list. `scripts/layer` builds the lower part of
// it alone: see the end of this file.
let package = Package(
    name: "weir",
    products: [
        .executable(name: "weir", targets: ["weir"]),
        .library(name: "ConnectionPoolModule", targets: ["ConnectionPoolModule"]),
        .library(name: "SQLCore", targets: ["SQLCore"]),
        .library(name: "SQLiteDriver", targets: ["SQLiteDriver"]),
        .library(name: "PrometheusExposition", targets: ["PrometheusExposition"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        .target(name: "CWeirSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(name: "CWeirJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CWeirSystem"),
        library("ConnectionPoolModule", hasDesign: true),
        library("SQLCore", ["ConnectionPoolModule"]),
        library("SQLiteDriver", ["ConnectionPoolModule", "SQLCore", "CWeirSQLite"], hasDesign: true),
        library("PrometheusExposition", [coreMetrics]),
        library("WeirModel"),
        library("WeirStore", ["SQLCore", "ConnectionPoolModule", "WeirModel"]),
        library("GitHubWebhooks", ["WeirModel", "CWeirJSON", crypto]),
        library("WeirLive", ["SQLCore", "WeirModel", deque], hasDesign: true),
        library(
            "WeirIngest",
            ["ConnectionPoolModule", "SQLCore", "WeirModel", "WeirStore", deque, logging, metrics, coreMetrics],
            hasDesign: true),
        library("WeirDemo"),
        library(
            "WeirLoad",
            [
                "ConnectionPoolModule", "WeirModel", "WeirStore", "GitHubWebhooks", crypto, deque, histogram, nioCore,
                nioPosix,
            ]),
        library(
            "WeirHTTP",
            [
                "ConnectionPoolModule", "SQLCore", "WeirModel", "WeirStore", "WeirIngest", "WeirLive", "GitHubWebhooks",
                "PrometheusExposition", hummingbird, hummingbirdCore, httpTypes, nioCore, nioPosix, nioHTTPTypes,
                logging, metrics,
            ],
            resources: [.embedInCode("Page")]),
        library(
            "WeirServer",
            [
                "CWeirSystem", "ConnectionPoolModule", "SQLCore", "SQLiteDriver", "WeirModel", "WeirStore",
                "WeirIngest", "WeirLive", "GitHubWebhooks", "WeirHTTP", "WeirDemo", "PrometheusExposition", hummingbird,
                logging, lifecycle, unixSignals, nioCore, nioPosix,
            ]),
        .executableTarget(
            name: "weir",
            dependencies: [
                "ConnectionPoolModule", "SQLCore", "SQLiteDriver", "WeirLoad", "WeirModel", "WeirServer", "WeirStore",
                argumentParser, logging, unixSignals,
            ],
            swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: ["GitHubWebhooks"], path: "Tests/TestSupport", swiftSettings: settings),
        tests("ConnectionPoolModuleTests", ["ConnectionPoolModule"]),
        tests("SQLCoreTests", ["SQLCore"]),
        tests("DocumentationTests", ["ConnectionPoolModule", "SQLCore", "SQLiteDriver"]),
        .target(name: "CWeirCutVFS", path: "Tests/CWeirCutVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "CutDisk", dependencies: ["CWeirCutVFS", "TestSupport"], path: "Tests/CutDisk",
            swiftSettings: settings),
        tests(
            "SQLiteDriverTests",
            [
                "ConnectionPoolModule", "SQLCore", "SQLiteDriver", "CWeirSQLite", "CWeirSystem", "CWeirCutVFS",
                "CutDisk",
            ]),
        tests("WeirModelTests", ["WeirModel"]),
        tests("GitHubWebhooksTests", ["GitHubWebhooks", "WeirModel"]),
        tests("WeirLiveTests", ["WeirLive", "SQLCore", "WeirModel"]),
        tests(
            "WeirIngestTests",
            [
                "WeirIngest", "WeirStore", "WeirModel", "GitHubWebhooks", "ConnectionPoolModule", "SQLCore",
                "SQLiteDriver", "CWeirCutVFS", "CutDisk", logging, metrics,
            ]),
        tests("PrometheusExpositionTests", ["PrometheusExposition", coreMetrics]),
        tests("WeirDemoTests", ["WeirDemo"]),
        tests(
            "WeirStoreTests",
            ["ConnectionPoolModule", "SQLCore", "SQLiteDriver", "WeirModel", "WeirStore", "GitHubWebhooks", "WeirDemo"]),
        tests(
            "WeirLoadTests",
            [
                "ConnectionPoolModule", "GitHubWebhooks", "SQLCore", "SQLiteDriver", "WeirLoad", "WeirModel",
                "WeirStore", nioCore,
            ]),
        tests("WeirHTTPTests", ["WeirHTTP", "WeirModel", httpTypes]),
        tests(
            "WeirServerTests",
            ["ConnectionPoolModule", "SQLCore", "SQLiteDriver", "WeirServer", lifecycle, logging]),
        tests(
            "WeirSystemTests",
            [
                "ConnectionPoolModule", "GitHubWebhooks", "SQLCore", "SQLiteDriver", "WeirModel", "WeirStore",
                "WeirServer", "CWeirSQLite", "CWeirCutVFS", "CWeirSystem",
                "weir", logging,
            ]),
    ],
    cxxLanguageStandard: .cxx17
)

// What only the benchmark needs, GRDB among it, stays out of the manifest that others depend on. It is no nested package,
// since that would see public symbols only.
if Context.environment["WEIR_BENCH"] != nil {
    package.dependencies.append(.package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"))
    package.products.append(.executable(name: "sqlite-bench", targets: ["sqlite-bench"]))
    package.targets += [
        .target(
            name: "CSQLiteBench", path: "Benchmarks/CSQLiteBench", linkerSettings: [.linkedLibrary("sqlite3")]),
        .executableTarget(
            name: "sqlite-bench",
            dependencies: [
                "CSQLiteBench", "ConnectionPoolModule", "SQLCore", "SQLiteDriver", product("GRDB", "GRDB.swift"),
            ],
            path: "Benchmarks/SQLiteBenchmarks", swiftSettings: settings),
    ]
}

// The database layer and its tests, without a dependency: built in seconds, also with ThreadSanitizer, and the only
// place of the tools that no library product needs.
if Context.environment["WEIR_LAYER_ONLY"] != nil {
    let layer: Set = [
        "CWeirSQLite", "CWeirSystem", "ConnectionPoolModule", "SQLCore", "SQLiteDriver", "CWeirCutVFS", "CutDisk",
        "ConnectionPoolModuleTests", "SQLCoreTests", "SQLiteDriverTests", "DocumentationTests",
    ]
    package.dependencies = []
    package.products.removeAll { ["weir", "PrometheusExposition"].contains($0.name) }
    package.targets.removeAll { !layer.contains($0.name) }
    package.targets += [
        .target(
            name: "TestSupport", path: "Tests/TestSupport", exclude: ["TestWebhook.swift", "ServerProcess.swift"],
            swiftSettings: settings),
        .executableTarget(
            name: "soak",
            dependencies: [
                "CWeirSQLite", "CWeirSystem", "ConnectionPoolModule", "SQLCore", "SQLiteDriver", "TestSupport",
            ],
            path: "Tests/Soak", swiftSettings: settings),
    ]
}
