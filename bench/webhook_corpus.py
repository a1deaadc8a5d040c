#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Writes a corpus of ready-made, signed `POST /webhook` requests, for wrk to send as they are (see webhook.lua).
# Each delivery is one step in the life of a workflow run or of one of its jobs; no delivery id, run id or job id
# occurs twice, neither within a corpus nor between two of them.
#
#   --out FILE    the requests, one after the other, in no particular order
#   FILE.index    the order to send them in: a header of 32 bytes, then one record of 16 bytes per delivery
#   FILE.json     what the corpus holds, for the benchmark's report
#
# The index is little endian throughout:
#   header   8 bytes "WEIRCORP", u32 version (1), u32 record size (16), u64 deliveries, u64 bytes in FILE
#   record   u64 offset in FILE, u32 length of the request, u32 length of its body
"""Write a corpus of signed webhook requests."""

import argparse
import base64
import hmac
import json
import multiprocessing
import os
import random
import re
import struct
import sys
import time

VERSION = 1
HEADER = struct.Struct("<8sIIQQ")
RECORD = struct.Struct("<QII")
# 15 October 1582 in steps of 100 ns before 1970. Source: RFC 9562, 5.1.
UUID_EPOCH = 0x01B21DD213814000

# Deliveries per unit of work. A multiple of three, because a full lifecycle always is one.
BLOCK = 9_000

# How the ten minutes before now are divided: runs are created in the first part, and the longest life
# (JOB_SPREAD + QUEUE_TIME + RUN_TIME, and a little) still ends before now.
WINDOW = 600
CREATED_WITHIN = 280
JOB_SPREAD = 10
QUEUE_TIME = (1, 20)
RUN_TIME = (5, 240)

API = "https://api.github.com"
OWNER = "acme-forge"
OWNER_ID = 61_048_377

REPOSITORIES = [
    ("api-gateway", "Go", "The one door into everything else"),
    ("billing", "Kotlin", "Invoices, credit notes and the ledger behind them"),
    ("checkout-web", "TypeScript", "What customers see between basket and receipt"),
    ("data-pipeline", "Python", "Nightly and hourly loads into the warehouse"),
    ("design-system", "TypeScript", "Tokens, components and their documentation"),
    ("firmware", "C", "Images for the counters at the gates"),
    ("ios-app", "Swift", "The app in the store"),
    ("infrastructure", "HCL", "Networks, clusters and the policies on them"),
    ("search-service", "Rust", "Full text and facets over the catalogue"),
    ("user-directory", "Java", "Who is who, and who may do what"),
]
WORKFLOWS = [
    "ci", "lint", "unit tests", "integration tests", "build image", "nightly", "release", "deploy staging",
    "deploy production", "dependency review", "CodeQL", "docs",
]
LABEL_SETS = [
    ["ubuntu-latest"], ["ubuntu-24.04"], ["ubuntu-22.04"], ["ubuntu-24.04-arm"], ["windows-2022"],
    ["macos-14"], ["macos-15", "xlarge"], ["self-hosted", "linux", "x64"], ["self-hosted", "linux", "arm64"],
    ["self-hosted", "linux", "x64", "gpu"], ["self-hosted", "linux", "x64", "large"],
    ["self-hosted", "linux", "x64", "docker"], ["self-hosted", "macos", "arm64"],
    ["self-hosted", "windows", "x64"], ["self-hosted", "linux", "x64", "spot"],
]
JOBS = ["build", "unit", "integration", "lint (strict)", "package (amd64)", "package (arm64)", "end to end", "publish"]
BRANCHES = [
    "main", "main", "main", "release/24.2", "fix/retry-on-timeout", "feature/faceted-search", "feature/dark-mode",
    "renovate/all-minor", "dependabot/npm_and_yarn/vite-5.2.8",
]
EVENTS = ["push", "pull_request", "schedule", "workflow_dispatch", "merge_group"]
ACTORS = ["ada-k", "brkovic", "chidi-o", "dependabot[bot]", "emi-tanaka", "fjodor", "gwen-m", "renovate[bot]"]
TITLES = [
    "Retry the upload when the peer goes away", "Bump the minor dependencies", "Split the nightly load in two",
    "Say which field was refused", "Do not wait for the cache", "Move the ledger's dates to UTC",
    "Fewer allocations while matching", "Ask before removing a network",
]
STEPS = [
    "Set up job", "Initialize containers", "Run actions/checkout@v4", "Run actions/setup-node@v4",
    "Run actions/cache@v4", "Install dependencies", "Check formatting", "Build", "Run the tests",
    "Collect coverage", "Run actions/upload-artifact@v4", "Post Run actions/cache@v4", "Post Run actions/checkout@v4",
    "Complete job",
]
OUTCOMES = ["success"] * 4 + ["failure", "cancelled"]

