# SPDX-License-Identifier: MIT
"""The pages that are made of the program's tables are up to date: `make pages` writes them."""

import subprocess

import pytest

from serving import BUILD, ROOT


def made(what):
    return subprocess.run([BUILD / "pages", what], capture_output=True, text=True, timeout=20, check=True).stdout


@pytest.mark.parametrize("page", ["commands", "relays"])
def test_it_is_what_the_program_says(page):
    assert made(page) == (ROOT / "docs" / f"{page}.md").read_text(), "run: make pages"


@pytest.mark.parametrize("what, path", [
    ("launcher", "scripts/tagalong-run"), ("variables", "docs/variables.md"), ("fields", "docs/protocol.md"),
    ("signals", "docs/conversation.md"),
    ("words", "docs/tagalong.schema.json"), ("presets", "docs/tagalong.schema.json")])
def test_a_list_is_what_the_program_says(what, path):
    behind = (ROOT / path).read_text().split(f"{what}: made by make pages", 1)[1].split("\n", 1)[1]
    assert behind.startswith(made(what)), "run: make pages"


def test_the_launcher_in_sh_knows_each_field(tmp_path):
    """By its name, and under the variable that the program takes it from."""
    for line in made("launcher").splitlines():
        field, variable = line.strip().removesuffix(" ;;").split(") name=")
        done = subprocess.run([ROOT / "scripts" / "tagalong-run", "--set", f"{field}=v a", "--", "printenv", variable],
                              env={"PATH": "/usr/bin:/bin", "TAGALONG_LIB": str(BUILD / "libtagalong.so")},
                              capture_output=True, text=True, timeout=20)
        assert (done.stdout, done.stderr) == ("v a\n", ""), field
