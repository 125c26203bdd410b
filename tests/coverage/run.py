#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which lines and branches the suites reach, by gcov.

    python3 tests/coverage/run.py            builds, runs the suites, prints the table, and holds it
    python3 tests/coverage/run.py --pure     what reaches the pure folders, and those alone (CI)
    python3 tests/coverage/run.py --report   the table of what ran before

In a copy of the sources in build/coverage, whose build/ is the one that counts, so that every suite finds
it where it finds the other. Held are the goals below, a share of each folder. uncovered.txt names functions that
no test can reach; they are left out. CI runs --pure, because of its time.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TREE = ROOT / "build" / "coverage"
LIST = HERE / "uncovered.txt"
PURE = ("lib", "core", "protocol")
# Percent of lines and of branches, with headroom below what was measured last.
GOALS = {"lib": (92, 85), "core": (92, 82), "protocol": (83, 72), "preload": (85, 70), "daemon": (85, 70),
         "cli": (85, 70), "all": (87, 73)}
COPIED = ("Makefile", "LICENSE", "README.md", "docs", "scripts", "shim", "tests")
# gcov writes its counters when a process ends: beyond a limit on the size of files, too.
NOT = ["not test_a_limit_on_the_size_of_files"]
PURE_SUITES = [[f"tests/e2e/test_{name}.py" for name in (
    "config", "config_check", "context", "values", "presets", "relays", "log", "launchers", "faults", "trust",
)]]
SUITES = [
    ["tests/e2e"],
    ["tests/service", "--ignore=tests/service/test_install.py"],
    ["tests/doctor"],
    ["tests/pages"],
    ["tests/agents/test_config.py", "tests/agents/test_headers.py", "tests/agents/test_plugin.py"],
]


def copy():
    """Of what has changed; times are kept, so that only that is built."""
    TREE.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        target = TREE / name
        if (ROOT / name).is_file():
            shutil.copy2(ROOT / name, target)
            continue
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(ROOT / name, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    # The counters are written by exit().
    puppet = TREE / "tests" / "fixtures" / "puppet.c"
    text, count = re.subn(r"\t_exit\(0\);\n}\n\Z", "\texit(0);\n}\n", puppet.read_text())
    assert count == 1
    puppet.write_text(text)
    for counters in TREE.rglob("*.gcda"):
        counters.unlink()


def build():
    make = ["make", "-s", f"-j{os.cpu_count()}", "-C", TREE, "MODE=cov", "BUILD=build"]
    subprocess.run([*make, "test-build"], check=True, stdout=subprocess.DEVNULL)


def run_suites(suites):
    """How many of them failed."""
    failed = 0
    for suite in sorted((TREE / "build" / "tests").glob("test_*")):
        if not suite.suffix:
            failed += subprocess.run([suite], cwd=TREE, check=False, stdout=subprocess.DEVNULL).returncode != 0
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TAGALONG_")}
    environment["TAGALONG_COVERAGE"] = "1"  # services end by themselves, too, and not by kill -9
    for suite in suites:
        command = ["/usr/bin/python3", "-m", "pytest", "-q", "-n", "2", *suite, "-k", " and ".join(NOT)]
        done = subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True, check=False)
        print(f"{suite[0]}{' ...' if len(suite) > 2 else ''}: {done.stdout.strip().splitlines()[-1]}", flush=True)
        if done.returncode:
            print(*[line for line in done.stdout.splitlines() if line.startswith("FAILED")], sep="\n")
            failed += 1
    return failed


class File:
    """One source: its lines and branches, without the functions that no test can reach."""

    def __init__(self, data, unreachable):
        self.name = data["file"]
        self.folder = self.name.split("/")[1]
        starts = sorted((f["lineno"], f["name"]) for f in data["functions"])
        self.functions = {name for _, name in starts}

        def function(number):
            return next((name for start, name in reversed(starts) if start <= number), "-")

        lines = [line for line in data["lines"] if function(line["line_number"]) not in unreachable]
        self.count = {line["line_number"]: line["count"] for line in lines if not line["gcovr/noncode"]}
        self.taken = [branch["count"] for line in lines for branch in line["branches"]]
        self.missed = [f"{self.name}:{number}: {function(number)}" for number, count in self.count.items() if not count]


def read_list():
    """{file: {function}} of uncovered.txt."""
    functions = defaultdict(set)
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            file, names, _reason = re.fullmatch(r"(\S+) ([\w, ]+): (\S.*)", line).groups()
            functions[f"shim/{file}"] |= set(names.replace(",", " ").split())
    return functions


def collect():
    command = ["gcovr", "-r", TREE, "--object-directory", TREE / "build" / "obj", "-f", "shim/",
               "--json", TREE / "coverage.json", f"-j{os.cpu_count()}"]
    subprocess.run(command, cwd=TREE, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    unreachable = read_list()
    files = [File(data, unreachable[data["file"]])
             for data in json.loads((TREE / "coverage.json").read_text())["files"]]
    for name, functions in unreachable.items():
        gone = functions - set().union(*(file.functions for file in files if file.name == name))
        if gone:
            print(f"{LIST.relative_to(ROOT)} names what is not there: {name} {', '.join(sorted(gone))}")
    missed = TREE / "missed.txt"
    missed.write_text("".join(f"{place}\n" for file in files for place in file.missed))
    print(f"lines that were not reached: {missed.relative_to(ROOT)}")
    return files


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def table(files, goals):
    """Prints it; how many goals are missed."""
    rows = defaultdict(lambda: [0, 0, 0, 0])
    for file in files:
        for name in (file.folder, "all"):
            row = rows[name]
            row[0] += sum(count > 0 for count in file.count.values())
            row[1] += len(file.count)
            row[2] += sum(count > 0 for count in file.taken)
            row[3] += len(file.taken)
    below = 0
    print(f"{'folder':<10}{'lines':>8}{'of':>8}{'%':>8}{'branches':>11}{'of':>8}{'%':>8}")
    for name, (lines, lines_all, taken, branches) in sorted(rows.items(), key=lambda row: (row[0] == "all", row[0])):
        if name not in goals:
            continue
        goal = goals[name]
        shares = percent(lines, lines_all), percent(taken, branches)
        bad = shares[0] < goal[0] or shares[1] < goal[1]
        below += bad
        print(f"{name:<10}{lines:>8}{lines_all:>8}{shares[0]:>8.1f}{taken:>11}{branches:>8}{shares[1]:>8.1f}"
              + (f"  below {goal[0]} and {goal[1]} %" if bad else ""))
    return below


def main():
    parser = argparse.ArgumentParser(description="Coverage; see the docstring.")
    parser.add_argument("--pure", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    failed = 0
    if not options.report:
        copy()
        build()
        failed = run_suites(PURE_SUITES if options.pure else SUITES)
    files = collect()
    failed += table(files, {name: GOALS[name] for name in PURE} if options.pure else GOALS)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
