#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every test of a build and closes with one line: N passed, N failed.

    python3 tests/run.py [--only NAME] [--workers N]
    python3 tests/run.py --quick        what `make check` runs, with Python alone

Steps: the layer map and the exported symbols; the unit suites; instructions; pytest over the folders below. With
CI=true a skipped test is a failure: CI has to be able to run all of them.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("TAGALONG_BUILD", ROOT / "build"))
FOLDERS = [
    "relay", "e2e", "hosts", "musl", "service", "store", "cross", "surface", "clients", "doctor", "pages", "gateways", "agents",
    "python", "conversation", "guide", "additions", "packages",
]
IN_CI = os.environ.get("CI") == "true"


def script(name):
    """One check, passed or not."""
    done = subprocess.run([ROOT / "scripts" / name], cwd=ROOT, check=False)
    return (1, 0, 0) if done.returncode == 0 else (0, 1, 0)


def unit_suites():
    """Each prints "name: N tests, N assertions, N failed"; a suite that crashes is one failure."""
    passed = failed = 0
    for suite in sorted((BUILD / "tests").glob("test_*")):
        if suite.suffix:
            continue  # what the compiler left beside it
        done = subprocess.run([suite], capture_output=True, text=True, cwd=ROOT, check=False)
        print(done.stdout + done.stderr, end="", flush=True)
        match = re.search(r": (\d+) tests, \d+ assertions, (\d+) failed", done.stdout)
        tests, failures = map(int, match.groups()) if match else (0, 0)
        broken = failures or done.returncode != 0 or not match
        passed += tests - min(tests, failures)
        failed += max(failures, 1) if broken else 0
    return passed, failed, 0


def instructions():
    """What a call and a request take, held against tests/bench/budget.json."""
    command = ["/usr/bin/python3", ROOT / "tests" / "bench" / "instructions.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    print(done.stdout + done.stderr, end="", flush=True)
    counts = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.M)
    return (*map(int, counts.groups()), 0) if counts else (0, 1, 0)


def counts_of(text):
    found = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error|skipped)", text)}
    return found.get("passed", 0), found.get("failed", 0) + found.get("error", 0), found.get("skipped", 0)


def quick(workers):
    """Most of e2e, without pytest."""
    command = [sys.executable, ROOT / "tests" / "plain.py", "--jobs", str(workers)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    print(done.stdout, end="", flush=True)
    passed, failed, skipped = counts_of((done.stdout.splitlines() or [""])[-1])
    return passed, failed or int(done.returncode != 0), skipped


def folder(name, workers):
    path = ROOT / "tests" / name
    if not path.is_dir():
        return 0, 0, 0
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-rfEs", "-n", str(workers), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    print(done.stdout + done.stderr, end="", flush=True)
    summary = done.stdout.splitlines()[-1] if done.stdout else ""
    passed, failed, skipped = counts_of(summary)
    if done.returncode not in (0, 5) and not failed:
        failed = 1
    if IN_CI:
        # What the machine refuses to root as well, or is done by hand (tests/grants.py), is no failure of its.
        reason = r"^SKIPPED \[(\d+)\] .*: (?:not granted here|by hand alone)"
        refused = sum(map(int, re.findall(reason, done.stdout, re.M)))
        failed, skipped = failed + skipped - refused, refused
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser(description="Every test; see the docstring.")
    parser.add_argument("--only", default="", help="steps whose name contains this")
    parser.add_argument("--quick", action="store_true", help="with Python alone, in a minute or two")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()

    steps = {
        "layers": lambda: script("check-layers"),
        "exports": lambda: script("check-exports"),
        "unit": unit_suites,
    }
    if options.quick:
        steps["e2e"] = lambda: quick(options.workers)
    else:
        steps["instructions"] = instructions
        steps.update({name: lambda name=name: folder(name, options.workers) for name in FOLDERS})
    total = [0, 0, 0]
    for name, step in steps.items():
        if options.only not in name:
            continue
        print(f"== {name}", flush=True)
        start = time.monotonic()
        result = step()
        print(f"   {result[0]} passed, {result[1]} failed in {time.monotonic() - start:.0f} s", flush=True)
        total = [sum(pair) for pair in zip(total, result)]
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
