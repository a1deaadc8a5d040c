//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The names that invented runs and jobs have.
enum Catalogue {
    /// A repository of the organisation.
    struct Repository {
        let name: String
        let language: String
        let about: String
    }

    static let organization = "northgate-labs"
    static let organizationID = 71_204_566

    static let repositories = [
        Repository(name: "gateway", language: "Go", about: "Routes every request to the service that answers it"),
        Repository(name: "ledger", language: "Kotlin", about: "Bookings, balances and what auditors ask for"),
        Repository(name: "storefront", language: "TypeScript", about: "The shop that customers see"),
        Repository(name: "warehouse-etl", language: "Python", about: "Loads of the data warehouse"),
        Repository(name: "turnstile-firmware", language: "C", about: "What runs in the turnstiles"),
        Repository(name: "ios-client", language: "Swift", about: "The app"),
        Repository(name: "platform", language: "HCL", about: "Clusters, networks and their policies"),
        Repository(name: "search", language: "Rust", about: "Full text and facets"),
    ]

    static let workflows = Texts([
        "CI", "Lint", "Integration tests", "Build images", "Nightly", "Release", "Deploy to staging",
        "Deploy to production", "Dependency review", "CodeQL", "Docs", "Benchmarks",
    ])
    static let branches = Texts([
        "main", "main", "main", "release/7.4", "fix/timeout-of-uploads", "feature/saved-searches", "feature/dark-theme",
        "renovate/minor-updates", "dependabot/npm_and_yarn/eslint-9.14.0",
    ])
    static let actors = Texts([
        "amara-n", "bjoernsen", "dependabot[bot]", "h-okafor", "lin-wei", "m-castellano", "renovate[bot]", "zsofia-k",
    ])
    static let titles = Texts([
        "Retry uploads that end early", "Bump the minor dependencies", "Split the nightly load",
        "Name the refused field",
        "Do not wait for a cold cache", "Dates of bookings in UTC", "Match without copies", "Ask before a network goes",
    ])
    static let events = Texts(["push", "push", "pull_request", "schedule", "workflow_dispatch", "merge_group"])
    static let jobs = Texts([
        "build", "unit tests", "integration (postgres)", "lint", "package (amd64)", "package (arm64)", "end to end",
        "publish", "coverage", "docs",
    ])
    static let labelSets = Texts([
        #"["ubuntu-latest"]"#, #"["ubuntu-24.04"]"#, #"["ubuntu-22.04"]"#, #"["ubuntu-24.04-arm"]"#,
        #"["windows-2022"]"#, #"["macos-15"]"#, #"["macos-15","xlarge"]"#, #"["self-hosted","linux","x64"]"#,
        #"["self-hosted","linux","arm64"]"#, #"["self-hosted","linux","x64","gpu"]"#,
        #"["self-hosted","linux","x64","large"]"#, #"["self-hosted","linux","x64","docker"]"#,
        #"["self-hosted","macos","arm64"]"#, #"["self-hosted","windows","x64"]"#,
        #"["self-hosted","linux","x64","spot"]"#,
    ])
    static let steps = [
        "Set up job", "Run actions/checkout@v4", "Run actions/cache@v4", "Install dependencies", "Build",
        "Run the tests", "Upload the report", "Post Run actions/cache@v4", "Post Run actions/checkout@v4",
        "Complete job",
    ]
}

/// Texts that fill places in bodies, in the two forms a body can have.
struct Texts: Sendable {
    private let plain: [[UInt8]]
    private let form: [[UInt8]]

    init(_ texts: [String]) {
        self.plain = texts.map { Array($0.utf8) }
        self.form = texts.map { FormEncoding.encoded(Array($0.utf8)) }
    }

    var count: Int { self.plain.count }

    func bytes(_ index: Int, isForm: Bool) -> [UInt8] { isForm ? self.form[index] : self.plain[index] }

    func text(_ index: Int) -> String { String(decoding: self.plain[index], as: UTF8.self) }

    /// The most and the fewest bytes that any of them has.
    var bytesMax: Int { self.form.map(\.count).max() ?? 0 }
    var bytesMin: Int { self.plain.map(\.count).min() ?? 0 }
}

/// `application/x-www-form-urlencoded`, as GitHub writes it. Source: url.spec.whatwg.org, section 5.2.
enum FormEncoding {
    static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count * 3 / 2)
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                result.append(byte)
            case UInt8(ascii: " "): result.append(UInt8(ascii: "+"))
            default:
                result.append(UInt8(ascii: "%"))
                result.append(Self.digit(byte >> 4))
                result.append(Self.digit(byte & 15))
            }
        }
        return result
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") - 10 + value
    }
}
