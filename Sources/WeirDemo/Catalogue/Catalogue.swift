//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// An organisation that owns repositories. All names are invented.
struct Organization: Sendable {
    /// Its id at GitHub.
    let id: Int64
    /// Its login.
    let login: String
}

/// A person or a bot.
struct Actor: Sendable {
    /// The id at GitHub.
    let id: Int64
    /// The login.
    let login: String
    /// Whether it is an application.
    let isBot: Bool
}

/// A repository with its workflows.
struct Repository: Sendable {
    /// Its id at GitHub.
    let id: Int64
    /// The index of its owner in ``Catalogue/organizations``.
    let organization: Int
    /// Its short name.
    let name: String
    /// Whether it is private.
    let isPrivate: Bool
    /// Its share of all changes, in proportion to the others'.
    let weight: Double
    /// What its commits are about, for believable subjects.
    let topics: [String]
    /// A package its bot updates: ecosystem and name.
    let dependency: (ecosystem: String, name: String)
    /// Its workflows.
    let workflows: [Workflow]
}

/// The whole cast: three organisations, eight repositories, their workflows and people.
struct Catalogue: Sendable {
    /// The organisations.
    let organizations: [Organization]
    /// The repositories.
    let repositories: [Repository]
    /// People and bots; the bots last.
    let actors: [Actor]

    /// How many of ``actors`` are people.
    var humans: Int { self.actors.count - self.actors.filter(\.isBot).count }

    /// How many jobs one change starts on average, from the tables; nightly runs are not counted.
    var jobsPerChange: Double {
        let weights = self.repositories.reduce(0) { $0 + $1.weight }
        let jobs = self.repositories.reduce(0.0) { sum, repository in
            sum + repository.weight * repository.workflows.reduce(0.0) { $0 + $1.share * Double($1.jobs.count) }
        }
        return jobs / weights
    }

    /// The only catalogue there is.
    static let standard = Catalogue(
        organizations: [
            Organization(id: 91_204_417, login: "harborline"),
            Organization(id: 103_558_920, login: "tessellate-labs"),
            Organization(id: 128_730_066, login: "quietriver"),
        ],
        repositories: Self.harborline + Self.tessellate + Self.quietriver,
        actors: [
            Actor(id: 4_101_733, login: "mbergqvist", isBot: false),
            Actor(id: 7_220_158, login: "tamsin-okafor", isBot: false),
            Actor(id: 9_385_201, login: "rvdhoek", isBot: false),
            Actor(id: 11_047_729, login: "yuki-arai", isBot: false),
            Actor(id: 13_562_034, login: "lcarvalho", isBot: false),
            Actor(id: 17_830_446, login: "noor-haddad", isBot: false),
            Actor(id: 20_114_895, login: "pkowalczyk", isBot: false),
            Actor(id: 26_409_312, login: "esme-dlr", isBot: false),
            Actor(id: 31_775_680, login: "jlindqvist42", isBot: false),
            Actor(id: 38_026_157, login: "anouk-v", isBot: false),
            Actor(id: 44_893_021, login: "sgreaves", isBot: false),
            Actor(id: 52_650_774, login: "dmitri-oss", isBot: false),
            Actor(id: 49_699_333, login: "dependabot[bot]", isBot: true),
        ])
}
