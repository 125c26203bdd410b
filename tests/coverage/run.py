#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which lines and branches the suites reach, by gcov.

    python3 tests/coverage/run.py            builds, runs the suites, prints the table, and holds it
    python3 tests/coverage/run.py --pure     what reaches the pure rooms, and those alone (CI)
    python3 tests/coverage/run.py --report   the table of what ran before

In a copy of the sources in build/coverage, whose build/ is the one that counts, so that every suite finds
it where it finds the other. Held are the goals below, and uncovered.txt: a place that no suite reaches
is in a function of that list, or is of a kind that has a reason there. CI runs
--pure, because of its time.
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
PURE = ("base", "context", "headers", "json", "body", "wire", "policy", "config", "tag")
LINES, BRANCHES, OVERALL = 95, 85, 90
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
    """One source: its lines and branches, and which function each line is in."""

    def __init__(self, data):
        self.name = data["file"]
        self.room = self.name.split("/")[1]
        self.functions = sorted((f["lineno"], f["name"]) for f in data["functions"])
        self.count = {line["line_number"]: line["count"] for line in data["lines"] if not line["gcovr/noncode"]}
        self.taken = [branch["count"] for line in data["lines"] for branch in line["branches"]]
        self.text = (TREE / self.name).read_text().splitlines()

    def function(self, number):
        names = [name for start, name in self.functions if start <= number]
        return names[-1] if names else "-"

    def guard(self, number):
        """The condition in front of a line, whole: what it would take to get there."""
        for start in range(number - 1, max(number - 6, 0), -1):
            lines = [line.strip() for line in self.text[start - 1 : number - 1]]
            if re.match(r"(\} )?(if|else|for|while|case|default)\b", lines[0]):
                return " ".join(lines)
        return ""

    def missed(self):
        """(function, number, text) of each line that was not reached and has another in front of it that
        was; the text starts with that one's condition. What follows it closely is of the same kind."""
        last = -9
        for number, count in sorted(self.count.items()):
            if not count:
                if number > last + 2 or self.function(number) != self.function(last):
                    yield self.function(number), number, f"{self.guard(number)} => {self.text[number - 1].strip()}"
                last = number


def collect():
    command = ["gcovr", "-r", TREE, "--object-directory", TREE / "build" / "obj", "-f", "shim/",
               "--json", TREE / "coverage.json", f"-j{os.cpu_count()}"]
    subprocess.run(command, cwd=TREE, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [File(data) for data in json.loads((TREE / "coverage.json").read_text())["files"]]


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def table(files, rooms):
    """Prints it; how many goals are missed."""
    rows = defaultdict(lambda: [0, 0, 0, 0])
    for file in files:
        for name in (file.room, "all"):
            row = rows[name]
            row[0] += sum(count > 0 for count in file.count.values())
            row[1] += len(file.count)
            row[2] += sum(count > 0 for count in file.taken)
            row[3] += len(file.taken)
    below = 0
    print(f"{'room':<10}{'lines':>8}{'of':>8}{'%':>8}{'branches':>11}{'of':>8}{'%':>8}")
    for name, (lines, lines_all, taken, branches) in sorted(rows.items(), key=lambda row: (row[0] == "all", row[0])):
        whole = name == "all" and len(rooms) > len(PURE)
        if name not in rooms and not whole:
            continue
        goal = (LINES, BRANCHES) if name in PURE else (OVERALL, 0) if whole else (0, 0)
        shares = percent(lines, lines_all), percent(taken, branches)
        bad = shares[0] < goal[0] or shares[1] < goal[1]
        below += bad
        print(f"{name:<10}{lines:>8}{lines_all:>8}{shares[0]:>8.1f}{taken:>11}{branches:>8}{shares[1]:>8.1f}"
              + (f"  below {goal[0]} and {goal[1]} %" if bad else ""))
    return below


def read_list():
    """({file: {function}}, [pattern of a line]); a function may be *."""
    functions, kinds = defaultdict(set), []
    for line in LIST.read_text().splitlines():
        if line.startswith("/"):
            pattern = re.fullmatch(r"/(.*)/ +(\S.*)", line)
            kinds.append(re.compile(pattern[1]))
        elif line and not line.startswith("#"):
            file, names, _reason = re.fullmatch(r"(\S+) ([\w*, ]+): (\S.*)", line).groups()
            functions[file] |= set(names.replace(",", " ").split())
    return functions, kinds


def unlisted(files):
    """What no suite reaches and the list does not have."""
    functions, kinds = read_list()
    for file in files:
        listed = functions[file.name.removeprefix("shim/")]
        for function, number, text in file.missed():
            if function not in listed and "*" not in listed and not any(kind.search(text) for kind in kinds):
                yield f"{file.name}:{number}: {function}: {text}"


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
    failed += table(files, PURE if options.pure else {file.room for file in files})
    if not options.pure:
        surprises = list(unlisted(files))
        print(*surprises, sep="\n")
        if surprises:
            print(f"{len(surprises)} places are not reached, and not in {LIST.relative_to(ROOT)}")
        failed += bool(surprises)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
