# SPDX-License-Identifier: MIT
"""What clients send that names their conversation, over the wire: each row of docs/conversation.md, which
`make pages` writes from shim/core/signals.def."""

import json
import re

import pytest

from conftest import ROOT

CHAT = "/v1/chat/completions"
PAGE = (ROOT / "docs" / "conversation.md").read_text()
ROWS = [(field, where, name) for field, where, name in
        re.findall(r"^\| `(conversation_id|session_id)` \| (header|body) \| `([^`]+)` \|", PAGE, re.M)]
WORDS = {"messages": [{"role": "user", "content": "hi"}]}
CLAUDE = "user_0a_account_1b_session_"


def body_of(pointer, value):
    """The least body that has the value there."""
    value = CLAUDE + value if pointer == "/metadata/user_id" else value
    for name in reversed(pointer[1:].split("/")):
        value = {name: value}
    return WORDS | value


@pytest.fixture
def ids(run, relay, tmp_path):
    """ids(headers, body): the ids that the relay gets for them by two placeholders."""
    config = tmp_path / "config.json"

    def ids(headers=(), body=WORDS, conversation="derive", **variables):
        config.write_text(json.dumps({"relays": [{
            "match": [relay.url], "preset": "w3c", "conversation": conversation,
            "headers": {"X-C": "{conversation_id}", "X-S": "{session_id}"}}]}))
        options = [part for header in headers for part in ("-H", header)]
        command = ["curl", "-s", relay.url + CHAT, *options, "-d", json.dumps(body)]
        (request,) = run(command, env={"TAGALONG_CONFIG": str(config)} | variables).requests
        return request.value("X-C"), request.value("X-S")

    return ids


def test_the_page_has_all_rows():
    assert len(ROWS) == len(set(ROWS)) >= 30


@pytest.mark.parametrize("field, where, name", ROWS)
def test_each_row(ids, field, where, name):
    value = "0192f0a1-7d3c-7b52-9c00-5a1c0ffee001"
    found = ids([f"{name}: {value}"]) if where == "header" else ids(body=body_of(name, value))
    assert found[field == "session_id"] == value


def test_exact_before_vague(ids):
    headers = [name for field, where, name in ROWS if field == "conversation_id" and where == "header"]
    lines = [f"{name}: {name}" for name in headers]
    body = body_of("/prompt_cache_key", "cache")
    while lines:
        assert ids(reversed(lines), body)[0] == lines[0].split(":")[0]
        lines = lines[1:] if len(lines) < 4 else lines[len(lines) // 2:]
    assert ids((), body)[0] == "cache"
    assert ids((), body | {"conversation": {"id": "conv_1"}})[0] == "conv_1"


def test_what_is_nearer_wins(ids):
    headers = ["X-Session-Id: s-1"]
    assert ids(headers, TAGALONG_CONVERSATION_ID="C-7") == ("C-7", None)
    assert ids(headers, CODEX_THREAD_ID="codex")[0] == "codex"
    assert ids(["session-id: s-1"], TAGALONG_SESSION_ID="S-7") == ("s-1", "S-7")


@pytest.mark.parametrize("value", ["a b", "", "gr\u00fc\u00df", "x" * 256, "a\tb"])
def test_unfit_values_are_passed_over(ids, value):
    derived = ids()[0]
    assert derived[14] == "8"
    assert ids([f"x-opencode-session: {value}", "session-id: fit"])[0] == "fit"
    assert ids([f"x-opencode-session: {value}"])[0] == derived
    assert ids(body=body_of("/conversation", value))[0] == derived


def test_bodies_are_read_only_where_an_id_is_made(ids):
    body = body_of("/prompt_cache_key", "cache")
    assert ids(body=body, conversation="none") == (None, None)
    assert ids(["session-id: s-1"], body, conversation="none") == ("s-1", "s-1")


def test_header_placeholder(run, relay, tmp_path):
    """One vendor's id under another's name; never a credential's value."""
    config = tmp_path / "config.json"

    def write(**headers):
        config.write_text(json.dumps({"relays": [{"match": [relay.url], "preset": "w3c", "headers": headers}]}))

    write(**{"X-Mine": "{header:x-vendor-thread|'none'}", "X-Agent": "{header:User-Agent}"})
    command = ["curl", "-s", relay.url + CHAT, "-d", "{}"]
    env = {"TAGALONG_CONFIG": str(config)}
    (request,) = run([*command, "-H", "X-Vendor-Thread:  t 1 "], env=env).requests
    assert (request.value("X-Mine"), request.value("X-Agent")) == ("t 1", None)
    (request,) = run([*command, "-H", "X-Vendor-Thread;"], env=env).requests
    assert request.value("X-Mine") == "none"
    write(**{"X-Mine": "{header:Authorization}"})
    checked = run([ROOT / "build" / "tagalong", "config", "check"], env=env, shim=None)
    assert checked.rc == 1 and b"unknown placeholder" in checked.stderr
