//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The objects that bodies of both kinds of events contain.
enum PayloadParts {
    private static let interface = "https://api.github.com"
    private static let site = "https://github.com"

    static func page(_ repository: Int) -> String {
        "\(Self.site)/\(Catalogue.organization)/\(Catalogue.repositories[repository].name)"
    }

    static func address(_ repository: Int) -> String {
        "\(Self.interface)/repos/\(Catalogue.organization)/\(Catalogue.repositories[repository].name)"
    }

    /// A user, or an organisation in the form of one.
    static func account(_ login: String, id: Int, type: String) -> String {
        let address = "\(Self.interface)/users/\(login)"
        let members: [(String, String)] =
            [
                ("login", JSONText.text(login)), ("id", String(id)), ("node_id", JSONText.text("MDQ6VXNlcj\(id)")),
                ("avatar_url", JSONText.text("https://avatars.githubusercontent.com/u/\(id)?v=4")),
                ("gravatar_id", #""""#), ("url", JSONText.text(address)),
                ("html_url", JSONText.text("\(Self.site)/\(login)")),
            ]
            + JSONText.addresses(
                address,
                [
                    ("followers_url", "/followers"), ("following_url", "/following{/other_user}"),
                    ("gists_url", "/gists{/gist_id}"), ("starred_url", "/starred{/owner}{/repo}"),
                    ("subscriptions_url", "/subscriptions"), ("organizations_url", "/orgs"), ("repos_url", "/repos"),
                    ("events_url", "/events{/privacy}"), ("received_events_url", "/received_events"),
                ])
            + [("type", JSONText.text(type)), ("site_admin", "false")]
        return JSONText.object(members)
    }

    static let sender = Self.account(Slot.actor.mark, id: 5_170_233, type: "User")

    /// The same, with no more than names it.
    static let senderName = JSONText.object([
        ("login", JSONText.text(Slot.actor.mark)), ("id", "5170233"), ("type", JSONText.text("User")),
    ])

    static let organization: String = {
        let address = "\(Self.interface)/orgs/\(Catalogue.organization)"
        let id = Catalogue.organizationID
        return JSONText.object(
            [
                ("login", JSONText.text(Catalogue.organization)), ("id", String(id)),
                ("node_id", JSONText.text("O_kgDO\(id)")), ("url", JSONText.text(address)),
            ]
                + JSONText.addresses(
                    address,
                    [
                        ("repos_url", "/repos"), ("events_url", "/events"), ("hooks_url", "/hooks"),
                        ("issues_url", "/issues"), ("members_url", "/members{/member}"),
                        ("public_members_url", "/public_members{/member}"),
                    ])
                + [
                    ("avatar_url", JSONText.text("https://avatars.githubusercontent.com/u/\(id)?v=4")),
                    ("description", JSONText.text("Turnstiles, and what is behind them")),
                ])
    }()

    private static let repositoryPaths = [
        ("forks_url", "/forks"), ("keys_url", "/keys{/key_id}"), ("collaborators_url", "/collaborators{/collaborator}"),
        ("teams_url", "/teams"), ("hooks_url", "/hooks"), ("issue_events_url", "/issues/events{/number}"),
        ("events_url", "/events"), ("assignees_url", "/assignees{/user}"), ("branches_url", "/branches{/branch}"),
        ("tags_url", "/tags"), ("blobs_url", "/git/blobs{/sha}"), ("git_tags_url", "/git/tags{/sha}"),
        ("git_refs_url", "/git/refs{/sha}"), ("trees_url", "/git/trees{/sha}"), ("statuses_url", "/statuses/{sha}"),
        ("languages_url", "/languages"), ("stargazers_url", "/stargazers"), ("contributors_url", "/contributors"),
        ("subscribers_url", "/subscribers"), ("subscription_url", "/subscription"), ("commits_url", "/commits{/sha}"),
        ("git_commits_url", "/git/commits{/sha}"), ("comments_url", "/comments{/number}"),
        ("issue_comment_url", "/issues/comments{/number}"), ("contents_url", "/contents/{+path}"),
        ("compare_url", "/compare/{base}...{head}"), ("merges_url", "/merges"),
        ("archive_url", "/{archive_format}{/ref}"), ("downloads_url", "/downloads"),
        ("issues_url", "/issues{/number}"), ("pulls_url", "/pulls{/number}"),
        ("milestones_url", "/milestones{/number}"),
        ("notifications_url", "/notifications{?since,all,participating}"), ("labels_url", "/labels{/name}"),
        ("releases_url", "/releases{/id}"), ("deployments_url", "/deployments"),
    ]

    /// What names a repository.
    static func repositoryNames(_ index: Int) -> [(String, String)] {
        let name = Catalogue.repositories[index].name
        let id = 610_000_000 + index * 7_919
        return [
            ("id", String(id)), ("node_id", JSONText.text("R_kgDO\(id)")), ("name", JSONText.text(name)),
            ("full_name", JSONText.text("\(Catalogue.organization)/\(name)")), ("private", "true"),
            ("html_url", JSONText.text(Self.page(index))), ("url", JSONText.text(Self.address(index))),
        ]
    }

    /// The members that a repository has everywhere.
    static func repositoryMembers(_ index: Int) -> [(String, String)] {
        let owner = Self.account(Catalogue.organization, id: Catalogue.organizationID, type: "Organization")
        return Self.repositoryNames(index) + [
            ("owner", owner), ("description", JSONText.text(Catalogue.repositories[index].about)), ("fork", "false"),
        ] + JSONText.addresses(Self.address(index), Self.repositoryPaths)
    }

    /// The repository beside the event's own object, which tells more.
    static func repository(_ index: Int, properties: [(String, String)]) -> String {
        let page = Self.page(index)
        let name = "\(Catalogue.organization)/\(Catalogue.repositories[index].name)"
        return JSONText.object(
            Self.repositoryMembers(index) + [
                ("created_at", JSONText.text("2021-03-09T08:14:02Z")),
                ("updated_at", JSONText.text("2024-02-11T16:40:55Z")),
                ("pushed_at", JSONText.text("2024-02-11T16:40:51Z")),
                ("git_url", JSONText.text("git://github.com/\(name).git")),
                ("ssh_url", JSONText.text("git@github.com:\(name).git")), ("clone_url", JSONText.text("\(page).git")),
                ("svn_url", JSONText.text(page)), ("homepage", "null"), ("size", "48112"), ("stargazers_count", "3"),
                ("watchers_count", "3"), ("language", JSONText.text(Catalogue.repositories[index].language)),
                ("has_issues", "true"), ("has_projects", "false"), ("has_downloads", "true"), ("has_wiki", "false"),
                ("has_pages", "false"), ("has_discussions", "false"), ("forks_count", "0"), ("mirror_url", "null"),
                ("archived", "false"), ("disabled", "false"), ("open_issues_count", "17"), ("license", "null"),
                ("allow_forking", "false"), ("is_template", "false"), ("web_commit_signoff_required", "false"),
                ("topics", "[]"), ("visibility", JSONText.text("internal")), ("forks", "0"), ("open_issues", "17"),
                ("watchers", "3"), ("default_branch", JSONText.text("main")),
                ("custom_properties", JSONText.object(properties)),
            ])
    }

    static let installation = JSONText.object([
        ("id", "48113902"), ("node_id", JSONText.text("MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uNDgxMTM5MDI=")),
    ])
}
