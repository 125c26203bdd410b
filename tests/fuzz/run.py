#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs libFuzzer programs, some at a time, and tells what each reached.

    python3 tests/fuzz/run.py [--seconds N] [--jobs N] FUZZER...     build/fuzz/fuzz_NAME
    python3 tests/fuzz/run.py --report LOG...                        the table of earlier runs

Each starts from tests/fuzz/seeds/NAME and what it found before, build/fuzz/found/NAME, and knows the
words of tests/fuzz/NAME.dict if there is one. What breaks it is kept as build/fuzz/NAME-crash-... .
"""

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The last line of figures that libFuzzer wrote, and the time that it took.
STATUS = re.compile(r"^#(\d+)\t.* cov: (\d+) ft: (\d+) corp: (\d+)/", re.M)
DONE = re.compile(r"^Done (\d+) runs in (\d+) second", re.M)


def fuzz(fuzzer, seconds):
    """One of them. Its name, its log, and whether nothing broke it."""
    name = fuzzer.name.removeprefix("fuzz_")
    found, log = fuzzer.parent / "found" / name, fuzzer.parent / f"{name}.log"
    words = HERE / f"{name}.dict"
    found.mkdir(parents=True, exist_ok=True)
    command = [fuzzer, f"-max_total_time={seconds}", "-timeout=10", "-close_fd_mask=3"]
    command += [f"-artifact_prefix={fuzzer.parent}/{name}-"]
    command += [f"-dict={words}"] if words.is_file() else []
    with open(log, "wb") as output:
        done = subprocess.run(
            [*command, found, HERE / "seeds" / name], stdout=output, stderr=output, check=False
        )
    text = log.read_text(errors="replace")
    good = done.returncode == 0 and DONE.search(text) is not None
    if not good:
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        print("\n".join([f"{name}: exit code {done.returncode}", *lines[-60:]]), flush=True)
    return name, text, good


def row(name, text):
    """A run that is not over yet has no time."""
    status = STATUS.findall(text)
    runs, edges, features, inputs = status[-1] if status else "0000"
    done = DONE.search(text)
    runs, seconds = done.groups() if done else (runs, "0")
    cells = (f"{int(each):,}" for each in (runs, seconds, edges, features, inputs))
    return f"| {name} | {' | '.join(cells)} |"


def report(results):
    print("| target | executions | seconds | edges covered | features | inputs kept |")
    print("|---|---|---|---|---|---|")
    for name, text in results:
        print(row(name, text))


def main():
    parser = argparse.ArgumentParser(description="See the docstring.")
    parser.add_argument("--seconds", type=int, default=60, help="for each")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("--report", action="store_true", help="the files are logs")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.report:
        report((each.stem, each.read_text(errors="replace")) for each in options.files)
        return
    start = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        each = (path.resolve() for path in options.files)
        results = list(pool.map(lambda fuzzer: fuzz(fuzzer, options.seconds), each))
    report((name, text) for name, text, _ in results)
    broken = [name for name, _, good in results if not good]
    print(f"{len(results)} fuzzers in {time.monotonic() - start:.0f} s, {len(broken)} broken")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
