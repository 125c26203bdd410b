#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether the cost of a request stays the same as things grow.

    python3 tests/bench/growth.py [--rounds N] [--only NAME] [--keep]
    python3 tests/bench/growth.py --plot          docs/growth.svg and docs/growth.png

What the shim adds to a request, in microseconds: the median, over the rounds, of the time through it
less that of the bare client of the same round; for handles also the bytes that it adds to one.
Handles, threads, requests on a handle, headers of the client, headers of ours, the body's length, variables of
the environment (100 bytes each, the bare client's, too), patterns of relays of which the last one matches, transfers
at once in one multi handle, depth of the working folder, and how slow its file system is (FUSE; needs root).
--keep writes docs/growth.json.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

from servers import BUILD, ROOT, SHIM, preload, start_relay

GROW = BUILD / "bench" / "grow"
KEPT = ROOT / "docs" / "growth.json"
STEPS = {
    "handles": [1, 10, 100, 1_000, 10_000, 100_000],
    "threads": [1, 2, 4, 8, 16, 32, 64],
    "performs": [1, 10, 100, 1_000],
    "headers": [0, 1, 10, 30, 100],
    "ours": [1, 2, 4, 6, 8, 10],
    "body": [1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20, 100 << 20],
    "variables": [10, 100, 1_000, 10_000],
    "patterns": [1, 8, 64],  # RELAYS_MAX
    "transfers": [1, 10, 100, 1_000],
    "depth": [1, 4, 16, 64],
    "slow": [0, 1, 10],
}
TITLES = {
    "handles": "handles alive",
    "threads": "threads",
    "performs": "requests on a handle",
    "headers": "headers of the client",
    "ours": "headers that are added",
    "body": "bytes of body",
    "variables": "environment variables",
    "patterns": "patterns of relays",
    "transfers": "transfers at once",
    "depth": "depth of the working folder",
    "slow": "milliseconds of a slow file system",
}


def configuration(work, count):
    path = Path(work) / f"{count}.json"
    headers = {f"X-Ours-{i}": "{task_id}" for i in range(count)}
    off = ["X-Task-Id", "X-Conversation-Id", "X-Session-Id", "X-Project-Id", "X-Request-Id", "traceparent"]
    rule = {"match": ["*"], "headers": {**headers, **{name: None for name in off}}}
    path.write_text(json.dumps({"relays": [rule]}))
    path.chmod(0o600)
    subprocess.run([BUILD / "tagalong", "config", "check", path], check=True, capture_output=True)
    return {"TAGALONG_CONFIG": str(path)}


def environment_of(what, step, work):
    """What both have, and what the shim has more."""
    if what == "ours":
        return {}, configuration(work, step)
    if what == "variables":
        return {f"NOBODY_ASKS_FOR_{i}": "x" * 80 for i in range(step)}, {}
    if what == "patterns":
        names = [f"relay-{i}.example.com" for i in range(step - 1)]
        return {}, {"TAGALONG_RELAYS": ",".join([*names, "*"])}
    return {}, {}


def run(what, step, url, environment, work):
    kind = [what, str(step)] if what in ("handles", "threads", "performs", "headers", "body", "transfers") else ["headers", "0"]
    command = [GROW, *kind, url]
    environment = {"PATH": "/usr/bin:/bin", **environment}
    folder = Path("/")
    if what == "depth":
        folder = Path(work, "deep", *(f"folder-{i}" for i in range(step)))
        folder.mkdir(parents=True, exist_ok=True)
    if what == "slow":
        # Not for hanging_fs itself.
        command = ["env", *(f"{name}={value}" for name, value in environment.items()), *command]
        environment = {"SLOW_MS": str(step)}
        (slow := Path(work, "slow")).mkdir(exist_ok=True)
        command = [BUILD / "fixtures" / "hanging_fs", slow, *command]
    said = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return [float(word) for word in said.stdout.split()]


def measure(what, step, url, work, rounds):
    """Added nanoseconds and bytes, by round; and the bare client's time."""
    both, more = environment_of(what, step, work)
    found, bare_ns = [], []
    for number in range(rounds):
        ways = [both, preload(SHIM, **more) | both]
        order = ways if number % 2 == 0 else ways[::-1]
        results = {way is not both: run(what, step, url, way, work) for way in order}
        found.append([after - before for before, after in zip(results[False], results[True])])
        bare_ns.append(results[False][0])
    return {"step": step, "added": found, "bare_ns": bare_ns}


def middle(point, kind):
    return statistics.median(values[kind] for values in point["added"])


def report(what, point):
    bytes_more = f"   {middle(point, 1):>8,.0f} bytes a handle" if what == "handles" else ""
    bare = statistics.median(point["bare_ns"]) / 1000
    print(f"  {point['step']:>12,}   {middle(point, 0) / 1000:>8.1f} us added to {bare:>9,.0f}{bytes_more}", flush=True)


PLOT = """
set multiplot layout 4,3 title "Microseconds that Tagalong adds to a request on loopback (six headers)" font ",13"
set grid; unset key; set format x "%.0s%c"
{panels}
unset multiplot
"""


def plot(kept):
    blocks, panels = [], []
    for place, (what, points) in enumerate(kept.items()):
        rows = []
        for point in points:
            # A long body takes as long to send as it takes, so there it is a share of that.
            unit = statistics.median(point["bare_ns"]) / 100 if what == "body" else 1_000
            added = [values[0] / unit for values in point["added"]]
            rows.append(f"{max(point['step'], 0.5)} {statistics.median(added)} {min(added)} {max(added)}")
        blocks.append(f"$data{place} << end\n" + "\n".join(rows) + "\nend\n")
        scale = "unset logscale x" if what in ("ours", "headers", "slow") else "set logscale x"
        y = 'set ylabel "% of the bare client"; set yrange [-30:50]' if what == "body" else (
            'set ylabel "us"; set yrange [0:80]')
        panels.append(f'{scale}; {y}; set xlabel "{TITLES[what]}"; plot $data{place} with yerrorlines pt 7 ps 0.5')
    text = "".join(blocks) + PLOT.format(panels="\n".join(panels))
    for terminal, suffix in (("svg noenhanced size 1000,1200 background 'white'", "svg"), ("pngcairo noenhanced size 1000,1200", "png")):
        script = f"set terminal {terminal}\nset output '{KEPT.with_suffix('.' + suffix)}'\n{text}"
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description="Growth; see the docstring.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="curves whose name contains this")
    parser.add_argument("--keep", action="store_true", help="write docs/growth.json")
    parser.add_argument("--plot", action="store_true")
    options = parser.parse_args()
    if options.plot:
        plot(json.loads(KEPT.read_text()))
        return
    raw = {}
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # for the transfers at once, and the relay's
    with tempfile.TemporaryDirectory() as work:
        relay, port, _ = start_relay(work)
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        try:
            for what, steps in STEPS.items():
                if options.only not in what:
                    continue
                if what == "slow" and (os.geteuid() or not os.access("/dev/fuse", os.R_OK | os.W_OK)):
                    print(f"\n{TITLES[what]}: not measured, needs root and /dev/fuse")
                    continue
                print(f"\n{TITLES[what]}")
                raw[what] = []
                for step in steps:
                    raw[what].append(measure(what, step, url, work, options.rounds))
                    report(what, raw[what][-1])
        finally:
            relay.terminate()
            relay.wait()
    if options.keep:
        KEPT.write_text(json.dumps(raw) + "\n")


if __name__ == "__main__":
    main()
