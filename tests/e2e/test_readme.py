# SPDX-License-Identifier: MIT
"""The README mentions every command."""

import re
import subprocess

from conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_every_command_is_mentioned():
    overview = subprocess.run([ROOT / "build" / "tagalong", "--help"], capture_output=True, text=True)
    for line in overview.stdout.splitlines():
        if re.match(r"  [a-z]+ ", line) and not line.startswith("  tagalong "):
            assert f"tagalong {line.split()[0]}" in README, line
