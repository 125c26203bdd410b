# SPDX-License-Identifier: MIT
"""The blocks of the pages in docs/, and a machine on which they are run as they stand there.

A block that is run has a name after its language: ```sh script. Two things are put in place of others:
the test relay for https://relay.example.com, and the folder of an installation for /usr/local.

Fixture: machine, on which they are run.
"""

import fcntl
import re
import shlex
import subprocess

import pytest

from conftest import ROOT


def blocks(name):
    """{block's name: text} of a page in docs/, in order."""
    found = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", page(name), re.M | re.S)
    assert found and len(found) == len(dict(found)), name
    return dict(found)


def page(name):
    return (ROOT / "docs" / name).read_text()


def with_our_fzf(said):
    """The pages' one is linked dynamically, that of Ubuntu 22.04 statically."""
    return said.replace("a Go program, linked statically, with Go's own TLS", "a Go program, with Go's own HTTP and TLS")


class Machine:
    """A home folder with Tagalong installed, the relay named as docs/recipes.md has it."""

    def __init__(self, run, relay, prefix, home, place):
        self._run, self.relay, self.prefix, self.home = run, relay, prefix, home
        self.library = prefix / "lib" / "tagalong" / "libtagalong.so"
        self.environment = {name: value for name, value in place.items() if name != "TAGALONG_PROJECT_ID"} | {
            "PATH": f"{home}/.local/bin:{home}/bin:{prefix}/bin:/usr/local/bin:/usr/bin:/bin",
            "OPENAI_BASE_URL": relay.url + "/v1",
            "OPENAI_API_KEY": "sk-test",
            "USER": "ada",
        }
        self.write(".config/tagalong/config.json", self.block("relay"))

    def here(self, text):
        return text.replace("https://relay.example.com", self.relay.url).replace("/usr/local", str(self.prefix))

    def block(self, name, of="recipes.md"):
        return self.here(blocks(of)[name])

    def chat(self, name="bin/chat", url=None):
        """A program that sends one chat request by curl."""
        url = url or f"{self.relay.url}/v1/chat/completions"
        return self.write(name, f"#!/bin/sh\nexec curl -sS -o /dev/null -d '{{}}' {url}\n", 0o755)

    def write(self, name, text, mode=0o644):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def run(self, *command, rc=0, **env):
        """Runs it in the home folder; its Result."""
        result = self._run([str(word) for word in command], shim=None, env=self.environment | env)
        assert result.rc == rc, (result.stdout, result.stderr)
        return result


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """Where `make install` has put everything."""
    folder = tmp_path_factory.mktemp("prefix")
    with open(ROOT / "build" / "install.lock", "w") as lock:  # what one worker makes, the next has
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "install", f"PREFIX={folder}"], cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture
def machine(run, relay, prefix, place, tmp_path):
    return Machine(run, relay, prefix, tmp_path, place)


def seen(requests, *fields):
    """What each request says: a text for one field, a tuple for several."""
    names = [f"X-{field}-Id" for field in fields]
    rows = [tuple(request.value(name) for name in names) for request in requests]
    return [row[0] for row in rows] if len(fields) == 1 else rows


def settings(text):
    """The Environment= of a systemd unit, as systemd.exec(5) has it: words, perhaps in quotes."""
    words = [word for line in re.findall(r"^Environment=(.*)$", text, re.M) for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)
