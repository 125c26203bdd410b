#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The client matrix as a Markdown table, from what the last run of test_clients.py saw.

    python3 tests/clients/table.py             prints it; the same as build/clients.md
    python3 tests/clients/table.py --write     puts it into docs/clients.md, between the two comments
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "clients.md"
BEGIN = "<!-- made by tests/clients/table.py --write -->\n"
END = "<!-- end of what is made -->\n"
HEAD = "| client | version | how it comes to libcurl | interface | tagged |\n|---|---|---|---|---|\n"


class Results:
    """One small file a row, because a run can have several processes."""

    folder = ROOT / "build" / "clients"

    def put(self, row, result):
        self.folder.mkdir(parents=True, exist_ok=True)
        seen = [request for requests in result.traffic.values() for request in requests]
        tagged = [request for request in seen if request.value("X-Task-Id")]
        text = json.dumps({"tagged": len(tagged), "requests": len(seen)})
        (self.folder / f"{row.id}.json").write_text(text)

    def get(self, row):
        path = self.folder / f"{row.id}.json"
        return json.loads(path.read_text()) if path.is_file() else None


RESULTS = Results()


def installed_version(package):
    """Its upstream version, or None. Libraries whose time has 64 bits have another name, with t64."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package],
        capture_output=True,
        text=True,
    )
    status, _, version = done.stdout.partition(" ")
    if done.returncode or status != "installed":
        return None if package.endswith("t64") else installed_version(package + "t64")
    return version.rpartition(":")[2].partition("-")[0].partition("+")[0]


def cells(row, version, tagged, requests):
    meant = "" if row.tagged else ", as it should be"
    return [row.name, version, row.binds, row.api, f"{tagged} of {requests}{meant}"]


def as_run(row):
    """What the last run saw."""
    seen = RESULTS.get(row)
    version = installed_version(row.packages.split()[0])
    if not seen or not version:
        return [row.name, "-", row.binds, row.api, "not run"]
    return cells(row, version, seen["tagged"], seen["requests"])


def markdown(rows):
    return HEAD + "".join(f"| {' | '.join(as_run(row))} |\n" for row in rows)


def write_table(rows, path):
    path.parent.mkdir(exist_ok=True)
    path.write_text(markdown(rows))


def on_page():
    """(what is before the table, the table, what is after it)"""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    table, end, after = rest.partition(END)
    assert begin and end, f"docs/clients.md has no table between {BEGIN.strip()} and {END.strip()}"
    return before + begin, table, end + after


def rewrite_page(rows):
    table = markdown(rows)
    if "not run" in table:
        sys.exit("table.py: a row was not run: pytest tests/clients")
    before, _, after = on_page()
    PAGE.write_text(before + table + after)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "tests" / "e2e")]
    from rows import ROWS

    if sys.argv[1:] == ["--write"]:
        rewrite_page(ROWS)
    else:
        print(markdown(ROWS), end="")
