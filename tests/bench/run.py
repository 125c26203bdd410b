#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make bench: what the shim costs, as ratios measured side by side in one run.

    python3 tests/bench/run.py [--rounds N] [--only NAME] [--json FILE] [--markdown]

--markdown prints the tables of docs/costs.md (processes, calls) at the end.

Each row has several ways of doing the same thing. In each round every way is run once, in an order
that turns from round to round, so that a machine that gets slower slows all of them. A ratio is the
median of the rounds' ratios to the row's first way.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
from pathlib import Path

from servers import (
    BODY, CALLS, EMPTY, GET, SHIM, keep_clients_apart, make_faulty_sockets, preload, start_relay,
    start_service,
)

STARTS = [
    ("true", "/bin/true"),
    ("bash -c :", "/bin/bash", "-c", ":"),
    ("curl --version", "/usr/bin/curl", "--version"),
]


def rows(port, work):
    live = preload(SHIM, TAGALONG_SOCKET=f"{work}/live/context.sock")
    plain = preload(SHIM, TAGALONG_SOCKET=f"{work}/plain/context.sock")
    dead = preload(SHIM, TAGALONG_SOCKET=f"{work}/dead/context.sock")
    hangs = preload(SHIM, TAGALONG_SOCKET=f"{work}/hangs/context.sock")
    chat = f"http://127.0.0.1:{port}/v1/chat/completions"
    return {
        **{f"start of {words[0]}": ("spawn", 200, words[1:], {
            "empty preload": {"SPAWN_PRELOAD": EMPTY},
            "nothing": {},
            "Tagalong": {"SPAWN_PRELOAD": SHIM},
        }) for words in STARTS},
        "curl_easy_setopt, any option": ("setopt", 5_000_000, "", {
            "bare": {},
            "Tagalong": preload(SHIM),
        }),
        "curl_easy_setopt, two libcurls in turns": ("setopt2", 5_000_000, "", {
            "bare": {},
            "Tagalong": preload(SHIM),
        }),
        "curl_easy_setopt, a handle that was made unseen": ("foreign", 5_000_000, "", {
            "bare": {},
            "Tagalong": preload(SHIM, TAGALONG_HOOKS="libcurl"),
        }),
        "curl_easy_setopt(HTTPHEADER)": ("headers", 5_000_000, "", {
            "bare": {},
            "Tagalong": preload(SHIM),
        }),
        "curl_easy_init and _cleanup": ("init", 20_000, "", {
            "bare": {},
            "Tagalong": preload(SHIM),
        }),
        "a request, and the context service": ("post", 3_000, chat, {
            "bare": {},
            "no service": preload(SHIM),
            "service, shared page": live,
            "service, asked": plain,
            "service that died": dead,
            "service that hangs": hangs,
        }),
        "a get on its own": ("get", 5_000, "", {"service": live}),
        "id from a body, by its length": ("body derive", 20_000, "", {
            "1 KiB": ({}, "1024"),
            "1 MiB": ({}, "1048576"),
            "100 MiB": ({}, "104857600"),
        }),
        "value behind the conversation": ("body pointer", 50, "", {
            "1 KiB": ({}, "1024"),
            "256 KiB": ({}, "262000"),
        }),
    }


def run_once(what, times, url, way):
    environment, url = way if isinstance(way, tuple) else (way, url)
    program = [CALLS, what]
    if what.startswith("body "):
        program = [BODY, what.split()[1]]
    elif what == "get":
        program = [GET]
    more = [url] if isinstance(url, str) else list(url)
    command = [*program, str(times), *filter(None, more)]
    done = subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[0])


def measure(row, rounds):
    what, times, url, ways = row
    names = list(ways)
    samples = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            samples[name].append(run_once(what, times, url, ways[name]))
    return samples


def report(title, samples):
    first = next(iter(samples))
    print(f"\n{title}")
    for name, values in samples.items():
        ratios = [value / base for value, base in zip(values, samples[first])]
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        print(
            f"  {name:<20} {statistics.median(values):>12,.1f} ns"
            f"   x {middle:.3f}   ({low:.3f} to {high:.3f})"
        )


def markdown(raw):
    """Of what docs/costs.md has: ratios of starts; times and ratios of calls."""
    lines = ["", "| | nothing preloaded | Tagalong | spread |", "|---|---|---|---|"]
    for title in [title for title in raw if title.startswith("start of ")]:
        empty, nothing, ours = (raw[title][name] for name in ("empty preload", "nothing", "Tagalong"))
        plain, tagged = ([way / base for way, base in zip(values, empty)] for values in (nothing, ours))
        lines.append(f"| `{title[9:]}` | {statistics.median(plain):.3f} | {statistics.median(tagged):.3f}"
                     f" | {min(tagged):.2f} to {max(tagged):.2f} |")
    lines += ["", "| | bare | with Tagalong | ratio | spread |", "|---|---|---|---|---|"]
    for title in [title for title in raw if title.startswith("curl_")]:
        bare, ours = raw[title]["bare"], raw[title]["Tagalong"]
        ratios = [way / base for way, base in zip(ours, bare)]
        lines.append(f"| {title} | {statistics.median(bare):,.1f} ns | {statistics.median(ours):,.1f} ns"
                     f" | {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="What the shim costs.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="rows whose title contains this")
    parser.add_argument("--json", metavar="FILE", help="keep the raw numbers")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    raw = {}
    keep_clients_apart()

    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]},")
    print(subprocess.run(["curl", "-V"], capture_output=True, text=True).stdout.splitlines()[0])
    print(f"median of {options.rounds} rounds; the ratio to the first way, and its spread")
    with tempfile.TemporaryDirectory() as work:
        server, port, _ = start_relay(work)
        services = [start_service(work), start_service(work, "plain", "--no-pages")]
        hanging = make_faulty_sockets(work)
        try:
            for title, row in rows(port, work).items():
                if options.only in title:
                    raw[title] = measure(row, options.rounds)
                    report(title, raw[title])
        finally:
            hanging.close()
            for process in (*services, server):
                process.terminate()
                process.wait()
    if options.json:
        Path(options.json).write_text(json.dumps(raw, indent=1))
    if options.markdown:
        print(markdown(raw))


if __name__ == "__main__":
    main()