REPOSITORY_PATHS = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
    "downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}", "issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}", "languages_url": "/languages", "merges_url": "/merges",
    "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}", "subscribers_url": "/subscribers", "subscription_url": "/subscription",
    "tags_url": "/tags", "teams_url": "/teams", "trees_url": "/git/trees{/sha}",
}
ACCOUNT_PATHS = {
    "followers_url": "/followers", "following_url": "/following{/other_user}", "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}", "subscriptions_url": "/subscriptions", "organizations_url": "/orgs",
    "repos_url": "/repos", "events_url": "/events{/privacy}", "received_events_url": "/received_events",
}
ORGANIZATION_PATHS = {
    "repos_url": "/repos", "events_url": "/events", "hooks_url": "/hooks", "issues_url": "/issues",
    "members_url": "/members{/member}", "public_members_url": "/public_members{/member}",
}

# A slot in a template: "@@name@@" inside a string, or "@#name@#" as a whole string that stands for a bare value.
SLOT = re.compile(rb'"@#(\w+)@#"|@@(\w+)@@')


def node_id(kind, number):
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def account(login, number, kind="User"):
    """The fields of an account that are always there, and those that are only there for size."""
    required = {
        "login": login, "id": number, "node_id": node_id(kind, number), "type": kind, "site_admin": False,
    }
    optional = {
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4", "gravatar_id": "",
        "url": f"{API}/users/{login}", "html_url": f"https://github.com/{login}",
    }
    optional.update((key, f"{API}/users/{login}{path}") for key, path in ACCOUNT_PATHS.items())
    return required, optional


def repository(index, full=True):
    name, language, description = REPOSITORIES[index]
    number = 410_000_000 + index * 7_919
    url = f"{API}/repos/{OWNER}/{name}"
    required = {
        "id": number, "node_id": node_id("Repository", number), "name": name, "full_name": f"{OWNER}/{name}",
        "private": True, "owner": account(OWNER, OWNER_ID, "Organization")[0],
        "html_url": f"https://github.com/{OWNER}/{name}", "url": url,
    }
    optional = {"description": description, "fork": False}
    optional.update((key, url + path) for key, path in REPOSITORY_PATHS.items())
    if full:
        optional.update({
            "created_at": "2021-03-09T08:14:02Z", "updated_at": "2024-02-11T16:40:55Z",
            "pushed_at": "2024-02-11T16:40:51Z", "git_url": f"git://github.com/{OWNER}/{name}.git",
            "ssh_url": f"git@github.com:{OWNER}/{name}.git", "clone_url": f"https://github.com/{OWNER}/{name}.git",
            "svn_url": f"https://github.com/{OWNER}/{name}", "homepage": None, "size": 48_112 + index,
            "stargazers_count": 3, "watchers_count": 3, "language": language, "has_issues": True,
            "has_projects": False, "has_downloads": True, "has_wiki": False, "has_pages": False,
            "has_discussions": False, "forks_count": 0, "mirror_url": None, "archived": False, "disabled": False,
            "open_issues_count": 17, "license": None, "allow_forking": False, "is_template": False,
            "web_commit_signoff_required": False, "topics": ["service", language.lower()], "visibility": "internal",
            "forks": 0, "open_issues": 17, "watchers": 3, "default_branch": "main",
        })
    return required, optional


