#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# How many signed webhook deliveries one server takes and keeps, measured from outside with wrk:
#
#   python3 bench/webhook_bench.py --weir .build/release/weir --directory /var/tmp
#
# It starts a server on loopback with a new database in a directory of its own below --directory, measures
# GET /healthz, then the corpus of webhook_corpus.py, then /healthz again, while one connection follows /events and
# another posts a marked delivery each second. At the end it compares what wrk saw accepted with the server's
# counters and, once the server has stopped, with the rows in the database file.
#
# Exit status 1 when a request failed, when the corpus ran out, or when those counts do not fit together.
# Server, wrk and this script share the machine's cores: the figures are low by what the other two need.
"""Benchmark the webhook endpoint of a running server."""

import argparse
import contextlib
import datetime
import hmac
import http.client
import json
import os
import platform
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import webhook_corpus as corpus

HERE = os.path.dirname(os.path.abspath(__file__))
HOST = "127.0.0.1"
SECRET = "bench-secret"

# Seconds.
HEALTHZ = 8
READY_WITHIN = 30
STOP_WITHIN = 30
IDLE_AFTER = 3
SETTLE_WITHIN = 15
MARK_EVERY = 1.0
# A frame may be held back for half a second; what is not named after this long is not named at all.
MARK_WITHIN = 10

# Above every identifier of a corpus, and still exact in JavaScript.
FIRST_MARK = 8_000_000_000_000_000


class Failure(Exception):
    """The benchmark cannot go on; the message says why."""


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def file_system(path):
    """The kind of the file system that holds `path`, from the longest mount point above it."""
    path = os.path.realpath(path)
    best = ("", "unknown")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            before, after = line.split(" - ", 1)
            point = before.split()[4].encode().decode("unicode_escape")
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            # The later of two equal ones lies on top of the other.
            if inside and len(point) >= len(best[0]):
                best = (point, after.split()[0])
    return best[1]


