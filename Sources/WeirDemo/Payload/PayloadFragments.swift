//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The parts of bodies that never change, written once: owners, repositories, people, workflows.
struct PayloadFragments: Sendable {
    /// For each repository the top-level `repository` object.
    let repositories: [[UInt8]]
    /// For each repository the shorter object inside a run.
    let minimalRepositories: [[UInt8]]
    /// For each repository its `organization` object.
    let organizations: [[UInt8]]
    /// For each actor its user object.
    let actors: [[UInt8]]
    /// For each repository and workflow the `workflow` object.
    let workflows: [[[UInt8]]]
    /// For each repository the start of its page's address.
    let pages: [String]
    /// For each repository the start of its address in the API.
    let interfaces: [String]

    /// Writes the parts.
    init(_ catalogue: Catalogue) {
        let names = catalogue.repositories.map { "\(catalogue.organizations[$0.organization].login)/\($0.name)" }
        let pages = names.map { "https://github.com/" + $0 }
        let interfaces = names.map { "https://api.github.com/repos/" + $0 }
        self.pages = pages
        self.interfaces = interfaces
        self.actors = catalogue.actors.map(Self.actor)
        self.organizations = catalogue.repositories.map { Self.organization(catalogue.organizations[$0.organization]) }
        func repository(_ index: Int, isMinimal: Bool) -> [UInt8] {
            let repository = catalogue.repositories[index]
            let owner = catalogue.organizations[repository.organization]
            var writer = JSONWriter()
            writer.object { json in
                json.member("id", repository.id)
                json.member("name", repository.name)
                json.member("full_name", names[index])
                json.member("private", repository.isPrivate)
                json.raw("owner", Self.owner(owner))
                json.member("html_url", pages[index])
                json.member("fork", false)
                json.member("url", interfaces[index])
                if isMinimal { return }
                json.member("archived", false)
                json.member("default_branch", "main")
                json.member("visibility", repository.isPrivate ? "private" : "public")
            }
            return writer.bytes
        }
        self.repositories = catalogue.repositories.indices.map { repository($0, isMinimal: false) }
        self.minimalRepositories = catalogue.repositories.indices.map { repository($0, isMinimal: true) }
        self.workflows = catalogue.repositories.indices.map { index in
            catalogue.repositories[index].workflows.map {
                Self.workflow($0, page: pages[index], interface: interfaces[index])
            }
        }
    }

    /// A user object.
    private static func actor(_ actor: Actor) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { json in
            json.member("login", actor.login)
            json.member("id", actor.id)
            json.member("avatar_url", "https://avatars.githubusercontent.com/u/\(actor.id)?v=4")
            json.member("html_url", "https://github.com/\(actor.isBot ? "apps/dependabot" : actor.login)")
            json.member("type", actor.isBot ? "Bot" : "User")
            json.member("site_admin", false)
        }
        return writer.bytes
    }

    /// A repository's owner: an organisation in the form of a user.
    private static func owner(_ organization: Organization) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { json in
            json.member("login", organization.login)
            json.member("id", organization.id)
            json.member("html_url", "https://github.com/\(organization.login)")
            json.member("type", "Organization")
            json.member("site_admin", false)
        }
        return writer.bytes
    }

    /// An organisation.
    private static func organization(_ organization: Organization) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { json in
            json.member("login", organization.login)
            json.member("id", organization.id)
            json.member("url", "https://api.github.com/orgs/\(organization.login)")
            json.member("avatar_url", "https://avatars.githubusercontent.com/u/\(organization.id)?v=4")
            json.member("description", "")
        }
        return writer.bytes
    }

    /// A workflow.
    private static func workflow(_ workflow: Workflow, page: String, interface: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { json in
            json.member("id", workflow.id)
            json.member("name", workflow.name)
            json.member("path", workflow.path)
            json.member("state", "active")
            json.member("url", "\(interface)/actions/workflows/\(workflow.id)")
            json.member("html_url", "\(page)/blob/main/\(workflow.path)")
        }
        return writer.bytes
    }
}