def steps(status):
    """The steps of a job: none while it waits, the first one while it runs, all of them at its end."""
    if status == "queued":
        return []
    if status == "in_progress":
        return [{"name": STEPS[0], "status": "in_progress", "conclusion": None, "number": 1,
                 "started_at": "@@started@@", "completed_at": None}]
    middle = len(STEPS) // 2
    return [
        {"name": name, "status": "completed",
         # The step that gives the job its conclusion; those after it are the clean-up, which always runs.
         "conclusion": "@@conclusion@@" if number == middle + 2 else "success", "number": number,
         "started_at": "@@started@@" if number <= middle else "@@middle@@",
         "completed_at": "@@middle@@" if number <= middle else "@@completed@@"}
        for number, name in enumerate(STEPS, 1)
    ]


class Template:
    """One kind of delivery for one repository: the bytes between the slots, and the slots' names."""

    def __init__(self, root, additions, size, shortest):
        self.sample = shortest
        length = len(self._fill(compact(root)))
        for target, key, value in additions:
            if length >= size:
                break
            target[key] = value
            # What a key adds to a dictionary that is not empty: "key":value and a comma.
            length += len(self._fill(compact(value))) + len(key) + 4
        # An organisation may define any number of properties; they make up whatever is still missing.
        properties = root["repository"].setdefault("custom_properties", {"cost-centre": "4711"})
        length = len(self._fill(compact(root)))
        while length < size:
            number = len(properties)
            key, value = f"compliance-control-{number:04}", f"reviewed by the platform team, entry {number:04}"
            properties[key] = value
            length += len(key) + len(value) + 6
        pieces = SLOT.split(compact(root))
        # split() yields text, bare slot or None, inner slot or None, text, …
        self.text = pieces[0::3]
        self.names = [(bare or inner).decode() for bare, inner in zip(pieces[1::3], pieces[2::3])]
        self.parts = [b""] * (2 * len(self.names) + 1)
        self.parts[0::2] = self.text

    def _fill(self, text):
        return SLOT.sub(lambda match: self.sample[(match[1] or match[2]).decode()], text)

    def render(self, values):
        self.parts[1::2] = [values[name] for name in self.names]
        return b"".join(self.parts)


def job_template(status, index, size, shortest):
    name = REPOSITORIES[index][0]
    url = f"{API}/repos/{OWNER}/{name}"
    repository_required, repository_optional = repository(index)
    sender_required, sender_optional = account("@@actor@@", 5_170_233)
    runs = status != "queued"
    job = {
        "id": "@#job_id@#", "run_id": "@#run_id@#", "workflow_name": "@@workflow@@", "head_branch": "@@branch@@",
        "run_url": f"{url}/actions/runs/@@run_id@@", "run_attempt": 1, "node_id": "CR_kwDOGH@@job_id@@",
        "head_sha": "@@sha@@", "url": f"{url}/actions/jobs/@@job_id@@",
        "html_url": f"https://github.com/{OWNER}/{name}/actions/runs/@@run_id@@/job/@@job_id@@", "status": status,
        "conclusion": "@@conclusion@@" if status == "completed" else None, "created_at": "@@created@@",
        # While a job waits GitHub repeats its creation here.
        "started_at": "@@started@@" if runs else "@@created@@",
        "completed_at": "@@completed@@" if status == "completed" else None, "name": "@@name@@",
        "steps": steps(status), "check_run_url": f"{url}/check-runs/@@job_id@@", "labels": "@#labels@#",
        "runner_id": "@#runner_id@#" if runs else None, "runner_name": "@@runner@@" if runs else None,
        "runner_group_id": 2 if runs else None, "runner_group_name": "GitHub Actions" if runs else None,
    }
    root = {
        "action": status, "workflow_job": job, "repository": repository_required,
        "organization": {"login": OWNER, "id": OWNER_ID, "node_id": node_id("Organization", OWNER_ID),
                         "url": f"{API}/orgs/{OWNER}"},
        "sender": sender_required, "installation": {"id": 48_113_902, "node_id": node_id("Integration", 48_113_902)},
    }
    additions = [(repository_required, *item) for item in repository_optional.items()]
    additions += [(sender_required, *item) for item in sender_optional.items()]
    additions += [(root["organization"], key, f"{API}/orgs/{OWNER}{path}") for key, path in ORGANIZATION_PATHS.items()]
    return Template(root, additions, size, shortest)