def measure_fsync(directory, times=500):
    """Microseconds for a 4 KiB append and fdatasync: (p50, p99)."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=directory, prefix="fsync-") as file:
        block = os.urandom(4096)
        for _ in range(times):
            began = time.perf_counter()
            os.write(file.fileno(), block)
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e6)
    return percentile(taken, 0.50), percentile(taken, 0.99)


class Server:
    """One server process, from exec to its exit status."""

    def __init__(self, binary, port, directory, more=()):
        self.port = port
        self.database = os.path.join(directory, "bench.db")
        self.log_path = os.path.join(directory, "server.log")
        # A WEIR_ variable of the caller's would change what is measured.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
        environment.update(WEIR_DATABASE=f"sqlite:{self.database}", WEIR_HOST=HOST, WEIR_PORT=str(port),
                           WEIR_WEBHOOK_SECRET=SECRET)
        environment.update(more)
        with contextlib.closing(socket.socket()) as probe:
            if probe.connect_ex((HOST, port)) == 0:
                raise Failure(f"something already listens on port {port}: choose another --port")
        with open(self.log_path, "wb") as log:
            self.began = time.perf_counter()
            self.process = subprocess.Popen([binary, "serve"], env=environment, stdout=log, stderr=log, cwd=directory)
        self.pid = self.process.pid

    def get(self, path, timeout=5):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait_for(self, path, pause):
        """Seconds since exec at the first 200."""
        last = "no answer"
        while time.perf_counter() - self.began < READY_WITHIN:
            if self.process.poll() is not None:
                raise Failure(f"the server ended with status {self.process.returncode}\n{self.log_tail()}")
            try:
                status, body = self.get(path)
                if status == 200:
                    return time.perf_counter() - self.began
                last = f"{status} {body[:300]!r}"
            except (OSError, http.client.HTTPException) as problem:
                last = repr(problem)
            time.sleep(pause)
        raise Failure(f"{path} was not 200 within {READY_WITHIN} s, last: {last}\n{self.log_tail()}")

    def anonymous_memory(self):
        """RssAnon in bytes: what the process itself holds, without mapped files."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            return int(re.search(r"^RssAnon:\s+(\d+) kB", file.read(), re.MULTILINE)[1]) * 1024

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """(exit status, seconds). A server that ignores SIGTERM is killed and has no status."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None, time.perf_counter() - began
        return status, time.perf_counter() - began

    def log_tail(self):
        with open(self.log_path, "rb") as file:
            text = file.read()[-2000:].decode(errors="replace").strip()
        return f"the end of its log:\n{text}" if text else "its log is empty"

    def deliveries(self):
        """weir_deliveries_total by outcome, or nothing when the server does not count."""
        status, body = self.get("/metrics")
        if status != 200:
            return {}
        totals = {}
        for line in body.decode().splitlines():
            match = re.match(r"weir_deliveries_total\{(.*)\}\s+([\d.eE+]+)", line)
            if match:
                outcome = re.search(r'outcome="([^"]*)"', match[1])
                name = outcome[1] if outcome else "unnamed"
                totals[name] = totals.get(name, 0) + int(float(match[2]))
        return totals

    def settled_deliveries(self):
        """The same, once it has stopped moving: the last requests may still be in the queue."""
        until = time.monotonic() + SETTLE_WITHIN
        before = self.deliveries()
        while time.monotonic() < until:
            time.sleep(0.5)
            after = self.deliveries()
            if after == before:
                break
            before = after
        return before


class Marks:
    """Deliveries posted one a second, each waiting to be named by a `runs` event."""

    def __init__(self, server):
        self.server = server
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        # By run id: (sent at, answered at or None)
        self.open = {}
        self.named, self.told, self.answers = [], [], []
        self.sent, self.accepted, self.unnamed = 0, 0, 0
        self.frames, self.problems = {}, []
        self.connected = threading.Event()
        self.threads = [threading.Thread(target=self.guard, args=(work,), daemon=True)
                        for work in (self.follow, self.post)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        """Ends the posting, waits for the last marks to be named, then leaves the stream."""
        self.stopping.set()
        self.threads[1].join(MARK_WITHIN)
        until = time.monotonic() + MARK_WITHIN
        while time.monotonic() < until and self.threads[0].is_alive():
            with self.lock:
                if not self.open:
                    break
            time.sleep(0.05)
        with self.lock:
            self.unnamed += len(self.open)
            self.open.clear()

    def guard(self, work):
        try:
            work()
        except (OSError, http.client.HTTPException, ValueError) as problem:
            if not self.stopping.is_set():
                self.problems.append(f"{work.__name__}: {problem!r}")

    def follow(self):
        connection = http.client.HTTPConnection(HOST, self.server.port, timeout=60)
        connection.request("GET", "/events", headers={"Accept": "text/event-stream"})
        response = connection.getresponse()
        if response.status != 200:
            raise ValueError(f"/events answered {response.status}")
        self.connected.set()
        event, data = "message", []
        while True:
            line = response.readline()
            if not line:
                raise ValueError("/events ended")
            line = line.rstrip(b"\r\n")
            if line.startswith(b"event:"):
                event = line[6:].strip().decode()
            elif line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif not line:
                if data:
                    self.receive(event, b"\n".join(data), time.perf_counter())
                event, data = "message", []

    def receive(self, event, data, at):
        self.frames[event] = self.frames.get(event, 0) + 1
        if event != "runs":
            return
        try:
            frame = json.loads(data)
            cut = bool(frame.get("more")) if isinstance(frame, dict) else False
        except json.JSONDecodeError:
            cut = False
        with self.lock:
            for run_id, (sent, answered, told) in list(self.open.items()):
                if str(run_id).encode() in data:
                    self.named.append(at - sent)
                    if not told:
                        self.told.append(at - sent)
                    del self.open[run_id]
                elif cut and not told and answered is not None and answered < at:
                    # The list was cut: a page reads everything again, so it learns of the run all the same.
                    self.told.append(at - sent)
                    self.open[run_id] = (sent, answered, True)
                if at - sent > MARK_WITHIN and run_id in self.open:
                    self.unnamed += 1
                    del self.open[run_id]

    def post(self):
        if not self.connected.wait(READY_WITHIN):
            raise ValueError("/events did not answer, so nothing was marked")
        first = FIRST_MARK + int(time.time() * 1000)
        values = corpus.shortest_values(first)
        template = corpus.run_template("requested", 0, 1024, values)
        connection = http.client.HTTPConnection(HOST, self.server.port, timeout=15)
        due = time.monotonic()
        while not self.stopping.is_set():
            run_id = first + self.sent
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode()
            body = template.render(dict(values, run_id=str(run_id).encode(), created=now, updated=now,
                                        title=b"bench mark %d" % self.sent))
            headers = {
                "Content-Type": "application/json", "X-GitHub-Event": "workflow_run",
                "X-GitHub-Delivery": str(uuid.uuid4()),
                "X-Hub-Signature-256": "sha256=" + hmac.digest(SECRET.encode(), body, "sha256").hex(),
            }
            sent = time.perf_counter()
            with self.lock:
                self.open[run_id] = (sent, None, False)
            self.sent += 1
            connection.request("POST", "/webhook", body, headers)
            response = connection.getresponse()
            response.read()
            answered = time.perf_counter()
            self.answers.append(answered - sent)
            if response.status != 202:
                raise ValueError(f"a marked delivery was answered {response.status}")
            self.accepted += 1
            with self.lock:
                if run_id in self.open:
                    self.open[run_id] = (sent, answered, self.open[run_id][2])
            due += MARK_EVERY
            self.stopping.wait(max(0.0, due - time.monotonic()))
        connection.close()


def run_wrk(options, script, seconds, arguments=()):
    """The figures of one wrk run, with the CPU time nobody else can know about left out."""
    command = ["wrk", f"-t{options.threads}", f"-c{options.connections}", f"-d{seconds}s", "--timeout", "10s",
               "-s", os.path.join(HERE, script), f"http://{HOST}:{options.port}"]
    if arguments:
        command += ["--", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise Failure(f"wrk printed no figures (status {result.returncode}):\n{result.stdout}{result.stderr}")
    return json.loads(lines[-1])


def rows_in(database):
    """The deliveries in the file of a stopped server, or None when there is no such table."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM deliveries").fetchone()[0]
    except sqlite3.Error as problem:
        print(f"the rows were not counted: {problem}", file=sys.stderr)
        return None


