# SPDX-License-Identifier: Apache-2.0
#
# The board in a real browser, against a real server with a database of its own:
#
#   python3 -m venv .venv && .venv/bin/pip install -r Tests/Browser/requirements.txt
#   .venv/bin/python Tests/Browser/board_test.py --weir .build/debug/weir --chromium /usr/bin/chromium --out shots
#
# One line per check, "ok - …" or "FAILED - …", and at the end "N passed, M failed". Exit status 1 on any failure.
# --control runs the live check without sending its webhooks and must fail; the main run starts it and says so.
"""Test the board with Chromium."""

import argparse
import contextlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout
from playwright.sync_api import sync_playwright

HOST = "127.0.0.1"
SECRET = "browser-test-secret"
OWNER = "acme-forge"

# Seconds.
START_WITHIN = 30
STOP_WITHIN = 20

# Milliseconds. Live is what a person accepts as at once; the page's own reconnection waits up to 15 s.
LIVE = 2_000
LOAD = 10_000
RECONNECT = 40_000

TABS = 8
WIDTHS = (390, 900, 1600)
# What a value that went wrong looks like once it is on the page.
BROKEN_TEXT = r"\bNaN\b|\bundefined\b|Invalid Date|\[object |\bInfinity\b"

# The hooks in the page.
CONNECTION = "#connection"
FIGURE = '[data-metric="{}"] .figure'
ROW = 'tbody.run[data-run*="/{}/"]'
EMPTY = "#runs-empty"
BADGE = ".badge:not(.later)"


class Failed(Exception):
    """A check did not hold; the message says what was seen."""


class Server:
    """A real server on loopback. It can be stopped and started again on the same port and database."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        with contextlib.closing(socket.socket()) as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}/"
        self.log_path = os.path.join(directory, "server.log")
        self.process = None

    def start(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
        environment.update(WEIR_DATABASE=f"sqlite:{os.path.join(self.directory, 'board.db')}", WEIR_HOST=HOST,
                           WEIR_PORT=str(self.port), WEIR_WEBHOOK_SECRET=SECRET)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.binary, "serve"], env=environment, stdout=log, stderr=log,
                                            cwd=self.directory)
        until = time.monotonic() + START_WITHIN
        last = "no answer"
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise Failed(f"the server ended with status {self.process.returncode}: {self.log_tail()}")
            try:
                connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
                connection.request("GET", "/readyz")
                response = connection.getresponse()
                last = f"{response.status} {response.read()[:200]!r}"
                connection.close()
                if response.status == 200:
                    return
            except OSError as problem:
                last = repr(problem)
            time.sleep(0.02)
        raise Failed(f"the server was not ready within {START_WITHIN} s: {last}; {self.log_tail()}")

    def stop(self):
        """Exit status after SIGTERM; a server that stays is killed, and that is a failure."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"the server did not end within {STOP_WITHIN} s of SIGTERM") from None
        if status != 0:
            raise Failed(f"the server's exit status after SIGTERM was {status}: {self.log_tail()}")

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log_tail(self):
        with open(self.log_path, "rb") as file:
            return file.read()[-1500:].decode(errors="replace").strip() or "its log is empty"

    def post(self, event, payload):
        body = json.dumps(payload).encode()
        connection = http.client.HTTPConnection(HOST, self.port, timeout=15)
        try:
            connection.request("POST", "/webhook", body, {
                "Content-Type": "application/json", "X-GitHub-Event": event, "X-GitHub-Delivery": str(uuid.uuid4()),
                "X-Hub-Signature-256": "sha256=" + hmac.digest(SECRET.encode(), body, "sha256").hex()})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 202:
            raise Failed(f"POST /webhook ({event}) was answered {response.status} {answer[:300]!r}")