def run_template(action, index, size, shortest):
    name = REPOSITORIES[index][0]
    url = f"{API}/repos/{OWNER}/{name}"
    run_url = f"{url}/actions/runs/@@run_id@@"
    repository_required, repository_optional = repository(index)
    inner_required, inner_optional = repository(index, full=False)
    head_required, head_optional = repository(index, full=False)
    sender_required, sender_optional = account("@@actor@@", 5_170_233)
    actor_required, actor_optional = account("@@actor@@", 5_170_233)
    trigger_required, trigger_optional = account("@@actor@@", 5_170_233)
    file_name = ".github/workflows/pipeline.yml"
    run = {
        "id": "@#run_id@#", "name": "@@workflow@@", "node_id": "WFR_kwLOGH@@run_id@@", "head_branch": "@@branch@@",
        "head_sha": "@@sha@@", "path": file_name, "display_title": "@@title@@", "run_number": "@#run_number@#",
        "event": "@@event@@", "status": {"requested": "queued"}.get(action, action),
        "conclusion": "@@conclusion@@" if action == "completed" else None, "workflow_id": 91_000_000 + index,
        "check_suite_id": "@#run_id@#", "url": run_url,
        "html_url": f"https://github.com/{OWNER}/{name}/actions/runs/@@run_id@@", "pull_requests": [],
        "created_at": "@@created@@", "updated_at": "@@updated@@", "run_attempt": 1, "run_started_at": "@@created@@",
        "actor": actor_required, "triggering_actor": trigger_required, "jobs_url": f"{run_url}/jobs",
        "logs_url": f"{run_url}/logs", "check_suite_url": f"{url}/check-suites/@@run_id@@",
        "artifacts_url": f"{run_url}/artifacts", "cancel_url": f"{run_url}/cancel", "rerun_url": f"{run_url}/rerun",
        "previous_attempt_url": None, "workflow_url": f"{url}/actions/workflows/{91_000_000 + index}",
        "head_commit": {
            "id": "@@sha@@", "tree_id": "@@sha@@", "message": "@@title@@", "timestamp": "@@created@@",
            "author": {"name": "@@actor@@", "email": "@@actor@@@users.noreply.github.com"},
            "committer": {"name": "GitHub", "email": "noreply@github.com"},
        },
        "repository": inner_required, "head_repository": head_required,
    }
    root = {
        "action": action, "workflow_run": run,
        "workflow": {
            "id": 91_000_000 + index, "node_id": node_id("Workflow", 91_000_000 + index), "name": "@@workflow@@",
            "path": file_name, "state": "active", "created_at": "2021-03-09T08:20:44.000Z",
            "updated_at": "2023-11-30T10:02:17.000Z", "url": f"{url}/actions/workflows/{91_000_000 + index}",
            "html_url": f"https://github.com/{OWNER}/{name}/blob/main/{file_name}",
            "badge_url": f"https://github.com/{OWNER}/{name}/workflows/pipeline/badge.svg",
        },
        "repository": repository_required,
        "organization": {"login": OWNER, "id": OWNER_ID, "node_id": node_id("Organization", OWNER_ID),
                         "url": f"{API}/orgs/{OWNER}"},
        "sender": sender_required, "installation": {"id": 48_113_902, "node_id": node_id("Integration", 48_113_902)},
    }
    additions = [(repository_required, *item) for item in repository_optional.items()]
    for target, optional in ((sender_required, sender_optional), (actor_required, actor_optional),
                             (trigger_required, trigger_optional), (head_required, head_optional),
                             (inner_required, inner_optional)):
        additions += [(target, *item) for item in optional.items()]
    return Template(root, additions, size, shortest)


def shortest_values(first_id):
    """For each slot the shortest value it can get, so that a sized template is never smaller than asked."""
    def shortest(values):
        return min(values, key=len).encode()

    number = str(first_id).encode()
    moment = b"2024-01-01T00:00:00Z"
    return {
        "run_id": number, "job_id": number, "workflow": shortest(WORKFLOWS), "branch": shortest(BRANCHES),
        "sha": b"0" * 40, "name": shortest(JOBS), "actor": shortest(ACTORS), "title": shortest(TITLES),
        "event": shortest(EVENTS), "runner": b"runner-0", "runner_id": b"1", "run_number": b"1",
        "labels": min(map(compact, LABEL_SETS), key=len), "conclusion": shortest(OUTCOMES), "created": moment,
        "started": moment, "middle": moment, "completed": moment, "updated": moment,
    }


