#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# The SQLite layer beside GRDB and a loop in C, all in one process, on files of their own with the same rows:
#
#   python3 bench/sqlite_bench.py --bench .build/bench-build/release/sqlite-bench --directory /var/tmp
#
# The program measures; this script has it check itself first, prints the table with the ratios and the goals, and
# merges the figures into bench/results.json. Whatever it does not know is passed on to the program (see its --help).
#
# Exit status 1 when the program failed or found that its peers do different work; a goal that was not met is printed
# and fails nothing: it may be the machine's.
"""Print and keep the figures of the SQLite benchmark."""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile

from webhook_bench import HERE, Failure, file_system, measure_fsync, merge_results

# What the layer must reach, as (case, tasks or None for all): [(what, at least or at most, bound)].
# A ratio is of operations per second; `weir time/raw` of the time an operation takes, so the inverse.
GOALS = {
    ("point read", 1): [("weir/grdb", ">=", 2.0)],
    ("point read", 64): [("weir/grdb", ">=", 5.0), ("weir/raw", ">=", 0.5)],
    ("point read", 512): [("weir/grdb", ">=", 8.0), ("weir/raw", ">=", 0.8)],
    ("10,000-row scan", None): [("weir time/raw", "<=", 1.3)],
    ("single-row transaction", 512): [("weir/grdb", ">=", 2.0), ("weir/raw", ">=", 8.0)],
    ("deadline, scan", None): [("answer_late_p99_ms", "<=", 20), ("next_lease_late_p99_ms", "<=", 20)],
    ("deadline, scan beside readers", None): [("answer_late_p99_ms", "<=", 20), ("engine_late_p99_ms", "<=", 20)],
    ("deadline, sort", None): [("answer_late_p99_ms", "<=", 20), ("next_lease_late_p99_ms", "<=", 1000)],
    ("deadline, sort beside readers", None): [("answer_late_p99_ms", "<=", 20),
                                                  ("engine_late_p99_ms", "<=", 1000)],
}
PEERS = ("weir", "grdb", "grdb_full", "raw")


def ratio(entry, peer, other):
    """Operations per second of one peer over those of another, or None."""
    mine, its = (entry.get(name, {}).get("ops_per_s") for name in (peer, other))
    return mine / its if mine and its else None


def found(entry, what):
    """The figure that a goal speaks of, or None when it was not measured."""
    if what == "weir time/raw":
        inverse = ratio(entry, "weir", "raw")
        return 1 / inverse if inverse else None
    if "/" in what:
        return ratio(entry, *what.split("/"))
    return entry.get("weir", {}).get(what)


def by_processor(entry, what):
    """The ratio that a goal speaks of, from processor time: what it would be with the cores to ourselves, or None."""
    mine, *its = (entry.get(name, {}).get("cpu_us_per_op") for name in what.replace(" time", "").split("/"))
    if not mine or not its or not its[0] or "transaction" in entry["name"]:
        return None
    return round(mine / its[0] if " time" in what else its[0] / mine, 2)


def verdicts(entry):
    """The goals of an entry, as [{"goal", "value", "met", "by_processor"}]."""
    result = []
    for tasks in (entry["tasks"], None):
        for what, sign, bound in GOALS.get((entry["name"], tasks), []):
            value = found(entry, what)
            if value is not None:
                met = value >= bound if sign == ">=" else value <= bound
                result.append({"goal": f"{what} {sign} {bound}", "value": round(value, 2), "met": met,
                               "by_processor": by_processor(entry, what)})
    return result


def short(value):
    if value is None:
        return "-"
    for limit, unit in ((1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e6 if unit == 'M' else 1e3):.1f}{unit}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def rates(entry):
    """The columns of one case and number of tasks."""
    cells = [str(entry["tasks"])]
    for peer in PEERS:
        figures = entry.get(peer, {})
        cells.append(short(figures.get("ops_per_s")))
        if peer != "raw":
            cells += [short(figures.get("p50_us")), short(figures.get("p99_us"))]
    cells += ["-" if value is None else f"{value:.2f}"
              for value in (ratio(entry, "weir", "grdb"), ratio(entry, "weir", "grdb_full"), ratio(entry, "weir", "raw"))]
    for key in ("cpu_us_per_op", "allocations_per_op"):
        cells.append(" / ".join(short(entry.get(peer, {}).get(key)) for peer in ("weir", "grdb", "raw")))
    return cells


HEADINGS = ["tasks", "weir/s", "p50", "p99", "grdb/s", "p50", "p99", "grdb FULL/s", "p50", "p99", "raw/s",
            "weir/grdb", "/grdb FULL", "/raw", "processor µs w/g/r", "allocations w/g/r"]


