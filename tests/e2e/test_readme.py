# SPDX-License-Identifier: MIT
"""The README mentions every command, and no page a variable that is none."""

import re
import subprocess

from conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_every_command_is_mentioned():
    overview = subprocess.run([ROOT / "build" / "tagalong", "--help"], capture_output=True, text=True)
    for line in overview.stdout.splitlines():
        if re.match(r"  [a-z]+ ", line) and not line.startswith("  tagalong "):
            assert f"tagalong {line.split()[0]}" in README, line


def test_nothing_unknown_is_mentioned():
    code = "".join((ROOT / path).read_text() for path in ("shim/core/variables.def", "shim/core/fields.def"))
    tests = {"TAGALONG_GOLDEN", "TAGALONG_BUILD"}  # variables of the tests
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for name in set(re.findall(r"TAGALONG_[A-Z_]+[A-Z]", page.read_text())) - tests:
            assert name in code, (page, name)
