# SPDX-License-Identifier: MIT
"""The README's tables say what the code's tables say."""

import re
import subprocess

from conftest import ROOT

README = (ROOT / "README.md").read_text()


def rows(path, pattern):
    found = re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE)
    assert found
    return found


def test_fields():
    pattern = r'^FIELD\(\w+, (\w+), (\w+),\s+"([^"]*)"\)'
    for name, variable, what in rows("shim/context/fields.def", pattern):
        assert f"| `{name}` | `{variable}` | {what} |" in README


def test_variables():
    pattern = r'^VARIABLE\(\w+, (\w+),\s+"([^"]*)"\)'
    for name, what in rows("shim/base/variables.def", pattern):
        assert f"| `{name}` | {what} |" in README


def test_adopted_variables():
    for field, variable, setter in rows("shim/sources/adopted.def", r'^ADOPT\((\w+), (\w+), "([^"]*)"\)'):
        assert f"| `{variable}` | `{field.lower()}` | {setter} |" in README


def test_every_command_is_mentioned():
    overview = subprocess.run([ROOT / "build" / "tagalong", "--help"], capture_output=True, text=True)
    for line in overview.stdout.splitlines():
        if re.match(r"  [a-z]+ ", line) and not line.startswith("  tagalong "):
            assert f"tagalong {line.split()[0]}" in README, line


def test_nothing_unknown_is_mentioned():
    known = README + "".join((ROOT / path).read_text() for path in (
        "shim/base/variables.def", "shim/context/fields.def"))
    code = (ROOT / "shim/base/variables.def").read_text() + (ROOT / "shim/context/fields.def").read_text()
    for name in set(re.findall(r"TAGALONG_[A-Z_]+[A-Z]", known)):
        assert name in code, name
