# SPDX-License-Identifier: MIT
"""Python programs, run as they come and in `tagalong run`, and held against each other."""

import os
import re
import subprocess
from pathlib import Path

from conftest import ROOT, Result, clean_environment
from tags import CONTEXT

PYTHON = "/usr/bin/python3"
TAGALONG = str(ROOT / "build" / "tagalong")
PROGRAMS = Path(__file__).resolve().parent / "programs"
HOOKS = ROOT / "build" / "hooks" / "python"


def others():
    """Other versions of Python on this machine."""
    folder = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return {path.parent.parent.name: str(path) for path in sorted(folder.glob("*/bin/python"))}


class Hosts:
    def __init__(self, servers, home):
        self.servers, self.home = servers, home
        self.relay, self.other = servers["relay"], servers["other"]

    def run(self, command, stdin="", **env):
        for server in self.servers.values():
            server.reset()
        done = subprocess.run(
            command,
            input=stdin.encode(),
            capture_output=True,
            env=clean_environment(self.home) | CONTEXT | env,
            cwd=self.home,
            timeout=60,
        )
        for server in self.servers.values():
            server.settle()
        traffic = {name: server.requests for name, server in self.servers.items()}
        return Result(done.returncode, done.stdout, done.stderr, traffic)

    def both(self, command, expect, other=(), stdin="", options=("--no-service",), noise=(), **env):
        """`expect` and `other` are the lines that are to be added to each request at the two relays. The
        rest of it all has to be equal."""
        command = [str(part) for part in command]
        bare = self.run(command, stdin, **env)
        tagged = self.run([TAGALONG, "run", "--relay", self.relay.url, *options, "--", *command], stdin, **env)

        def norm(data):
            for pattern, replacement in noise:
                data = re.sub(pattern, replacement, data)
            return data

        assert (tagged.rc, norm(tagged.stdout)) == (bare.rc, norm(bare.stdout)), tagged.stderr
        assert norm(tagged.stderr) == norm(bare.stderr)
        for server, tags in ("relay", list(expect)), ("other", list(other)):
            before, after = bare.traffic[server], tagged.traffic[server]
            assert (len(before), len(after)) == (len(tags), len(tags)), server
            for one, two, added in zip(before, after, tags):
                compare_request(one, two, added)
        return tagged


def compare_request(bare, tagged, added):
    names = {name.lower() for name in added}
    rest = [line for line in tagged.lines if line.split(b":")[0].decode().lower() not in names]
    own = {line.split(b":")[0].decode().lower() for line in bare.lines}
    assert not names & own, "the program's own line was to be left alone"
    assert (tagged.start, rest, tagged.body) == (bare.start, bare.lines, bare.body)
    for name, value in added.items():
        pattern = value if isinstance(value, re.Pattern) else re.compile(re.escape(value))
        got = tagged.values(name)
        assert len(got) == 1 and pattern.fullmatch(got[0]), (name, got, value)