def print_rates(entries):
    """Operations per second, latencies in microseconds, ratios of operations per second."""
    names = list(dict.fromkeys(entry["name"] for entry in entries))
    rows = {name: [rates(entry) for entry in entries if entry["name"] == name] for name in names}
    widths = [max(len(row[column]) for row in [HEADINGS, *sum(rows.values(), [])]) for column in range(len(HEADINGS))]
    print("\n  " + "  ".join(cell.rjust(width) for cell, width in zip(HEADINGS, widths)))
    for name in names:
        print(name)
        for row in rows[name]:
            print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths)))


def print_deadlines(entries):
    for entry in entries:
        late = entry["weir"]
        parts = [f"{label} p50 {late[key + '_late_p50_ms']:.1f}, p99 {late[key + '_late_p99_ms']:.1f}, "
                 f"most {late[key + '_late_max_ms']:.1f} ms"
                 for label, key in (("caller answered", "answer"), ("engine back", "engine"),
                                    ("next lease served", "next_lease"), ("a plain thread woken", "thread"))
                 if key + "_late_p50_ms" in late]
        print(f"{entry['name']}, {late['stopped']:.0f} times, after the deadline: " + "; ".join(parts))


def print_goals(entries):
    """Each goal, its figure, and whether it was met."""
    print("\ngoals")
    for entry in entries:
        for verdict in entry.get("goals", []):
            print(f"  {'met    ' if verdict['met'] else 'NOT MET'}  {entry['name']}, {entry['tasks']} tasks: "
                  f"{verdict['goal']} (here {verdict['value']}"
                  + (f"; by processor time {verdict['by_processor']})" if verdict["by_processor"] else ")"))


def others(entries):
    """Cores that other processes kept busy beside the timed rounds, on average; None when nothing was timed."""
    values = [entry[peer]["others_cores"] for entry in entries for peer in PEERS
              if "others_cores" in entry.get(peer, {})]
    return round(sum(values) / len(values), 2) if values else None


def report(entries, conditions):
    """Prints everything and completes the entries."""
    conditions = dict(conditions, others_cores=others(entries))
    for entry in entries:
        entry["goals"] = verdicts(entry)
        entry["ratios"] = {
            f"weir/{peer}": round(value, 3) for peer in PEERS[1:] if (value := ratio(entry, "weir", peer)) is not None}
        entry["conditions"].update(conditions)
    timed = [entry for entry in entries if "ops_per_s" in entry.get("weir", entry.get("grdb", entry.get("raw", {})))]
    if timed:
        print_rates(timed)
    print()
    print_deadlines([entry for entry in entries if entry not in timed])
    if any(entry["goals"] for entry in entries):
        print_goals(entries)
    print("\n  " + ", ".join(f"{key}: {value}" for key, value in entries[0]["conditions"].items()))
    print("  raw answers nobody: a thread and a connection a reader whatever the number of tasks, its latency is the "
          "operation's own\n  rates: median of the rounds; latencies: of all rounds, in µs; processor time and "
          "allocations: of the whole process, for each operation")
    if (conditions["others_cores"] or 0) > 0.1 * os.cpu_count():
        print(f"  OTHER PROCESSES kept {conditions['others_cores']} of {os.cpu_count()} cores busy: "
              "processor time for each operation says more than the rates")


def main():
    parser = argparse.ArgumentParser(description="Benchmark the SQLite layer beside its peers.")
    parser.add_argument("--bench", required=True, help="the release binary")
    parser.add_argument("--directory", default=tempfile.gettempdir(),
                        help="where the databases go (default: %(default)s)")
    parser.add_argument("--results", default=os.path.join(HERE, "results.json"), help="(default: %(default)s)")
    options, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=options.directory) as directory:
        figures = os.path.join(directory, "figures.json")
        command = [options.bench, "--directory", directory, *rest]
        try:
            fsync_p50, fsync_p99 = measure_fsync(directory)
            conditions = {
                "cores": os.cpu_count(), "kernel": platform.release(), "file_system": file_system(directory),
                "fsync_p50_us": round(fsync_p50, 1), "fsync_p99_us": round(fsync_p99, 1),
                "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            subprocess.run([*command, "--self-check"], check=True)
            subprocess.run([*command, "--json", figures], check=True)
            with open(figures, encoding="utf-8") as file:
                entries = json.load(file)
            report(entries, conditions)
            merge_results(options.results, entries)
        except (Failure, OSError, subprocess.SubprocessError) as problem:
            print(f"FAILED: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
