#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# What becomes of deliveries under load, overload and failure, measured and checked with `weir load` and `weir verify`:
#
#   python3 bench/load_bench.py steady overload --weir .build/release/weir --directory /var/tmp --capacity 9000
#   python3 bench/load_bench.py lockout kill --weir .build/release/weir --directory /var/tmp --cycles 100
#
# steady    half the capacity for --seconds: no error, p99.9, memory flat
# overload  twice the capacity: who is admitted is answered soon, everybody in time, memory bounded, well again after 5 s
# slow_disk the same on a disk whose every sync takes 100 ms longer: there not the cores are short
# lockout   another process holds the write lock for 30 s: everything is acknowledged in time, and applied afterwards
# reorder   many deliveries out of order and twice, as fast as half the capacity: the same rows as in order
# kill      SIGKILL at a random instant, again and again: nothing acknowledged is lost, nothing applied twice
#
# After each, `weir verify` compares every row with the ledgers of what was sent and answered. The capacity is what
# webhook_bench.py measured, taken from its results unless --capacity says otherwise. Exit status 1 when a bound is
# missed or a row differs. Load and server share the machine's cores.
"""Load, overload and failures of a running server, each checked against its ledger."""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from webhook_bench import Failure, HOST, SECRET, Server, file_system, measure_fsync, merge_results

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
# What a busy network disk takes.
SLOW_SYNC_MS = 100


class Memory:
    """RssAnon of a server, each second."""

    def __init__(self, server):
        self.server = server
        self.samples = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping.wait(1):
            try:
                self.samples.append(self.server.anonymous_memory())
            except OSError:
                return

    def stop(self):
        self.stopping.set()
        self.thread.join()
        return self.samples


