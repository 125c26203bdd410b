# SPDX-License-Identifier: MIT
"""What the commands offer, what --help says of it, and what they understand, are the same."""

import re
import subprocess

import pytest

from serving import TAGALONG


def tagalong(*words):
    return subprocess.run([TAGALONG, *words], capture_output=True, text=True, timeout=20,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})


def offered(*words):
    """What TAB offers behind these words."""
    return [line.split("\t")[0] for line in tagalong("complete", *words).stdout.splitlines()]


OVERVIEW = tagalong("--help").stdout
COMMANDS = re.findall(r"^  (\w+) +[A-Z]", OVERVIEW, re.M)


def test_all_commands_are_offered():
    assert len(COMMANDS) >= 13 and set(COMMANDS) <= set(offered(""))


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    for words in ([command, "--help"], [command, "-h"], ["help", command]):
        done = tagalong(*words)
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith(f"usage: tagalong {command}")
        assert max(map(len, lines)) <= 80, "a terminal's width"
    shown = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", done.stdout, re.M))
    assert shown | {"--help"} == set(offered(command, "--")) | {"--help"}


def test_overview_has_a_terminals_width():
    assert max(map(len, OVERVIEW.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_is_offered_is_known(command):
    """Whatever else is wrong with the call, it is not said of the option what is said of --nonsense."""
    verb = ["get"] if command == "context" else []
    unknown = tagalong(command, *verb, "--nonsense").stderr.splitlines()[0]
    shown = tagalong(command, "--help").stdout
    for option in set(offered(command, "--")) - {"--help"}:
        value = ["/dev/null"] if re.search(rf"{option}[ =][A-Z]", shown) else []
        done = tagalong(command, *verb, option, *value, "--nonsense")
        assert done.returncode and done.stderr.splitlines()[0] != unknown.replace("--nonsense", option)


@pytest.mark.parametrize("command", COMMANDS)
def test_others_are_refused(command):
    for option in ("--nonsense", "-Z"):
        done = tagalong(command, *(["get"] if command == "context" else []), option)
        assert done.returncode == 2 and option in done.stderr and not done.stdout
        assert f"tagalong {command}" in done.stderr


def test_verbs_are_those_that_are_taken():
    for command in ("context", "config", "agents"):
        verbs = offered(command, "")
        assert len(verbs) >= 3
        for verb in verbs:
            assert 'no verb "' not in (said := tagalong(command, verb, "x", "y").stderr), said
            assert f'there is no "{verb}"' not in said and f'"{verb}" is not understood' not in said
