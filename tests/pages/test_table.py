# SPDX-License-Identifier: MIT
"""The commands' tables are the one truth: what is parsed, what --help says, and what stands in docs/."""

import re
import subprocess

import pytest

from serving import ROOT, TAGALONG

ROOMS = ("cli", "command", "agents", "doctor", "wrap")
CLI = {f"{room}/{path.name}": path.read_text() for room in ROOMS for path in (ROOT / "shim" / room).glob("*.[ch]")}
ROW = re.compile(r'\{ "([\w-]+)",\s+(?:NULL|"[^"]*"),(?:[^{}]|\{\\"[^\n]*)*?\b(OPT_\w+),\s*(?:0|\'.\') \}')
ANSWERED = re.compile(r"(?:case |[!=]= )(OPT_\w+)\b")
COMMANDS = re.findall(r"^### tagalong (\w+)$", (ROOT / "docs" / "commands.md").read_text(), re.M)


def tagalong(*words):
    return subprocess.run([TAGALONG, *words], capture_output=True, text=True, timeout=20,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})


def options_of(command):
    out = tagalong("complete", command, "--").stdout
    return [line.split("\t")[0] for line in out.splitlines()]


def flat(text):
    """Macros go over several lines, with a backslash at each end."""
    return re.sub(r"\s*\\\n\s*", " ", text)


def test_all_commands_are_seen():
    overview = tagalong("--help").stdout
    assert re.findall(r"^  (\w+) +[A-Z]", overview, re.M) == COMMANDS and len(COMMANDS) >= 13


def test_one_place_asks_getopt():
    assert [name for name, text in CLI.items() if re.search(r"\bgetopt(_long)?\(", text)] == ["cli/option.c"]
    for name, text in CLI.items():
        words = set(re.findall(r'strn?cmp\(argv\[[^]]*\], "(--?\w[\w-]*)"', text))
        # The help of the whole, and context's --help in front of a verb.
        known = {"cli/main.c": {"--help", "-h", "--markdown"}, "cli/commands.c": {"--version"}, "cli/cmd_context.c": {"--help", "-h"}}
        assert words <= known.get(name, set()), name


@pytest.mark.parametrize("name", sorted(name for name, text in CLI.items() if ROW.search(flat(text))))
def test_what_is_in_a_table_is_answered_and_the_reverse(name):
    """The rows of tagalong run are shared, and stand in launch.h."""
    text = flat(CLI[name])
    code = flat(CLI["cli/launch.c"]) if name == "cli/launch.h" else text
    rows = {value for _, value in ROW.findall(text)}
    assert rows == set(ANSWERED.findall(code))


def test_every_row_is_seen():
    """Against the pattern above: it finds as many rows as the commands offer."""
    rows = sum(len(ROW.findall(flat(text))) for text in CLI.values())
    shared = len(ROW.findall(flat(CLI["cli/launch.h"])))
    offered = sum(len(options_of(command)) - 1 for command in COMMANDS)  # without --help
    assert rows + shared == offered  # shared by run and wrap


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    for words in ([command, "--help"], [command, "-h"], ["help", command]):
        done = tagalong(*words)
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith(f"usage: tagalong {command}")
        assert len(lines) <= 24 and max(map(len, lines)) <= 80, "a screen"
    for option in options_of(command):
        assert option == "--help" or re.search(rf"^  (-\w, )?{option}\b", done.stdout, re.M), option


def test_overview_fits_a_screen():
    lines = tagalong("--help").stdout.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_others_are_refused(command):
    for option in ("--nonsense", "-Z"):
        done = tagalong(command, *(["get"] if command == "context" else []), option)
        assert done.returncode == 2 and f'"{option}" is not understood' in done.stderr
        assert f"usage: tagalong {command}" in done.stderr and not done.stdout


def test_verbs_are_those_that_are_taken():
    for command in ("context", "config", "agents"):
        verbs = [line.split("\t")[0] for line in tagalong("complete", command, "").stdout.splitlines()]
        assert len(verbs) >= 3
        for verb in verbs:
            assert 'no verb "' not in (said := tagalong(command, verb, "x", "y").stderr), said
            assert f'there is no "{verb}"' not in said and f'"{verb}" is not understood' not in said


def test_the_document_is_what_the_tables_say():
    """docs/commands.md: tagalong help --markdown > docs/commands.md"""
    assert tagalong("help", "--markdown").stdout == (ROOT / "docs" / "commands.md").read_text()


@pytest.mark.parametrize("path, pattern, made", [
    ("shim/core/fields.def", r'^FIELD\(\w+, (\w+), (\w+),\s+"([^"]*)"\)', r"| `\2` | \3 | `\1` |"),
    ("shim/core/variables.def", r'^VARIABLE\(\w+, (\w+),\s+"([^"]*)"\)', r"| `\1` | \2 |"),
    ("shim/core/adopted.def", r'^ADOPT\((\w+), (\w+), "([^"]*)"\)', r"| `\2` | \3 | `\1` |"),
])
def test_variables(path, pattern, made):
    """The tables of docs/variables.md, in the order of the code's."""
    rows = [match.expand(made) for match in re.finditer(pattern, (ROOT / path).read_text(), re.M)]
    assert len(rows) > 5
    if "adopted" in path:
        rows = [re.sub("`[A-Z_]+` \\|$", lambda field: field[0].lower(), row) for row in rows]
    assert "\n".join(["", *rows, ""]) in (ROOT / "docs" / "variables.md").read_text()