class Bench:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.ledgers = []
        self.complaints = []
        self.entries = []
        self.server = None

    def start(self, **environment):
        """A server on the bench's database; what it is told beside the usual stays for this start only."""
        server = Server(self.options.weir, self.options.port, self.directory, environment)
        server.wait_for("/healthz", 0.01)
        self.server = server
        return server

    def load(self, scenario, *arguments, wait=True):
        """Runs weir load; returns its results, or the process and where the results will be."""
        number = len(self.ledgers)
        ledger = os.path.join(self.directory, f"{number}.ledger")
        results = os.path.join(self.directory, f"{number}.json")
        self.ledgers.append(ledger)
        command = [self.options.weir, "load", scenario, "--url", f"http://{HOST}:{self.options.port}",
                   "--body-bytes", "8192", "--run-body-bytes", "8192", "--seed", str(self.options.seed + number),
                   "--ledger", ledger, "--results", results, *map(str, arguments)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
        environment["WEIR_WEBHOOK_SECRET"] = SECRET
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True)
        if not wait:
            return process, results
        return self.finished(process, results)

    def finished(self, process, results):
        output, _ = process.communicate()
        if process.returncode != 0 or not os.path.exists(results):
            raise Failure(f"weir load ended with status {process.returncode}:\n{output}")
        with open(results, encoding="utf-8") as file:
            return json.load(file)

    def outbox(self):
        status, body = self.server.get("/api/diagnostics")
        return json.loads(body)["ingest"]["outbox_deliveries"] if status == 200 else None

    def drain(self, within=120):
        """Seconds until the outbox is empty."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            if self.outbox() == 0:
                return time.monotonic() - began
            time.sleep(0.1)
        raise Failure(f"the outbox still holds {self.outbox()} deliveries after {within} s")

    def verify(self, name):
        command = [self.options.weir, "verify", "--database", self.server.database]
        for ledger in self.ledgers:
            command += ["--ledger", ledger]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        last = (result.stdout.strip().splitlines() or ["no word"])[-1]
        print(f"  verify: {last}", flush=True)
        if result.returncode != 0:
            self.complaints.append(f"{name}: weir verify ended with status {result.returncode}:\n"
                                   f"{result.stdout[-3000:]}{result.stderr[-2000:]}")

    def expect(self, name, what, value, bound, unit):
        met = value <= bound
        print(f"  {'met   ' if met else 'MISSED'} {what}: {value:,.1f} {unit}, at most {bound:,} {unit}", flush=True)
        if not met:
            self.complaints.append(f"{name}: {what} {value:,.1f} {unit}, more than {bound:,}")

    def note(self, name, results, **others):
        counts = ", ".join(f"{count:,} x {status}" for status, count in sorted(results["statuses"].items()))
        accepted = results["accepted"]
        print(f"{name}: offered {results['offeredPerSecond']:,.0f}/s, answers {counts}; 202: p50 "
              f"{accepted['p50Microseconds'] / 1e3:,.1f}, p99 {accepted['p99Microseconds'] / 1e3:,.1f}, p99.9 "
              f"{accepted['p999Microseconds'] / 1e3:,.1f}, max {accepted['maxMicroseconds'] / 1e3:,.1f} ms; generator "
              f"{results['cpuMicrosecondsPerRequest']:.0f} us a request, late by "
              f"{results['lag']['p99Microseconds'] / 1e3:.1f} ms at p99", flush=True)
        self.entries.append({"name": f"load: {name}", "results": results, **others})

    def unanswered(self, results):
        return results["offered"] - sum(results["statuses"].values())

    # Scenarios

    def steady(self):
        rate = self.options.capacity // 2
        # With the usual budget, a share of the machine, the cache would still be filling.
        self.start(WEIR_DATABASE_MEMORY="64MB")
        self.load("steady", "--rate", rate, "--duration", "15s")
        memory = Memory(self.server)
        results = self.load("steady", "--rate", rate, "--duration", f"{self.options.seconds}s")
        samples = memory.stop()
        self.note("steady", results, memory=samples)
        third = max(1, len(samples) // 3)
        self.expect("steady", "answers other than 202", results["offered"] - results["statuses"].get("202", 0), 0, "")
        self.expect("steady", "p99.9", results["accepted"]["p999Microseconds"] / 1e3, 50, "ms")
        self.expect("steady", "RssAnon, last third over the one before",
                    (sum(samples[-third:]) - sum(samples[third:2 * third])) / third / MIB, 8, "MiB")
        self.finish("steady")

    def overload(self):
        self.start(WEIR_DATABASE_MEMORY="64MB")
        self.overloaded("overload", self.options.capacity * 2)

    def overloaded(self, name, rate):
        memory = Memory(self.server)
        results = self.load("steady", "--rate", rate, "--duration", f"{self.options.seconds}s", "--connections", 3000)
        samples = memory.stop()
        self.note(name, results, memory=samples)
        self.expect(name, "p99 of those admitted", results["accepted"]["p99Microseconds"] / 1e3, 1000, "ms")
        self.expect(name, "the slowest answer", results["all"]["maxMicroseconds"] / 1e3, 9000, "ms")
        self.expect(name, "p99 from when it was sent", results["exchange"]["p99Microseconds"] / 1e3, 1000, "ms")
        self.expect(name, "without an answer", self.unanswered(results), 0, "")
        self.expect(name, "most RssAnon", max(samples) / MIB, 300, "MiB")
        time.sleep(5)
        after = self.load("steady", "--rate", 500, "--duration", "5s")
        self.note("after it", after)
        self.expect(name, "5 s later: p99", after["accepted"]["p99Microseconds"] / 1e3,
                    50 + (6 * SLOW_SYNC_MS if name == "slow_disk" else 0), "ms")
        self.expect(name, "5 s later: answers other than 202", after["offered"] - after["statuses"].get("202", 0), 0, "")
        self.finish(name)

    def slow_disk(self):
        """Twice the capacity of a disk whose every sync takes long: then the cores are not what is short, and load and
        server do not take them from each other."""
        library = os.path.join(self.directory, "slow_sync.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "slow_sync.c")], check=True)
        self.start(WEIR_DATABASE_MEMORY="64MB", LD_PRELOAD=library, SLOW_SYNC_MILLISECONDS=str(SLOW_SYNC_MS))
        closed = self.load("steady", "--rate", 20000, "--duration", "5s", "--connections", 3000)
        capacity = sum(second["accepted"] for second in closed["seconds"][1:5]) / 4
        print(f"slow_disk: each sync takes {SLOW_SYNC_MS} ms more: {capacity:,.0f} x 202 a second at most", flush=True)
        self.overloaded("slow_disk", int(2 * capacity))

    def lockout(self):
        held = self.options.lock_seconds
        self.start()
        # The lock is there before the first delivery, so all are sent while it is held.
        stranger = sqlite3.connect(self.server.database, isolation_level=None, timeout=30)
        stranger.execute("PRAGMA wal_autocheckpoint=0")
        stranger.execute("BEGIN IMMEDIATE")
        results = self.load("steady", "--rate", self.options.lock_rate, "--duration", f"{held}s")
        kept = self.outbox()
        stranger.execute("ROLLBACK")
        self.note("lockout", results)
        stranger.close()
        seconds = self.drain()
        print(f"  {kept:,} were in the outbox, and applied within {seconds:.1f} s", flush=True)
        self.expect("lockout", "answers other than 202", results["offered"] - results["statuses"].get("202", 0), 0, "")
        self.expect("lockout", "p99", results["accepted"]["p99Microseconds"] / 1e3, 2000, "ms")
        if not kept:
            self.complaints.append("lockout: nothing was in the outbox, so the lock was not there")
        self.finish("lockout")

    def reorder(self):
        self.start()
        results = self.load("reorder", "--rate", self.options.capacity // 2, "--duration", "20s")
        self.note("reorder", results)
        self.expect("reorder", "answers other than 202", results["offered"] - results["statuses"].get("202", 0), 0, "")
        self.finish("reorder")

    def kill(self):
        chance = random.Random(self.options.seed)
        print(f"kill: {self.options.cycles} cycles, seed {self.options.seed}", flush=True)
        offered = acknowledged = 0
        for cycle in range(self.options.cycles):
            server = self.start()
            process, path = self.load("steady", "--rate", 1500, "--duration", "2s", "--timeout", "3s", wait=False)
            # The ledger begins with the load.
            until = time.monotonic() + 20
            while not os.path.exists(self.ledgers[-1]) and process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            time.sleep(0.1 + chance.random() * 1.9)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            results = self.finished(process, path)
            offered += results["offered"]
            acknowledged += results["statuses"].get("202", 0)
            if sys.stderr.isatty():
                print(f"\r  cycle {cycle + 1} of {self.options.cycles}", end="", file=sys.stderr)
        self.start()
        self.drain()
        print(f"kill: {offered:,} sent, {acknowledged:,} acknowledged", flush=True)
        if not 0 < acknowledged < offered:
            self.complaints.append("kill: either nothing or everything was acknowledged: the kills came at no load")
        self.finish("kill")

    def finish(self, name):
        self.drain()
        self.verify(name)
        status, _ = self.server.stop()
        if status != 0:
            self.complaints.append(f"{name}: the server's exit status was {status}")


def measured_capacity(path):
    """Deliveries a second, from the results of webhook_bench.py."""
    try:
        with open(path, encoding="utf-8") as file:
            for entry in json.load(file):
                if entry["name"] == "webhook":
                    return int(entry["figures"]["requests_per_s"])
    except (OSError, ValueError, KeyError):
        pass
    return None


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="+", choices=["steady", "overload", "slow_disk", "lockout", "reorder", "kill"])
    parser.add_argument("--weir", required=True, help="the release binary")
    parser.add_argument("--directory", default=tempfile.gettempdir(), help="where databases go (default: %(default)s)")
    parser.add_argument("--results", default=os.path.join(HERE, "results.json"), help="(default: %(default)s)")
    parser.add_argument("--capacity", type=int, help="deliveries a second (default: what webhook_bench.py measured)")
    parser.add_argument("--seconds", type=int, default=60, help="of load (default: %(default)s)")
    parser.add_argument("--lock-seconds", type=int, default=30, help="(default: %(default)s)")
    parser.add_argument("--lock-rate", type=int, default=500, help="(default: %(default)s)")
    parser.add_argument("--cycles", type=int, default=100, help="of kill (default: %(default)s)")
    parser.add_argument("--port", type=int, default=18081, help="on loopback (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="(default: the time)")
    options = parser.parse_args()
    options.weir = os.path.abspath(options.weir)
    options.directory = os.path.abspath(options.directory)
    options.capacity = options.capacity or measured_capacity(options.results)
    if not options.capacity:
        parser.error("the capacity is not known: give --capacity, or run webhook_bench.py first")
    return options


def main():
    options = parse()
    complaints, entries = [], []
    for scenario in options.scenarios:
        directory = tempfile.mkdtemp(prefix="weir-load-", dir=options.directory)
        bench = Bench(options, directory)
        fsync_p50, fsync_p99 = measure_fsync(directory)
        print(f"\n{scenario}: capacity {options.capacity:,}/s, {os.cpu_count()} cores, {file_system(directory)}, "
              f"fdatasync p50 {fsync_p50:.0f} us, p99 {fsync_p99:.0f} us, synchronous=FULL, bodies of 8 KiB", flush=True)
        try:
            getattr(bench, scenario)()
        except (Failure, OSError, sqlite3.Error, subprocess.SubprocessError) as problem:
            bench.complaints.append(f"{scenario}: {problem}")
        finally:
            if bench.server and bench.server.process.poll() is None:
                bench.server.process.kill()
            complaints += bench.complaints
            entries += [{**entry, "fsync_p50_us": round(fsync_p50, 1)} for entry in bench.entries]
            shutil.rmtree(directory, ignore_errors=True)
    merge_results(options.results, entries)
    for complaint in complaints:
        print(f"FAILED: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
