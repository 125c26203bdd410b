# SPDX-License-Identifier: MIT
"""Every preset on the wire, against tests/golden/presets: with a full context, one field, none, bad
values, and values at the limits and one past them.

    TAGALONG_GOLDEN=write pytest tests/e2e/test_presets.py     writes the files anew, to be read
"""

import os
import re
import subprocess

import pytest

from commands import CHAT, post
from conftest import ROOT
from tags import TRACEPARENT, UUID7

GOLDEN = ROOT / "tests" / "golden" / "presets"
NAMES = sorted(path.stem for path in (ROOT / "shim" / "presets").glob("*.json"))

OFFERED = subprocess.run([ROOT / "build" / "tagalong", "complete", "context", "set", ""], capture_output=True, text=True)
FIELDS = [line.split("=\t") for line in OFFERED.stdout.splitlines()]  # name, variable
IDS = [variable for field, variable in FIELDS if variable.startswith("TAGALONG_") and field != "tags"]
TRACE = {
    "TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "TRACESTATE": "rojo=1",
    "BAGGAGE": "k=v",
}
TAGS = {"TAGALONG_TAGS": "team=pay,cost=7"}


def every(value):
    return {variable: value for variable in IDS}


CONTEXTS = {
    "full": {v: v.removeprefix("TAGALONG_").lower() for v in IDS} | TRACE | TAGS,
    "task_id alone": {"TAGALONG_TASK_ID": "T-42"},
    "user_id alone": {"TAGALONG_USER_ID": "u-9"},
    "nothing": {},
    "control characters": every("a\r\nX-Injected: 1") | {"TAGALONG_TAGS": "a=b\nc"},
    "blanks at the end": every("a ") | {"TAGALONG_TAGS": "a b=c"},
    "not UTF-8": every(b"\xff".decode(errors="surrogateescape")),
    "UTF-8": every("Büro") | {"TAGALONG_TAGS": "käse=ü"},
    "a bad trace": {"TRACEPARENT": "00-x", "TRACESTATE": "a=b", "BAGGAGE": "bad member,k"},
    "128 bytes": every("x" * 128) | {"TAGALONG_TAGS": "t=" + "x" * 128},
    "129 bytes": every("x" * 129) | {"TAGALONG_TAGS": "t=" + "x" * 129},
    "1024 bytes": every("x" * 1024) | {"TAGALONG_TAGS": "t=" + "x" * 1024},
    "1025 bytes": every("x" * 1025) | {"TAGALONG_TAGS": "t=" + "x" * 1025},
    "70 tags": {"TAGALONG_TAGS": ",".join(f"t{n}={n}" for n in range(70))},
}


UUID8 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def readable(line):
    """What differs from run to run has a name, and long runs of x a count."""
    line = UUID7.sub("<uuid7>", line)
    line = UUID8.sub("<uuid8>", line)
    line = re.sub("00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01", "<the trace, a new span>", line)
    line = TRACEPARENT.sub("<a new trace>", line)
    return re.sub("x{20,}", lambda run: f"<x * {len(run[0])}>", line)


def added(run, relay, preset, context):
    """The lines that a request gets, as one text."""
    env = {"TAGALONG_PRESET": preset} | context
    (request,) = run(post(relay.url + CHAT, "-H", "X-Own: 1"), env=env).requests
    lines = request.head.decode("ascii").split("\r\n")
    first = next(n for n, line in enumerate(lines) if line.startswith("Accept:")) + 1
    return [readable(line) for line in lines[first : lines.index("X-Own: 1")]]


@pytest.mark.parametrize("preset", NAMES)
def test_golden(run, relay, shim, preset):
    if not shim:
        pytest.skip("--bare")
    text = ""
    for title, context in CONTEXTS.items():
        lines = added(run, relay, preset, context)
        assert len(lines) <= 10
        text += "\n".join([f"[{title}]", *lines, "", ""])
    path = GOLDEN / f"{preset}.txt"
    if os.environ.get("TAGALONG_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text


def test_rules_that_hold_for_all():
    """No "_" in a name; LiteLLM never sees a parent's session, nor a trace id beside its session."""
    for name in NAMES:
        lines = [line for line in (GOLDEN / f"{name}.txt").read_text().splitlines() if ": " in line]
        for line in lines:
            header = line.split(":")[0].lower()
            assert "_" not in header and header != "x-parent-session-id", (name, line)
            assert "injected" not in line.lower(), (name, line)
    litellm = (GOLDEN / "litellm.txt").read_text()
    assert "x-litellm-session-id: session_id" in litellm and "trace-id" not in litellm
    cloudflare = (GOLDEN / "cloudflare.txt").read_text()
    assert all(line.count('":"') <= 5 for line in cloudflare.splitlines())


def test_every_preset_has_a_file():
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == NAMES
