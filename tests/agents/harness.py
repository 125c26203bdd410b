# SPDX-License-Identifier: MIT
"""Agents and Node programs from npm, run as they come, with and without our part.

scripts/install-npm agents opencode puts them into build/npm; one that is not there is skipped by name, and
with CI=true it fails. They speak to the model of model.py and to nobody else.
"""

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from conftest import ROOT, Result, clean_environment

NPM = ROOT / "build" / "npm"
TAGALONG = str(ROOT / "build" / "tagalong")
SECONDS = 120  # of one run: an agent needs 5 to 15, on a busy machine three times that


def need(path):
    """A program or folder of build/npm."""
    found = NPM / path
    if found.exists():
        return str(found)
    reason = f"{path} is not installed: scripts/install-npm agents opencode"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def end_group(process):
    """What it started goes with it: an agent that hangs is a child of a launcher."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


@contextmanager
def service(folder):
    """A context service of the test's own; the variables by which it is found."""
    env = {"XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder)}
    process = subprocess.Popen([TAGALONG, "serve"], env=clean_environment(folder) | env, start_new_session=True)
    try:
        until = time.monotonic() + 20
        while not (folder / "tagalong/context.sock").exists():
            assert process.poll() is None and time.monotonic() < until, "no service"
            time.sleep(0.01)
        yield {"XDG_RUNTIME_DIR": str(folder)}
    finally:
        end_group(process)


class Place:
    """A home and a project, the git origin of which is called billing; and runs in them."""

    def __init__(self, folder, model, env, requests):
        """`requests` gives those that are looked at."""
        self.home, self.work, self.model = folder / "home", folder / "work", model
        self.requests, self.env = requests, env
        self.home.mkdir()
        subprocess.run(["git", "init", "-q", self.work], check=True)
        url = "https://example.com/acme/billing.git"
        subprocess.run(["git", "-C", self.work, "remote", "add", "origin", url], check=True)

    def environment(self, env):
        return clean_environment(self.home) | self.env | env

    def run(self, command, cwd=None, **env):
        """One command; what it said, and the requests that arrived."""
        self.model.reset()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(env),
            cwd=cwd or self.work,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=SECONDS)
        finally:
            end_group(process)
        return Result(process.returncode, stdout, stderr, {"relay": self.requests()})

    def tagalong(self, *arguments):
        """One of our commands that has to go well; its output."""
        done = subprocess.run(
            [TAGALONG, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self.environment({}),
            cwd=self.work,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def agents(self, *arguments):
        return self.tagalong("agents", *arguments)


@contextmanager
def place(factory, name, model, env, requests):
    folder = factory.mktemp(name)
    (folder / "run").mkdir(mode=0o700)
    with service(folder / "run") as found:
        yield Place(folder, model, found | env, requests)


@pytest.fixture(scope="module")
def model():
    from model import Model

    with Model(delay_ms=1) as model:
        yield model


# What differs between any two runs of an agent: its ids, times and ports.
NOISE = [
    (rb"(ses|msg|prt|call)_[0-9A-Za-z]+", rb"\1_ID"),
    (rb"\d\d:\d\d:\d\d|\d\d:\d\d", b"TIME"),
]


def norm(data, noise=()):
    for pattern, replacement in [*NOISE, *noise]:
        data = re.sub(pattern, replacement, data)
    return data


COLUMNS = [
    ["X-KILOCODE-TASKID", "X-Task-Id"],
    ["X-Conversation-Id"],
    ["traceparent"],
    ["X-KILOCODE-PROJECTID", "X-Project-Id"],
    ["X-KILOCODE-MODE", "X-KILOCODE-EDITORNAME", "X-KILOCODE-FEATURE", "X-Session-Id", "X-Request-Id"],
]


def check_page(who, preset, request, tags):
    """Holds the table of docs/agents.md against what arrived: our lines, and a session id of the agent's own."""
    names = [name for name in (*tags, "X-Session-Id") if request.value(name)]
    cells = [", ".join(f"`{name}`" for name in column if name in names) or "-" for column in COLUMNS]
    row = f"| {who} | `{preset}` | {' | '.join(cells)} |"
    assert row in (ROOT / "docs" / "agents.md").read_text().splitlines(), row


def compare_agents(bare, tagged, expect, noise=()):
    """Like neutral.compare, for clients that sort their header lines or write them in an order of
    their own: the lines of `expect`, one dict a request, are taken out wherever they stand."""
    assert (tagged.rc, norm(tagged.stdout, noise)) == (bare.rc, norm(bare.stdout, noise))
    assert norm(tagged.stderr, noise) == norm(bare.stderr, noise)
    assert [r.start for r in tagged.requests] == [r.start for r in bare.requests]
    assert len(tagged.requests) == len(expect)
    for before, after, added in zip(bare.requests, tagged.requests, expect):
        names = {name.lower() for name in added}
        mine = {line.split(b":")[0].decode().lower() for line in before.lines}
        assert not names & mine, "the agent's own line was to be left alone"
        rest = [line for line in after.lines if line.split(b":")[0].decode().lower() not in names]
        # The body's length may differ by an id that is in it.
        assert norm(b"\n".join(rest), noise) == norm(b"\n".join(before.lines), noise)
        assert norm(after.body, noise) == norm(before.body, noise)
        for name, value in added.items():
            got = after.values(name)
            pattern = value if isinstance(value, re.Pattern) else re.compile(re.escape(value))
            assert len(got) == 1 and pattern.fullmatch(got[0]), (name, got, value)

