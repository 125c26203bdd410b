# SPDX-License-Identifier: MIT
"""Tests that a page names are there: as pytest collects them, and as the C suites list them."""

import subprocess
from collections import defaultdict

import pytest

from conftest import ROOT

PAGES = ["internals.md", "security.md"]


def code(page):
    """What stands between code marks."""
    return (ROOT / "docs" / page).read_text().split("`")[1::2]


@pytest.mark.parametrize("page", PAGES)
def test_named_tests(page):
    suites, folders = defaultdict(set), defaultdict(set)
    for named in code(page):
        path, _, test = named.partition("::")
        if test and path.endswith(".c"):
            suites[path].add(test)
        elif test and path.startswith("tests/"):
            folders[path.split("/")[1]].add(named)
    assert folders
    for path, tests in suites.items():
        suite = ROOT / "build" / path.replace("tests/unit/", "tests/").removesuffix(".c")
        listed = subprocess.run([suite, "--list"], capture_output=True, text=True, check=True).stdout.split()
        assert tests <= set(listed), path
    for folder, tests in folders.items():
        command = ["/usr/bin/python3", "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *sorted(tests)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        missing = [line for line in done.stdout.splitlines() + done.stderr.splitlines() if line.startswith("ERROR")]
        assert done.returncode == 0, (folder, missing)