def reconcile(wrk, marks, counted, rows):
    """(lines to print, complaints): do the counts of wrk, of the server and of its database fit together?"""
    lines, complaints = [], []
    least = wrk["requests"] - wrk["errors"]["status"] + marks.accepted
    # Requests still on their way when wrk hung up may have been accepted without wrk seeing the answer.
    most = wrk["handed_out"] + marks.sent
    if counted:
        accepted = counted.get("accepted", 0)
        lines.append(f"accepted by the server's count: {accepted} (wrk and the marks: {least} to {most})")
        if not least <= accepted <= most:
            complaints.append(f"the server counted {accepted} accepted deliveries, wrk and the marks {least} to {most}")
        others = {outcome: count for outcome, count in counted.items() if outcome != "accepted" and count}
        if others:
            complaints.append(f"the server also counted {others}")
        if rows is not None and rows != accepted:
            complaints.append(f"the database holds {rows} deliveries, the server accepted {accepted}")
    else:
        lines.append("accepted by the server's count: not checked, /metrics has no weir_deliveries_total")
    if rows is not None:
        lines.append(f"deliveries in the database after the stop: {rows}")
        if not least <= rows <= most:
            complaints.append(f"the database holds {rows} deliveries, wrk and the marks saw {least} to {most}")
    return lines, complaints


def merge_results(path, entries):
    """Write the entries into the list at `path`, in the place of older ones of the same name and number of tasks."""
    known = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
        if not isinstance(known, list):
            raise Failure(f"{path} is not a list")
    replaced = {(entry["name"], entry.get("tasks")) for entry in entries}
    known = [entry for entry in known if (entry.get("name"), entry.get("tasks")) not in replaced] + entries
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(known, file, indent=2)
        file.write("\n")
    os.replace(temporary, path)


def milliseconds(seconds):
    return None if seconds is None else round(seconds * 1e3, 2)


def written(value):
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" if isinstance(value, float) else str(value)


def print_table(rows):
    width = max(len(name) for name, _, _ in rows)
    for name, value, unit in rows:
        print(f"  {name:<{width}}  {written(value):>14} {unit}".rstrip())


def parse():
    parser = argparse.ArgumentParser(description="Benchmark the webhook endpoint of a server.")
    parser.add_argument("--weir", required=True, help="the release binary")
    parser.add_argument("--seconds", type=corpus.positive, default=20, help="of webhooks (default: %(default)s)")
    parser.add_argument("--connections", type=corpus.positive, default=64, help="of wrk (default: %(default)s)")
    parser.add_argument("--threads", type=corpus.positive, default=1, help="of wrk (default: %(default)s)")
    parser.add_argument("--port", type=corpus.positive, default=18080, help="on loopback (default: %(default)s)")
    parser.add_argument("--directory", default=tempfile.gettempdir(),
                        help="where the database goes (default: %(default)s)")
    parser.add_argument("--deliveries", type=corpus.positive,
                        help="in the corpus (default: 20000 for each of --seconds)")
    parser.add_argument("--body-bytes", type=corpus.positive, default=8192, help="(default: %(default)s)")
    parser.add_argument("--run-body-bytes", type=int, default=0, help="see webhook_corpus.py")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--form-share", type=corpus.share, default=0.0, help="(default: %(default)s)")
    parser.add_argument("--corpus-directory", default=os.path.join(HERE, "corpus"),
                        help="where the corpus goes (default: %(default)s)")
    parser.add_argument("--durability", default="answered after COMMIT, synchronous=FULL",
                        help="said beside the figures; not checked here (default: %(default)s)")
    parser.add_argument("--results", default=os.path.join(HERE, "results.json"), help="(default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave database, log and corpus behind")
    options = parser.parse_args()
    options.weir = os.path.abspath(options.weir)
    # The server runs in a directory of its own.
    options.directory = os.path.abspath(options.directory)
    options.deliveries = options.deliveries or options.seconds * 20_000
    if not os.access(options.weir, os.X_OK):
        parser.error(f"{options.weir} is no program")
    if not shutil.which("wrk"):
        parser.error("wrk is not installed (Debian, Ubuntu: apt-get install wrk)")
    if not os.path.isdir(options.directory):
        parser.error(f"{options.directory} is no directory")
    return options


