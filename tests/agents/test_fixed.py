# SPDX-License-Identifier: MIT
"""Programs that no hook reaches: `tagalong run` fills the variable from which they take headers, with what
does not differ from request to request."""

import pytest

from harness import TAGALONG, need, place  # noqa: F401
from relay import Relay
from tags import GENERIC, without

COPILOT = "compiled/node_modules/@github/copilot-linux-x64/copilot"
CLAUDE = "compiled/node_modules/@anthropic-ai/claude-code-linux-x64/claude"
FIXED = without(GENERIC, "X-Request-Id", "traceparent")
OPTIONS = ["--no-service", "--task", "T-42", "--conversation", "C-7", "--project", "billing"]


@pytest.fixture(scope="module")
def at_start(tmp_path_factory):
    env = {
        "COPILOT_OFFLINE": "true",
        "COPILOT_PROVIDER_API_KEY": "sk-test",
        "COPILOT_MODEL": "m",
        "ANTHROPIC_API_KEY": "sk-test",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    with Relay() as relay:
        chats = lambda: [r for r in relay.requests if r.method == "POST"]  # noqa: E731
        env |= {"COPILOT_PROVIDER_BASE_URL": relay.url + "/v1", "ANTHROPIC_BASE_URL": relay.url}
        with place(tmp_path_factory, "fixed", relay, env, chats) as found:
            yield found


def sent(at_start, command, *options, **env):
    result = at_start.run([TAGALONG, "run", *OPTIONS, *options, "--", need(command), "-p", "say hi"], **env)
    assert result.rc == 0 and b"through the test relay" in result.stdout, result.stderr
    return [{name: r.value(name) for name in GENERIC if r.value(name)} for r in result.requests]


def test_copilot(at_start):
    got = sent(at_start, COPILOT)
    assert got and all(each == FIXED for each in got)


def test_copilot_at_a_relay_that_is_not_named(at_start):
    got = sent(at_start, COPILOT, "--relay", "https://relay.example.com")
    assert got and not any(got)


def test_copilot_with_headers_of_the_users_own(at_start):
    got = sent(at_start, COPILOT, COPILOT_PROVIDER_HEADERS="x-task-id: mine\nX-Other: 1")
    assert got and all(each == FIXED | {"X-Task-Id": "mine"} for each in got)


def test_claude_code_without_the_hook(at_start):
    got = sent(at_start, CLAUDE, TAGALONG_HOOKS="libcurl, env")
    assert got and all(each == FIXED for each in got)
    assert not any(sent(at_start, CLAUDE, TAGALONG_HOOKS="libcurl"))


@pytest.mark.parametrize("off", [{"TAGALONG_OFF": "1"}, {"TAGALONG_HOOKS": "libcurl,node"}], ids=str)
def test_left_out(at_start, off):
    assert not any(sent(at_start, COPILOT, **off))
