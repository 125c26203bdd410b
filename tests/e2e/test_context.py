# SPDX-License-Identifier: MIT
"""Where values come from: own variables, those of other tools, the trace, the git repository."""

import re

import pytest

from commands import CHAT, post
from tags import COMPUTED, CONTEXT, GENERIC, parent_id, trace_id, without

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def continued(flags):
    return re.compile(f"00-{TRACE}-(?!{PARENT})[0-9a-f]{{16}}-{flags}")


@pytest.fixture
def command(relay):
    return post(relay.url + CHAT, "-H", "X-Own: 1")


def test_no_context_at_all(neutral, command):
    neutral(command, [COMPUTED], env={})


def test_every_field_of_the_generic_preset(neutral, command):
    env = {
        "TAGALONG_TASK_ID": "task",
        "TAGALONG_PARENT_TASK_ID": "parent",
        "TAGALONG_CONVERSATION_ID": "conversation",
        "TAGALONG_SESSION_ID": "session",
        "TAGALONG_PROJECT_ID": "project",
        "TAGALONG_ORGANIZATION_ID": "organization",
        "TAGALONG_USER_ID": "user",
        "TRACEPARENT": f"00-{TRACE}-{PARENT}-01",
        "TRACESTATE": "vendor=1",
    }
    expect = {
        "X-Task-Id": "task",
        "X-Parent-Task-Id": "parent",
        "X-Conversation-Id": "conversation",
        "X-Session-Id": "session",
        "X-Project-Id": "project",
        "X-Organization-Id": "organization",
        "X-User-Id": "user",
        "X-Request-Id": GENERIC["X-Request-Id"],
        "traceparent": continued("01"),
        "tracestate": "vendor=1",
    }
    neutral(command, [expect], env=env)


@pytest.mark.parametrize(
    "env, conversation",
    [
        ({"CLAUDE_CODE_SESSION_ID": "claude"}, "claude"),
        ({"CODEX_THREAD_ID": "codex"}, "codex"),
        ({"CODEX_THREAD_ID": "codex", "TAGALONG_CONVERSATION_ID": "own"}, "own"),
    ],
)
def test_adopted_variables(neutral, command, env, conversation):
    expect = {"X-Conversation-Id": conversation, "X-Session-Id": conversation, **COMPUTED}
    neutral(command, [expect], env=env)


@pytest.mark.parametrize(
    "env, session",
    [
        ({"TAGALONG_TASK_ID": "task"}, "task"),
        ({"TAGALONG_TASK_ID": "task", "TAGALONG_SESSION_ID": "session"}, "session"),
    ],
)
def test_session_id_falls_back(neutral, command, env, session):
    neutral(command, [{"X-Task-Id": "task", "X-Session-Id": session, **COMPUTED}], env=env)


@pytest.mark.parametrize("flags, sent", [("00", "00"), ("01", "01"), ("02", "02"), ("ff", "03")])
def test_a_trace_is_continued(neutral, relay, command, flags, sent):
    env = CONTEXT | {"TRACEPARENT": f"00-{TRACE}-{PARENT}-{flags}"}
    expect = GENERIC | {"traceparent": continued(sent)}
    result = neutral(command + [relay.url + CHAT], [expect, expect], env=env)
    assert len({parent_id(r) for r in result.requests}) == 2


@pytest.mark.parametrize(
    "traceparent",
    [
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-1",
        f" 00-{TRACE}-{PARENT}-01",
        "nonsense",
        "",
    ],
)
def test_an_invalid_trace_is_started_anew(neutral, command, traceparent):
    # and its tracestate goes (W3C Trace Context, section 3.3)
    env = CONTEXT | {"TRACEPARENT": traceparent, "TRACESTATE": "vendor=1"}
    result = neutral(command, [GENERIC], env=env)
    assert trace_id(result.requests[0]) != TRACE


def test_tracestate_alone_is_not_sent(neutral, command):
    neutral(command, [GENERIC], env=CONTEXT | {"TRACESTATE": "vendor=1"})


def test_a_bad_tracestate_leaves_the_trace(neutral, command):
    env = CONTEXT | {"TRACEPARENT": f"00-{TRACE}-{PARENT}-01", "TRACESTATE": "a=1\r\nX-Injected: 1"}
    neutral(command, [GENERIC | {"traceparent": continued("01")}], env=env)


@pytest.mark.parametrize(
    "origin, project",
    [
        ("https://github.com/Kilo-Org/kilocode.git", "kilocode"),
        ("git@github.com:Kilo-Org/kilocode.git", "kilocode"),
        ("https://user:secret@git.example/group/sub/name", "name"),
    ],
)
def test_project_from_git_origin(neutral, command, tmp_path, origin, project):
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(f'[remote "origin"]\n\turl = {origin}\n')
    env = without(CONTEXT, "TAGALONG_PROJECT_ID")
    neutral(command, [GENERIC | {"X-Project-Id": project}], env=env)
    neutral(command, [GENERIC], env=CONTEXT)  # the variable is nearer