def make_corpus(options, path):
    subprocess.run(
        [sys.executable, os.path.join(HERE, "webhook_corpus.py"), "--out", path, "--secret", SECRET,
         "--deliveries", str(options.deliveries), "--body-bytes", str(options.body_bytes),
         "--run-body-bytes", str(options.run_body_bytes), "--seed", str(options.seed),
         "--form-share", str(options.form_share), "--port", str(options.port)], check=True)
    with open(path + ".json", encoding="utf-8") as file:
        return json.load(file)


def measure(options, server, corpus_path):
    """Everything that needs the running server; returns the figures by name."""
    start = server.wait_for("/healthz", 0.001)
    ready = server.wait_for("/readyz", 0.01)
    time.sleep(max(0.0, IDLE_AFTER - (time.perf_counter() - server.began)))
    idle = server.anonymous_memory()
    print(f"started in {start * 1e3:.0f} ms, ready in {ready * 1e3:.0f} ms; GET /healthz for {HEALTHZ} s …", flush=True)
    before = run_wrk(options, "healthz.lua", HEALTHZ)
    print(f"webhooks for {options.seconds} s …", flush=True)
    marks = Marks(server)
    marks.start()
    marks.connected.wait(5)
    cpu = server.cpu_seconds()
    webhook = run_wrk(options, "webhook.lua", options.seconds, (corpus_path, options.threads))
    cpu = server.cpu_seconds() - cpu
    marks.stop()
    counted = server.settled_deliveries()
    print(f"GET /healthz for {HEALTHZ} s …", flush=True)
    after = run_wrk(options, "healthz.lua", HEALTHZ)
    if server.process.poll() is not None:
        raise Failure(f"the server ended with status {server.process.returncode}\n{server.log_tail()}")
    base = max(before, after, key=lambda run: run["requests_per_s"])
    return {
        "start": start, "ready": ready, "idle": idle, "end": server.anonymous_memory(), "before": before,
        "after": after, "base": base, "webhook": webhook, "marks": marks, "counted": counted, "cpu": cpu,
    }