def moment(age=0.0):
    """`age` seconds ago, as GitHub writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))


class Run:
    """The payloads of one workflow run with one job. Every moment is taken once, as GitHub does."""

    following = 9_100_000_001

    def __init__(self, repository="api-gateway", title="Say which field was refused", labels=("self-hosted", "linux", "gpu"),
                 age=0.0):
        self.id, self.job_id = Run.following, Run.following + 500_000
        Run.following += 1
        self.repository, self.title, self.labels = repository, title, list(labels)
        self.created = moment(age)
        self.started = self.completed = None

    def _root(self, action):
        return {
            "action": action,
            "repository": {
                "id": 410_000_123, "name": self.repository, "full_name": f"{OWNER}/{self.repository}", "private": True,
                "owner": {"login": OWNER, "id": 61_048_377, "type": "Organization"},
                "html_url": f"https://github.com/{OWNER}/{self.repository}",
            },
            "sender": {"login": "ada-k", "id": 5_170_233, "type": "User"},
        }

    def run_payload(self, action, status, conclusion=None):
        url = f"https://github.com/{OWNER}/{self.repository}/actions/runs/{self.id}"
        return dict(self._root(action), workflow_run={
            "id": self.id, "name": "integration tests", "display_title": self.title, "run_number": 42,
            "run_attempt": 1, "event": "push", "status": status, "conclusion": conclusion, "workflow_id": 91_000_007,
            "head_branch": "main", "head_sha": "9f" * 20, "path": ".github/workflows/integration.yml",
            "created_at": self.created, "updated_at": self.completed or self.started or self.created,
            "run_started_at": self.created, "html_url": url, "actor": {"login": "ada-k", "id": 5_170_233},
            "triggering_actor": {"login": "ada-k", "id": 5_170_233},
        })

    def job_payload(self, status, conclusion=None):
        runs = status != "queued"
        return dict(self._root(status), workflow_job={
            "id": self.job_id, "run_id": self.id, "run_attempt": 1, "workflow_name": "integration tests",
            "name": "end to end (gpu)", "head_branch": "main", "head_sha": "9f" * 20, "status": status,
            "conclusion": conclusion, "created_at": self.created, "started_at": self.started or self.created,
            "completed_at": self.completed, "labels": self.labels, "steps": [],
            "runner_id": 7 if runs else None, "runner_name": "rack-2-gpu-7" if runs else None,
            "runner_group_id": 1 if runs else None, "runner_group_name": "Default" if runs else None,
            "html_url": f"https://github.com/{OWNER}/{self.repository}/actions/runs/{self.id}/job/{self.job_id}",
        })

    def queue(self, server):
        server.post("workflow_run", self.run_payload("requested", "queued"))
        server.post("workflow_job", self.job_payload("queued"))

    def start(self, server):
        self.started = moment()
        server.post("workflow_job", self.job_payload("in_progress"))
        server.post("workflow_run", self.run_payload("in_progress", "in_progress"))

    def complete(self, server, conclusion="success"):
        self.completed = moment()
        server.post("workflow_job", self.job_payload("completed", conclusion))
        server.post("workflow_run", self.run_payload("completed", "completed", conclusion))


class Board:
    """One tab. What the browser complains about is collected while `listening`."""

    def __init__(self, context, complaints):
        self.page = context.new_page()
        self.complaints = complaints
        self.listening = True
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._complain(f"uncaught: {error}"))

    def _console(self, message):
        if message.type in ("error", "warning"):
            self._complain(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _complain(self, text):
        if self.listening:
            self.complaints.append(text)

    def open(self, url):
        self.page.goto(url, wait_until="domcontentloaded")
        self.connection("live", LOAD)

    def wait(self, what, expression, argument=None, timeout=LIVE):
        try:
            self.page.wait_for_function(expression, arg=argument, timeout=timeout)
        except BrowserTimeout:
            raise Failed(f"not within {timeout / 1000:g} s: {what}; {self.seen()}") from None

    def connection(self, state, timeout=LIVE):
        self.wait(f"connection state {state}", "([s, v]) => document.querySelector(s)?.dataset.state === v",
                  [CONNECTION, state], timeout)

    def figure(self, metric, value, timeout=LIVE):
        self.wait(f"{metric} {value}", "([s, v]) => document.querySelector(s)?.textContent.trim() === v",
                  [FIGURE.format(metric), str(value)], timeout)

    def row(self, run, timeout=LIVE):
        self.wait(f"a row of run {run.id}", "s => document.querySelector(s)?.getClientRects().length > 0",
                  ROW.format(run.id), timeout)

    def badge(self, run, text, timeout=LIVE):
        self.wait(f"badge “{text}” on run {run.id}",
                  "([s, v]) => document.querySelector(s)?.textContent.trim().toLowerCase() === v",
                  [f"{ROW.format(run.id)} {BADGE}", text], timeout)

    def figures(self):
        return self.page.eval_on_selector_all(
            "[data-metric]", "cards => Object.fromEntries(cards.map(c => [c.dataset.metric, "
            "c.querySelector('.figure')?.textContent.trim() ?? null]))")

    def seen(self):
        with contextlib.suppress(BrowserError):
            state = self.page.eval_on_selector_all(CONNECTION, "found => found.map(c => c.dataset.state)")
            rows = self.page.eval_on_selector_all("tbody.run", "rows => rows.length")
            return f"seen: connection {state}, figures {self.figures()}, {rows} rows"
        return "the page could not be read"

    def text(self):
        """All text a person or a screen reader meets, attributes included."""
        return self.page.evaluate("""() => {
          const names = ['title', 'aria-label', 'datetime', 'data-value', 'href', 'd', 'x', 'width', 'points', 'transform'];
          const found = [document.title, document.body.innerText, document.body.textContent];
          for (const node of document.querySelectorAll('body *'))
            for (const name of names) if (node.hasAttribute(name)) found.push(`${name}=${node.getAttribute(name)}`);
          return found.join('\\n');
        }""")


class Suite:
    """The checks in their order: later ones build on the data of earlier ones."""

    def __init__(self, options, server, browser):
        self.options, self.server, self.browser = options, server, browser
        self.passed, self.failed = 0, 0
        self.complaints = []
        self.context = self.new_context()
        self.run = Run()

    def new_context(self, **settings):
        context = self.browser.new_context(locale="en-GB", timezone_id="Europe/Rome", **settings)
        context.set_default_timeout(LOAD)
        # Content security policy: the console says it too, but this also names the directive.
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => console.error("
            "`CSP ${e.violatedDirective}: ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));")
        return context

    def check(self, name, work):
        try:
            detail = work()
        except Exception as problem:  # Whatever goes wrong inside a check is its failure, and the next one still runs.
            self.failed += 1
            text = str(problem) if isinstance(problem, Failed) else f"{type(problem).__name__}: {problem}"
            lines = [line.strip() for line in text.strip().splitlines()]
            print(f"FAILED - {name}: {' | '.join(filter(None, lines))}", flush=True)
        else:
            self.passed += 1
            print(f"ok - {name}{f' ({detail})' if detail else ''}", flush=True)

    # The checks.

    def empty(self):
        self.board = Board(self.context, self.complaints)
        self.board.open(self.server.url)
        self.board.wait("an empty state", "s => document.querySelector(s)?.getClientRects().length > 0 "
                        "&& document.querySelector(s).textContent.trim().length > 0", EMPTY, LOAD)
        for metric in ("running", "queued", "blocked"):
            self.board.figure(metric, 0, LOAD)

    def queued(self, send=True):
        # Gone if the page were loaded again.
        self.board.page.evaluate("() => { window.notReloaded = true; }")
        began = time.monotonic()
        if send:
            self.run.queue(self.server)
        self.board.figure("queued", 1)
        self.board.row(self.run, max(1, LIVE - int((time.monotonic() - began) * 1000)))
        if not self.board.page.evaluate("() => window.notReloaded === true"):
            raise Failed("the page was loaded again")
        return f"{(time.monotonic() - began) * 1000:.0f} ms"

    def running(self):
        self.run.start(self.server)
        self.board.figure("running", 1)
        self.board.figure("queued", 0)
        self.board.badge(self.run, "running")

    def completed(self):
        self.run.complete(self.server)
        self.board.figure("running", 0)
        self.board.badge(self.run, "success")
        if not self.board.page.evaluate("() => window.notReloaded === true"):
            raise Failed("the page was loaded again")

    def details(self):
        row = self.board.page.locator(ROW.format(self.run.id))
        row.locator("button.toggle").click()
        labels = row.locator(f'tr[data-job="{self.run.job_id}"] .chips li')
        labels.first.wait_for(timeout=LIVE)
        shown = [text.strip() for text in labels.all_inner_texts()]
        if sorted(shown) != sorted(self.run.labels):
            raise Failed(f"the job shows the labels {shown}, sent were {self.run.labels}")
        text = row.locator(f'tr[data-job="{self.run.job_id}"]').inner_text()
        for wanted in ("end to end (gpu)", "rack-2-gpu-7"):
            if wanted not in text:
                raise Failed(f"the job does not show “{wanted}”: {text!r}")
        # A pointer over the table holds it, so that nothing moves away under it.
        self.board.page.mouse.move(0, 0)

    def filtered(self):
        """A tab that shows one repository and one status only: matching runs come live, others stay away."""
        board = Board(self.context, self.complaints)
        try:
            other, wanted = Run("billing", "Move the dates to UTC"), Run("checkout-web", "Ask before paying twice")
            board.open(f"{self.server.url}?repository={OWNER}/{wanted.repository}&status=queued")
            board.wait("no row behind a filter that matches nothing",
                       "s => document.querySelector(s)?.getClientRects().length > 0", EMPTY, LOAD)
            other.queue(self.server)
            wanted.queue(self.server)
            board.row(wanted)
            if board.page.locator(ROW.format(other.id)).count():
                raise Failed(f"the run of {other.repository} is shown behind the filter for {wanted.repository}")
            board.figure("queued", 2)
            wanted.start(self.server)
            board.wait("the started run leaves the list of queued ones", "s => !document.querySelector(s)",
                       ROW.format(wanted.id))
            board.page.reload(wait_until="domcontentloaded")
            board.connection("live", LOAD)
            if "status=queued" not in board.page.url or wanted.repository not in board.page.url:
                raise Failed(f"the filters left the address: {board.page.url}")
            other.start(self.server)
            other.complete(self.server, "failure")
            wanted.complete(self.server, "cancelled")
            for one in (board, self.board):
                one.figure("queued", 0)
                one.figure("running", 0)
            self.board.badge(other, "failed")
            self.board.badge(wanted, "cancelled")
        finally:
            board.page.close()

    def shared_stream(self):
        """Eight tabs of one browser, over HTTP/1.1 and its six connections, with one stream between them."""
        context = self.new_context()
        streams = []
        closed = set()
        context.on("request", lambda request: streams.append(request)
                   if re.search(r"/events(\?|$)", request.url) else None)
        for event in ("requestfinished", "requestfailed"):
            context.on(event, lambda request: closed.add(request))
        boards = []
        run = Run("data-pipeline", "Split the nightly load in two")
        try:
            for _ in range(TABS):
                boards.append(Board(context, self.complaints))
                boards[-1].open(self.server.url)
            run.queue(self.server)
            for number, board in enumerate(boards):
                self._in_tab(number, lambda board=board: (board.figure("queued", 1), board.row(run)))
            open_streams = [request for request in streams if request not in closed]
            if len(open_streams) != 1:
                raise Failed(f"{TABS} tabs hold {len(open_streams)} streams open instead of sharing one")
            # The tab with the stream goes; another one must take over.
            role = "() => document.documentElement.dataset.stream"
            leaders = [board for board in boards if board.page.evaluate(role) == "leader"]
            if len(leaders) != 1:
                raise Failed(f"{len(leaders)} tabs say that they hold the stream")
            boards.remove(leaders[0])
            leaders[0].page.close()
            run.start(self.server)
            for number, board in enumerate(boards):
                self._in_tab(number, lambda board=board: (board.figure("running", 1, LIVE * 2), board.connection("live")))
            run.complete(self.server)
            for number, board in enumerate(boards):
                self._in_tab(number, lambda board=board: (board.figure("running", 0), board.badge(run, "success")))
        finally:
            context.close()

    @staticmethod
    def _in_tab(number, work):
        try:
            work()
        except Failed as problem:
            raise Failed(f"tab {number + 1}: {problem}") from None

    def reconnect(self):
        waiting = Run("search-service", "Fewer allocations while matching")
        waiting.queue(self.server)
        self.board.figure("queued", 1)
        self.board.row(waiting)
        before, rows = self.board.figures(), self.board.page.locator("tbody.run").count()
        # What the browser says about a server that is gone is no mistake of the page.
        self.board.listening = False
        try:
            self.server.stop()
            self.board.connection("disconnected", LOAD)
            after = self.board.figures()
            # The averages may still have been read again just before the stop, so theirs need only stay figures.
            kept = all(after[metric] == before[metric] for metric in ("running", "queued", "blocked"))
            lost = [metric for metric in before if re.search(r"\d", before[metric]) and not re.search(r"\d", after[metric])]
            if not kept or lost:
                raise Failed(f"the figures were {before} and are {after} while disconnected")
            if self.board.page.locator("tbody.run").count() != rows:
                raise Failed("rows went while disconnected")
            self.server.start()
            self.board.connection("live", RECONNECT)
            self.board.figure("queued", 1)
        finally:
            if self.server.process.poll() is not None:
                self.server.start()
            self.board.listening = True
        waiting.start(self.server)
        waiting.complete(self.server)
        self.board.figure("queued", 0)
        self.board.badge(waiting, "success", LIVE * 2)

    def clean_text(self):
        page = self.board.page
        # Open every row and each period, so that everything the page can write is written.
        closed = page.locator("tbody.run button.toggle[aria-expanded=false]")
        for _ in range(closed.count()):
            closed.first.click()
        page.mouse.move(0, 0)
        page.wait_for_function(
            "() => [...document.querySelectorAll('tr.detail')].every(d => d.querySelector('tr[data-job]'))", timeout=LOAD)
        looked_at = 0
        # Last the one that is chosen at first.
        for period in ("day", "week", "month", "hour"):
            with page.expect_response(re.compile(rf"/api/demand\?.*\bperiod={period}\b"), timeout=LOAD):
                page.locator(f'[data-choice="period"] input[value="{period}"]').check(force=True)
            # The answer is drawn in the frame after it.
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            text = self.board.text()
            looked_at += len(text)
            found = re.search(f".{{0,60}}({BROKEN_TEXT}).{{0,60}}", text)
            if found:
                raise Failed(f"period {period}: …{found[0]}…")
        times = page.eval_on_selector_all(
            "time[datetime]", "nodes => nodes.map(n => n.getAttribute('datetime')).filter("
            "t => !/^PT[\\d.]+S$/.test(t) && Number.isNaN(Date.parse(t)))")
        if times:
            raise Failed(f"these are no times: {times}")
        if page.locator("time[datetime]").count() == 0:
            raise Failed("there is no time on the page at all")
        return f"{looked_at} characters"

    def screenshots(self):
        os.makedirs(self.options.out, exist_ok=True)
        for scheme in ("light", "dark"):
            for width in WIDTHS:
                context = self.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
                try:
                    board = Board(context, self.complaints)
                    board.open(self.server.url)
                    board.row(self.run, LOAD)
                    path = os.path.join(self.options.out, f"board-{scheme}-{width}.png")
                    board.page.screenshot(path=path, full_page=True, animations="disabled")
                    wider = board.page.evaluate(
                        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    if wider > 0:
                        raise Failed(f"{scheme}, {width} px: the page is {wider} px wider than the window")
                    if os.path.getsize(path) < 5_000:
                        raise Failed(f"{path} is as good as empty")
                finally:
                    context.close()
        return self.options.out

    def quiet_console(self):
        if self.complaints:
            shown = "; ".join(dict.fromkeys(self.complaints))
            raise Failed(f"{len(self.complaints)} complaints: {shown[:2000]}")

    def control(self):
        """Another process with its own server: the live check without webhooks."""
        result = subprocess.run(
            [sys.executable, os.path.abspath(__file__), "--weir", self.options.weir, "--chromium", self.options.chromium,
             "--out", self.options.out, "--control"], capture_output=True, text=True, timeout=120, check=False)
        if result.returncode == 0:
            raise Failed(f"it passed without any webhook: {result.stdout}")
        # It must be the live check itself that failed, and nothing before it.
        output = result.stdout.rstrip()
        if "FAILED - a queued job shows live" not in output or not output.endswith("1 passed, 1 failed"):
            raise Failed(f"it failed for another reason: {result.stdout} {result.stderr[-500:]}")

    def all(self):
        self.check("with no data an empty state shows", self.empty)
        if self.options.control:
            self.check("a queued job shows live", lambda: self.queued(send=False))
            return
        self.check("a queued job shows live: figure and row within 2 s, without a reload", self.queued)
        self.check("a started job moves from Queued to Running", self.running)
        self.check("a completed run has the badge success", self.completed)
        self.check("an open row shows the job with its labels", self.details)
        self.check("filters in the address: matching runs come and go live", self.filtered)
        self.check(f"{TABS} tabs share one stream and all stay live, also when its holder closes", self.shared_stream)
        self.check("a stopped server shows as disconnected, figures stay; a restarted one as live again", self.reconnect)
        self.check("no broken value in any text", self.clean_text)
        self.check("screenshots, and nothing wider than the window", self.screenshots)
        self.check("no error, warning or policy violation in any console", self.quiet_console)
        self.check("control: without webhooks the live check fails", self.control)


def main():
    parser = argparse.ArgumentParser(description="Test the board in Chromium.")
    parser.add_argument("--weir", required=True, help="the server's binary")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="(default: %(default)s)")
    parser.add_argument("--out", required=True, help="where the screenshots go")
    parser.add_argument("--control", action="store_true", help="send no webhooks; must fail")
    options = parser.parse_args()
    options.weir = os.path.abspath(options.weir)
    options.out = os.path.abspath(options.out)

    directory = tempfile.mkdtemp(prefix="weir-board-")
    server = Server(options.weir, directory)
    suite = None
    try:
        server.start()
        with sync_playwright() as playwright:
            # Without a sandbox, because containers, where this mostly runs, do not allow Chromium one.
            browser = playwright.chromium.launch(executable_path=options.chromium, headless=True, args=["--no-sandbox"])
            suite = Suite(options, server, browser)
            suite.all()
            browser.close()
        suite.check("the server ends by itself after SIGTERM", server.stop) if not options.control else None
    except (Failed, BrowserError) as problem:
        print(f"FAILED - the run itself: {problem}", flush=True)
        print(f"{suite.passed if suite else 0} passed, {(suite.failed if suite else 0) + 1} failed")
        return 1
    finally:
        server.kill()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{suite.passed} passed, {suite.failed} failed")
    return 1 if suite.failed else 0


if __name__ == "__main__":
    sys.exit(main())