class Block:
    """Makes the deliveries of one block: lifecycles, interleaved, a given number of them open at a time."""

    def __init__(self, options, first_id, number):
        self.options = options
        self.random = random.Random(f"{options.seed}/{options.now}/{number}")
        self.first = number * BLOCK
        self.count = min(BLOCK, options.deliveries - self.first)
        # A run has at least six deliveries, so a block's identifiers never reach those of the next one.
        self.next_id = first_id + self.first
        self.made = 0

    def identifier(self):
        self.next_id += 1
        return str(self.next_id).encode()

    def moment(self, seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)).encode()

    def lifecycle(self, left):
        """The deliveries of one run, in the order of their time: (event, template's key, values)."""
        pick = self.random
        jobs = pick.randint(1, 6)
        # Whole lifecycles only: what is left must stay enough for one more, three for the run and three for each
        # job. Only a number of deliveries that is no multiple of three cuts the very last one short.
        jobs = max(1, min(jobs, left // 3 - 1))
        if left // 3 - 1 - jobs == 1:
            jobs += 1 if jobs < 6 else -1
        repo = pick.randrange(len(REPOSITORIES))
        created = self.options.now - WINDOW + int(CREATED_WITHIN * (self.first + self.made) / self.options.deliveries)
        outcome = pick.choice(OUTCOMES).encode()
        shared = {
            "run_id": self.identifier(), "workflow": pick.choice(WORKFLOWS).encode(),
            "branch": pick.choice(BRANCHES).encode(), "sha": b"%040x" % pick.getrandbits(160),
            "actor": pick.choice(ACTORS).encode(), "event": pick.choice(EVENTS).encode(),
            "run_number": str(pick.randint(100, 9_999)).encode(),
            "title": pick.choice(TITLES).encode(), "conclusion": outcome, "created": self.moment(created),
            "updated": self.moment(created),
        }
        timed = [(created, 0, "workflow_run", ("run", "requested", repo), shared)]
        first_start, last_end = None, 0
        for job, name in enumerate(pick.sample(JOBS, jobs)):
            queued = created + pick.randint(0, JOB_SPREAD)
            started = queued + pick.randint(*QUEUE_TIME)
            completed = started + pick.randint(*RUN_TIME)
            first_start = started if first_start is None else min(first_start, started)
            last_end = max(last_end, completed)
            runner = pick.randint(1, 400)
            values = dict(
                shared, job_id=self.identifier(), name=name.encode(), labels=pick.choice(self.options.label_sets),
                runner=b"runner-%d" % runner, runner_id=b"%d" % runner,
                # A run ends as its last job does; those before it went well.
                conclusion=outcome if job == jobs - 1 else b"success", created=self.moment(queued),
                started=self.moment(started), middle=self.moment((started + completed) // 2),
                completed=self.moment(completed))
            timed += [(queued, 1, "workflow_job", ("job", "queued", repo), values),
                      (started, 3, "workflow_job", ("job", "in_progress", repo), values),
                      (completed, 4, "workflow_job", ("job", "completed", repo), values)]
        timed.append((first_start, 2, "workflow_run", ("run", "in_progress", repo),
                      dict(shared, updated=self.moment(first_start))))
        timed.append((last_end + 1, 5, "workflow_run", ("run", "completed", repo),
                      dict(shared, updated=self.moment(last_end + 1))))
        timed.sort(key=lambda delivery: delivery[:2])
        deliveries = [delivery[2:] for delivery in timed][:left]
        self.made += len(deliveries)
        return deliveries

    def deliveries(self):
        """All deliveries of the block; of the open lifecycles a random one moves at each step."""
        in_flight = []
        while True:
            while len(in_flight) < self.options.in_flight and self.made < self.count:
                in_flight.append(iter(self.lifecycle(self.count - self.made)))
            if not in_flight:
                return
            at = int(self.random.random() * len(in_flight))
            delivery = next(in_flight[at], None)
            if delivery is None:
                in_flight[at] = in_flight[-1]
                in_flight.pop()
            else:
                yield delivery


# What a browser's form encoding escapes of ASCII; the per cent sign goes first, or it would escape the others' own.
FORM_ESCAPES = [(b"%", b"%25"), (b" ", b"+")] + [
    (bytes([code]), b"%%%02X" % code)
    for code in range(33, 127) if not chr(code).isalnum() and chr(code) not in "%-._"]
# The plus sign must not be touched again once it stands for a blank.
FORM_ESCAPES.sort(key=lambda pair: (pair[0] != b"%", pair[0] != b"+"))

worker = None


def start_worker(options, first_id, end, path):
    """What each process keeps: the templates, the data file, and the counter of its used bytes."""
    global worker
    samples = shortest_values(first_id)
    templates = {}
    for index in range(len(REPOSITORIES)):
        for status in ("queued", "in_progress", "completed"):
            templates["job", status, index] = job_template(status, index, options.body_bytes, samples)
        for action in ("requested", "in_progress", "completed"):
            templates["run", action, index] = run_template(action, index, options.run_body_bytes, samples)
    worker = (options, first_id, end, os.open(path, os.O_WRONLY), templates)


def make_block(number):
    """Write one block wherever the data file has room; return its index and what is in it."""
    options, first_id, end, descriptor, templates = worker
    block = Block(options, first_id, number)
    pick = block.random
    secret = options.secret.encode()
    host = f"127.0.0.1:{options.port}".encode()
    requests, lengths, events, bodies = [], [], {}, {}
    for event, key, values in block.deliveries():
        body = templates[key].render(values)
        content_type = b"application/json"
        if options.form_share and pick.random() < options.form_share:
            content_type = b"application/x-www-form-urlencoded"
            for plain, escaped in FORM_ESCAPES:
                body = body.replace(plain, escaped)
            body = b"payload=" + body
        # A UUID of version 1, as GitHub's own are (docs.github.com, "Webhook events and payloads", shows
        # 72d3162e-cc78-11e3-81ab-4c9367dc0958): its time goes on by 66 us, and no two blocks share one.
        ticks = UUID_EPOCH + options.now * 10_000_000 + (number * 1_000_000 + len(requests)) * 660
        digits = b"%08x%04x0%03x0%03x%012x" % (
            ticks & 0xffffffff, ticks >> 32 & 0xffff, ticks >> 48 & 0xfff, pick.getrandbits(12), pick.getrandbits(48))
        request = (
            b"POST /webhook HTTP/1.1\r\nHost: %b\r\nUser-Agent: GitHub-Hookshot/b7a3c19\r\nContent-Length: %d\r\n"
            b"Accept: */*\r\nContent-Type: %b\r\nX-GitHub-Delivery: %b-%b-1%b-a%b-%b\r\nX-GitHub-Event: %b\r\n"
            b"X-GitHub-Hook-ID: 448112907\r\nX-GitHub-Hook-Installation-Target-ID: 61048377\r\n"
            b"X-GitHub-Hook-Installation-Target-Type: organization\r\nX-Hub-Signature-256: sha256=%b\r\n\r\n%b"
        ) % (host, len(body), content_type, digits[:8], digits[8:12], digits[13:16], digits[17:20], digits[20:],
             event.encode(), hmac.digest(secret, body, "sha256").hex().encode(), body)
        requests.append(request)
        lengths.append((len(request), len(body)))
        name = f"{event}.{key[1]}"
        events[name] = events.get(name, 0) + 1
        bodies[event] = bodies.get(event, 0) + len(body)
    data = b"".join(requests)
    with end.get_lock():
        offset = end.value
        end.value += len(data)
    view = memoryview(data)
    at = offset
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written
    index = bytearray()
    for length, body_length in lengths:
        index += RECORD.pack(offset, length, body_length)
        offset += length
    return bytes(index), events, bodies


def share(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def parse(arguments=None):
    parser = argparse.ArgumentParser(description="Write a corpus of signed webhook requests for wrk.")
    parser.add_argument("--deliveries", type=positive, default=400_000, help="how many (default: %(default)s)")
    parser.add_argument("--secret", required=True, help="the webhook secret to sign with")
    parser.add_argument("--body-bytes", type=positive, default=8192,
                        help="the least size of a body (default: %(default)s)")
    parser.add_argument("--run-body-bytes", type=int, default=0,
                        help="the same for workflow_run, whose real payloads have about 19000 bytes "
                             "(default: as --body-bytes)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: %(default)s)")
    parser.add_argument("--form-share", type=share, default=0.0,
                        help="the share sent as a form, 0 to 1 (default: %(default)s)")
    parser.add_argument("--in-flight", type=positive, default=64,
                        help="lifecycles open at a time (default: %(default)s)")
    parser.add_argument("--port", type=positive, default=18080, help="for the Host header (default: %(default)s)")
    parser.add_argument("--processes", type=positive, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--now", type=float, default=0,
                        help="seconds since the epoch; the same seed and moment give the same requests "
                             "(default: the clock)")
    parser.add_argument("--out", required=True, help="the data file; .index and .json go beside it")
    options = parser.parse_args(arguments)
    options.run_body_bytes = options.run_body_bytes or options.body_bytes
    return options


def main():
    options = parse()
    began = time.monotonic()
    moment = options.now or time.time()
    # Identifiers count up from the millisecond the corpus was made in, so that two corpora sent to one server do not
    # meet, and stay below 2^53, so that JavaScript reads them exactly.
    first_id = (int(moment * 1000) - 1_600_000_000_000) * 4_000
    options.now = int(moment)
    options.label_sets = [compact(labels) for labels in LABEL_SETS]
    os.makedirs(os.path.dirname(os.path.abspath(options.out)), exist_ok=True)
    with open(options.out, "wb"):
        pass
    blocks = -(-options.deliveries // BLOCK)
    end = multiprocessing.Value("Q", 0)
    events, bodies, index = {}, {}, []
    with multiprocessing.Pool(options.processes, start_worker, (options, first_id, end, options.out)) as pool:
        for records, block_events, block_bodies in pool.imap(make_block, range(blocks)):
            index.append(records)
            for total, part in ((events, block_events), (bodies, block_bodies)):
                for name, count in part.items():
                    total[name] = total.get(name, 0) + count
    records = b"".join(index)
    count = len(records) // RECORD.size
    assert count == options.deliveries and end.value == os.path.getsize(options.out)
    with open(options.out + ".index", "wb") as file:
        file.write(HEADER.pack(b"WEIRCORP", VERSION, RECORD.size, count, end.value))
        file.write(records)
    # Written back now, or the kernel would do it during the benchmark, beside the server's own fsync.
    for path in (options.out, options.out + ".index"):
        descriptor = os.open(path, os.O_RDWR)
        os.fsync(descriptor)
        os.close(descriptor)
    sizes = [length for _, _, length in RECORD.iter_unpack(records)]
    by_event = {event: sum(number for name, number in events.items() if name.startswith(event + "."))
                for event in bodies}
    about = {
        "deliveries": count, "runs": events.get("workflow_run.requested", 0),
        "jobs": events.get("workflow_job.queued", 0), "events": dict(sorted(events.items())),
        "body_bytes": {"min": min(sizes), "mean": round(sum(sizes) / count), "max": max(sizes)},
        "mean_body_bytes": {event: round(total / by_event[event]) for event, total in sorted(bodies.items())},
        "bytes": end.value, "seed": options.seed, "now": options.now, "form_share": options.form_share,
        "in_flight": options.in_flight, "port": options.port,
    }
    with open(options.out + ".json", "w", encoding="utf-8") as file:
        json.dump(about, file, indent=2)
        file.write("\n")
    seconds = time.monotonic() - began
    print(f"{count} deliveries of {about['runs']} runs and {about['jobs']} jobs, bodies of "
          f"{about['body_bytes']['min']} to {about['body_bytes']['max']} bytes, {end.value / 1e9:.2f} GB, "
          f"in {seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
