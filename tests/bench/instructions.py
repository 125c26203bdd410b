#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Instructions that the shim adds to a call, a request or a start, by valgrind --tool=callgrind.

    python3 tests/bench/instructions.py              measures, and holds it against budget.json
    python3 tests/bench/instructions.py --write      writes budget.json
    python3 tests/bench/instructions.py --where WAY  which functions they are in

One way is run with few and with many calls; the difference is what one of them takes. A start is a
whole process of curl with one request, and bare with an empty preload. Two figures: "own" are the
instructions inside of libtagalong.so, the same in every run; "added" are those of the whole process
less those of the bare client, with what libc and libcurl do for the shim and for the lines that it
adds. The latter differ by some hundred from run to run, as libcurl waits once more or once less.
Both hold for one libcurl and one compiler: on another machine they are measured, and not held
against the budget.
"""

import argparse
import json
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from servers import CALLS, EMPTY, SHIM, preload, start_relay, start_service

BUDGET = Path(__file__).resolve().parent / "budget.json"
COST = re.compile(r"[+*\-]?\d* \d+$")
GROWTH = 1.05
# What the id of a conversation may cost, in instructions of ours, more than one that is given.
DERIVED_MOST = 3_000
# How much of "added" is chance: twice what was seen (libcurl waits once more, or an address differs).
CHANCE = {"setopt": 1, "dlsym": 100, "request": 4_000, "start": 6_000}


def ways(url, other, live, work):
    """What is measured, by name: the program's arguments, few and many, environment, what is bare.

    An id that is derived from the body's words is held against one of the same length that is given.
    Of a long body no more than the first 256 KiB are looked at, so 300 KiB are as 100 MiB."""
    setopt, post = ([CALLS, "setopt"], 1_000, 6_000), ([CALLS, "post"], 50, 150)
    start = (["curl", "-sS", "-o", "/dev/null", "-d", "{}"], None, None, [url])
    without = {"LD_PRELOAD": SHIM, "XDG_RUNTIME_DIR": "/proc/nonexistent", "HOME": work, "TAGALONG_PRESET": "xai"}
    given = without | {"TAGALONG_CONVERSATION_ID": "0192f0a1-7d3c-7b52-9c00-5a1c0ffee001"}
    return {
        "request, id given": (*post, [url, "1024"], given, None),
        "request, id derived": (*post, [url, "1024"], without, "request, id given"),
        "request, long body": (*post, [url, str(300 << 10)], without, None),
        "setopt, bare": (*setopt, [], {}, None),
        "setopt": (*setopt, [], preload(SHIM), "setopt, bare"),
        "dlsym, bare": ([CALLS, "dlsym"], 400, 2_400, [], {}, None),
        "dlsym": ([CALLS, "dlsym"], 400, 2_400, [], preload(SHIM), "dlsym, bare"),
        "request, bare": (*post, [url], {}, None),
        "request, six own headers": (*post, [url], {"OWN_HEADERS": "1"}, "request, bare"),
        "request, off": (*post, [url], preload(SHIM, TAGALONG_OFF="1"), "request, bare"),
        "request, not matched": (*post, [other], preload(SHIM), "request, bare"),
        "request, tagged": (*post, [url], preload(SHIM), "request, bare"),
        "request, tagged by a page": (
            [CALLS, "post"], 20, 60, [url], preload(SHIM, TAGALONG_SOCKET=live, TAGALONG_TIMEOUT_MS="10000"), "request, bare",
        ),
        "start, bare": (*start, preload(EMPTY), None),
        "start, off": (*start, preload(SHIM, TAGALONG_OFF="1"), "start, bare"),
        "start, tagged": (*start, preload(SHIM), "start, bare"),
    }


def callgrind(program, environment, output):
    """Instructions of the whole process, and of those the ones inside of the shim."""
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", *program]
    environment = {"PATH": "/usr/bin:/bin", **environment}
    subprocess.run(command, env=environment, cwd="/", capture_output=True, check=True)
    whole = own = 0
    names, inside, called = {}, False, False
    for line in Path(output).read_text().splitlines():
        if line.startswith(("ob=", "cob=")):
            number, _, name = line.partition("=")[2].partition(" ")
            names.setdefault(number, name)
            if line.startswith("ob="):
                inside = names[number].endswith("/libtagalong.so")
        elif line.startswith("calls="):
            called = True  # what comes next is the called function's
        elif COST.match(line):
            cost = 0 if called else int(line.split()[1])
            called = False
            whole += cost
            own += cost if inside else 0
    return whole, own


def measure(way, work):
    """Both for one call, or for one start."""
    what, few, many, url, environment, _ = way
    if not many:
        return callgrind([*what, *url], environment, f"{work}/out")
    best = []
    for _ in range(1 if "TAGALONG_SOCKET" not in environment else 3):  # a page is asked for anew each second
        of_few, of_many = (
            callgrind([*what, str(times), *url], environment, f"{work}/out") for times in (few, many)
        )
        best.append([(after - before) / (many - few) for before, after in zip(of_few, of_many)])
    return min(best, key=lambda figures: figures[1])


def by_function(way, work):
    """Self cost of each function in one call."""
    what, few, many, url, environment, _ = way
    costs = {}
    for times, sign in ((few, -1), (many, 1)) if many else ((None, 1),):
        callgrind([*what, *([str(times)] if times else []), *url], environment, f"{work}/out")
        command = ["callgrind_annotate", "--threshold=100", "--inclusive=no", f"{work}/out"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for cost, name in re.findall(r"^ *([\d,]+) \( *[\d.]+%\) +\S*?([^/:]+:\S+.*)$", lines, re.M):
            costs[name] = costs.get(name, 0) + sign * int(cost.replace(",", ""))
    return {name: cost / (many - few if many else 1) for name, cost in costs.items()}


def machine():
    """What the figures depend on."""
    libcurl = subprocess.run(["curl", "-V"], capture_output=True, text=True, check=True).stdout
    compiler = subprocess.run(["cc", "-dumpfullversion"], capture_output=True, text=True, check=True)
    return {
        "machine": platform.machine(),
        "libcurl": re.search(r"libcurl/(\S+)", libcurl)[1],
        "compiler": f"{compiler.stdout.strip()}",
        "libc": " ".join(platform.libc_ver()),
    }


def measure_all(table, work):
    measured = {name: measure(way, work) for name, way in table.items()}
    result = {}
    for name, (whole, own) in measured.items():
        bare = table[name][-1]
        added = whole - measured[bare][0] if bare else whole
        result[name] = {"own": round(own), "added": round(added)}
    return result


def allowed(name, kind, figure):
    return max(figure * GROWTH, figure + (CHANCE[name.split(",")[0]] if kind == "added" else 0))


def hold(result, table):
    """Prints the table; how many figures have grown beyond their budget."""
    budget = json.loads(BUDGET.read_text()) if BUDGET.is_file() else {"on": None, "ways": {}}
    held = budget["on"] == machine()
    grown = 0
    print(f"{'':<28} {'own':>8} {'budget':>8} {'added':>8} {'budget':>8}")
    for name, figures in result.items():
        line, bare = f"{name:<28}", table[name][-1] is None
        for kind, figure in figures.items():
            wanted = None if bare else budget["ways"].get(name, {}).get(kind)
            bad = held and wanted is not None and figure > allowed(name, kind, wanted)
            grown += bad
            line += f" {figure:>8,} {'' if wanted is None else format(wanted, ','):>8}{'!' if bad else ''}"
        print(line.rstrip())
    given = result["request, id given"]["own"]
    for name in "request, id derived", "request, long body":
        if result[name]["own"] - given > DERIVED_MOST:
            grown += 1
            print(f"{name}: {result[name]['own'] - given:,} more than an id that is given")
    if not held:
        print(f"not held against the budget, which is for {budget['on']}; this is {machine()}")
    return grown


def main():
    parser = argparse.ArgumentParser(description="Instructions that the shim adds.")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--where", metavar="WAY")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        relay, port, _ = start_relay(work)
        servers = [relay, start_service(work)]
        base = f"http://127.0.0.1:{port}"
        table = ways(
            f"{base}/v1/chat/completions", f"{base}/v1/some/other/paths", f"{work}/live/context.sock", work
        )
        try:
            if options.where:
                costs = by_function(table[options.where], work)
                for name, cost in sorted(costs.items(), key=lambda item: -item[1])[:70]:
                    print(f"{cost:>10,.0f}  {name}")
                return
            result = measure_all(table, work)
        finally:
            for server in servers:
                server.terminate()
                server.wait()
    if options.write:
        ways_kept = {name: figures for name, figures in result.items() if table[name][-1]}
        BUDGET.write_text(json.dumps({"on": machine(), "ways": ways_kept}, indent=1) + "\n")
    grown = hold(result, table)
    print(f"{2 * len(table) + 2 - grown} passed, {grown} failed")
    sys.exit(grown > 0)


if __name__ == "__main__":
    main()