def report(options, about, conditions, found, stopped, rows):
    """Print the table, write the results; returns what was wrong."""
    webhook, base, marks = found["webhook"], found["base"], found["marks"]
    status, stop_seconds = stopped
    latency = ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms")
    complaints = []
    for name, run in (("/healthz before", found["before"]), ("webhook", webhook), ("/healthz after", found["after"])):
        if any(run["errors"].values()):
            complaints.append(f"{name}: wrk saw errors {run['errors']}")
        if not run["requests"]:
            complaints.append(f"{name}: wrk got no answer at all")
    if webhook["exhausted"]:
        complaints.append("CORPUS EXHAUSTED: the webhook rate means nothing; give a larger --deliveries")
    complaints += marks.problems
    lines, mismatches = reconcile(webhook, marks, found["counted"], rows)
    complaints += mismatches
    if status != 0:
        complaints.append(f"the server's exit status was {status}" if status is not None
                          else f"the server did not end within {STOP_WITHIN} s of SIGTERM and was killed")

    figures = {
        "webhook": {
            "requests_per_s": webhook["requests_per_s"], **{key: webhook[key] for key in latency},
            "requests": webhook["requests"], "errors": webhook["errors"], "exhausted": webhook["exhausted"],
            "share_of_healthz": round(webhook["requests_per_s"] / base["requests_per_s"], 4),
            "server_cpu_us_per_delivery": round(found["cpu"] / max(1, webhook["requests"]) * 1e6, 1),
            "accepted": found["counted"].get("accepted"), "rows": rows,
        },
        "healthz": {
            "requests_per_s": base["requests_per_s"], **{key: base[key] for key in latency},
            "requests_per_s_before": found["before"]["requests_per_s"],
            "requests_per_s_after": found["after"]["requests_per_s"], "errors": base["errors"],
        },
        "live": {
            "marks": marks.sent, "named": len(marks.named), "not_named": marks.unnamed,
            "named_p50_ms": milliseconds(percentile(marks.named, 0.5)),
            "named_max_ms": milliseconds(max(marks.named, default=None)),
            "told_p50_ms": milliseconds(percentile(marks.told, 0.5)),
            "told_max_ms": milliseconds(max(marks.told, default=None)),
            "answer_p50_ms": milliseconds(percentile(marks.answers, 0.5)),
            "answer_max_ms": milliseconds(max(marks.answers, default=None)), "frames": marks.frames,
        },
        "process": {
            "first_answer_ms": milliseconds(found["start"]), "ready_ms": milliseconds(found["ready"]),
            "rss_anon_idle_bytes": found["idle"], "rss_anon_end_bytes": found["end"],
            "stop_ms": milliseconds(stop_seconds), "exit_status": status,
        },
    }
    live, process = figures["live"], figures["process"]
    print()
    print_table(
        [("webhook", webhook["requests_per_s"], "deliveries/s")]
        + [(f"  {key[:-3]}", webhook[key], "ms") for key in latency]
        + [("  server CPU per delivery", figures["webhook"]["server_cpu_us_per_delivery"], "µs"),
           ("GET /healthz, the better of two", base["requests_per_s"], "requests/s"),
           ("  before, after", f"{found['before']['requests_per_s']:,.0f}, {found['after']['requests_per_s']:,.0f}", ""),
           ("webhook / healthz", figures["webhook"]["share_of_healthz"], ""),
           ("marked deliveries", f"{live['named']} of {live['marks']} named", ""),
           ("  sent until named on /events, p50", live["named_p50_ms"], "ms"),
           ("  sent until named on /events, max", live["named_max_ms"], "ms"),
           ("  sent until named or list cut, p50", live["told_p50_ms"], "ms"),
           ("  sent until named or list cut, max", live["told_max_ms"], "ms"),
           ("  sent until answered, p50", live["answer_p50_ms"], "ms"),
           ("  sent until answered, max", live["answer_max_ms"], "ms"),
           ("exec to first 200 on /healthz", process["first_answer_ms"], "ms"),
           ("exec to first 200 on /readyz", process["ready_ms"], "ms"),
           (f"RssAnon idle, {IDLE_AFTER} s after start", found["idle"] / 2**20, "MiB"),
           ("RssAnon at the end", found["end"] / 2**20, "MiB"),
           ("SIGTERM to exit", process["stop_ms"], "ms"), ("exit status", status, "")])
    print()
    for line in lines:
        print(f"  {line}")
    print("  " + ", ".join(f"{key}: {value}" for key, value in conditions.items()))
    conditions = dict(conditions, body_bytes_by_event=about["mean_body_bytes"])
    merge_results(options.results, [
        {"name": name, "figures": values, "conditions": conditions} for name, values in figures.items()])
    return complaints


def main():
    options = parse()
    directory = tempfile.mkdtemp(prefix="weir-bench-", dir=options.directory)
    corpus_path = os.path.join(options.corpus_directory, "webhook")
    server = None
    try:
        about = make_corpus(options, corpus_path)
        fsync_p50, fsync_p99 = measure_fsync(directory)
        conditions = {
            "cores": os.cpu_count(), "kernel": platform.release(), "file_system": file_system(directory),
            "fsync_p50_us": round(fsync_p50, 1), "fsync_p99_us": round(fsync_p99, 1), "durability": options.durability,
            "connections": options.connections, "wrk_threads": options.threads, "seconds": options.seconds,
            "body_bytes": about["body_bytes"]["mean"],
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        print(f"database on {conditions['file_system']}, fdatasync of 4 KiB: p50 {fsync_p50:.0f} µs, "
              f"p99 {fsync_p99:.0f} µs", flush=True)
        server = Server(options.weir, options.port, directory)
        found = measure(options, server, corpus_path)
        stopped = server.stop()
        complaints = report(options, about, conditions, found, stopped, rows_in(server.database))
    except (Failure, subprocess.SubprocessError) as problem:
        print(f"FAILED: {problem}", file=sys.stderr)
        return 1
    finally:
        if server and server.process.poll() is None:
            server.stop()
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
            for suffix in ("", ".index", ".json"):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(corpus_path + suffix)
    for complaint in complaints:
        print(f"FAILED: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
