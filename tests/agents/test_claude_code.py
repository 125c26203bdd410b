# SPDX-License-Identifier: MIT
"""Claude Code, a program that Bun compiled, as it comes: by the hook, its session is the conversation."""

import re

import pytest

from harness import TAGALONG, compare_agents, need, place  # noqa: F401
from relay import Relay
from tags import GENERIC, PLAIN

PROGRAM = "compiled/node_modules/@anthropic-ai/claude-code-linux-x64/claude"
SESSION = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
# Its own ids, of this run.
NOISE = [(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", b"UUID"), (rb"cc_[a-z]+=[0-9a-f.]+;?", b"CC"), (rb"[0-9a-f]{64}", b"HASH"),
         (rb"Content-Length: \d+", b"LENGTH"), (rb"/tmp/[-\w/.]+", b"FOLDER"), (rb"Duration-\d+", b"D")]
TAGS = {name: value for name, value in GENERIC.items()} | {"X-Conversation-Id": SESSION, "X-Session-Id": SESSION}
OPTIONS = ["--no-service", "--task", "T-42", "--project", "billing"]


@pytest.fixture(scope="module")
def claude(tmp_path_factory):
    need(PROGRAM)
    env = {
        "ANTHROPIC_API_KEY": "sk-test",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    with Relay() as relay, Relay() as other:
        relay.other = other.url
        chats = lambda: [r for r in relay.requests if r.method == "POST"]  # noqa: E731
        with place(tmp_path_factory, "claude", relay, env, chats) as found:
            found.other = other
            yield found


def end_with_encoding(head):
    """Where a line is added Bun writes its own Accept-Encoding elsewhere: it is moved to the end."""
    start, *lines = head.split(b"\r\n")[:-2]
    lines.sort(key=lambda line: line.startswith(b"Accept-Encoding"))
    return b"\r\n".join([start, *lines, b"", b""])


def both(claude, url, expect, **env):
    command = [need(PROGRAM), "-p", "say hi"]
    bare = claude.run(command, ANTHROPIC_BASE_URL=url, **env)
    claude.other.reset()
    tagged = claude.run(
        [TAGALONG, "run", "--relay", claude.model.url, *OPTIONS, "--", *command], ANTHROPIC_BASE_URL=url, **env
    )
    assert tagged.rc == 0 and b"through the test relay" in tagged.stdout, tagged.stderr
    for result in bare, tagged:
        for request in result.requests:
            request.head = end_with_encoding(request.head)
    compare_agents(bare, tagged, expect, NOISE)
    return tagged


def test_its_session_is_the_conversation(claude):
    (request,) = both(claude, claude.model.url, [TAGS]).requests
    assert request.value("X-Conversation-Id") == request.value("X-Claude-Code-Session-Id")


def test_a_redirect_elsewhere_carries_nothing(claude):
    both(claude, claude.model.url + "/switch/redirect-307-other", [TAGS])
    (request,) = [request for request in claude.other.requests if request.method == "POST"]
    assert request.value("X-Claude-Code-Session-Id") and not request.value("X-Task-Id")


def test_left_out(claude):
    both(claude, claude.model.url, [PLAIN], TAGALONG_HOOKS="libcurl,node")
