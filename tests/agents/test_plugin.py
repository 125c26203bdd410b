# SPDX-License-Identifier: MIT
"""The plugin of Kilo and opencode without them: what it asks, and that it waits for nobody. The real
ones are in test_kilo.py and test_opencode.py."""

import json
import subprocess

import pytest

import fakes
from conftest import HERE, ROOT, clean_environment, need

PROGRAM = HERE / "agents/programs/plugin.mjs"
URL = "http://127.0.0.1:9/v1/"


def seen(plugin, home, url=URL, **env):
    need("node")
    done = subprocess.run(
        ["node", PROGRAM, plugin, url],
        capture_output=True,
        env=clean_environment(home) | {"TAGALONG_SOCKET": "/nosuch/context.sock"} | env,
        cwd=home,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


OWN = {"x-other-plugin": "1"}
ENV = {"TRACEPARENT": "the plugin's before us"}


@pytest.mark.parametrize("how", fakes.BROKEN)
def test_a_broken_helper_costs_nothing(tmp_path, how):
    """One deadline, then the helper is left alone for a second."""
    plugin = fakes.installation(tmp_path, "kilo/tagalong.js", fakes.BROKEN[how])
    answers = seen(plugin.rename(plugin.with_suffix(".mjs")), tmp_path)
    assert [answer["headers"] for answer in answers] == [OWN] * 6
    assert [answer["env"] for answer in answers] == [ENV] * 6
    assert max(answer["ms"] for answer in answers) < 2000
    assert sum(answer["ms"] > 100 for answer in answers) <= 1


def test_what_it_asks(tmp_path):
    """The user's and other plugins' values stay; a terminal of the user's, a provider without an
    address, and calls of another shape get nothing."""
    plugin = fakes.installation(tmp_path, "kilo/tagalong.js", f'#!/bin/sh\nexec {ROOT}/build/tagalong "$@"\n')
    first, second, command, *others = seen(plugin.rename(plugin.with_suffix(".mjs")), tmp_path)
    tags = {"X-Conversation-Id": "ses_1", "X-Parent-Task-Id": "ses_0"}
    for answer in first, second:
        ids = {name: answer["headers"].pop(name) for name in ("X-Request-Id", "traceparent")}
        assert answer["headers"] == OWN | tags
        assert ids["traceparent"].split("-")[1] == first.setdefault("trace", ids["traceparent"].split("-")[1])
    fields = {"TASK_ID": "ses_1", "PARENT_TASK_ID": "ses_0", "CONVERSATION_ID": "ses_1", "MODE": "build"}
    fields |= {"APP": "opencode", "APP_VERSION": "9"}
    assert command["env"] == ENV | {f"TAGALONG_{name}": value for name, value in fields.items()}
    for answer in others:
        assert (answer["headers"], answer["env"]) == (OWN, ENV)


# A backslash is a slash to the agent and a part of the user's name to libcurl.
BASES = {
    "http://127.0.0.1:9\\@relay.example/v1": False,
    "http://relay.example:80\\@127.0.0.1:9/v1": True,
    "http://user@relay.example/v1": False,
    "HTTP:\\\\relay.example/v1/": True,
}


@pytest.mark.parametrize("base", BASES)
def test_an_address_that_is_read_in_two_ways(tmp_path, base):
    plugin = fakes.installation(tmp_path, "kilo/tagalong.js", f'#!/bin/sh\nexec {ROOT}/build/tagalong "$@"\n')
    plugin = plugin.rename(plugin.with_suffix(".mjs"))
    answers = seen(plugin, tmp_path, base, TAGALONG_RELAYS="http://relay.example")
    assert ("X-Conversation-Id" in answers[0]["headers"]) == BASES[base]


def test_the_users_word_goes_first(tmp_path):
    """A task that was named with tagalong run, or in the environment; and with it no parent."""
    plugin = fakes.installation(tmp_path, "kilo/tagalong.js", f'#!/bin/sh\nexec {ROOT}/build/tagalong "$@"\n')
    plugin = plugin.rename(plugin.with_suffix(".mjs"))
    answers = seen(plugin, tmp_path, TAGALONG_TASK_ID="T-42", TAGALONG_MODE="review", TAGALONG_PRESET="kilo")
    assert answers[0]["headers"]["X-KILOCODE-TASKID"] == "T-42"
    assert answers[0]["headers"]["X-KILOCODE-MODE"] == "review"
    assert "X-KILOCODE-PARENT-TASKID" not in answers[0]["headers"]
    assert "TAGALONG_TASK_ID" not in answers[2]["env"], "it is in the environment already"
    assert answers[2]["env"]["TAGALONG_CONVERSATION_ID"] == "ses_1"


def test_off(tmp_path):
    need("node")
    plugin = fakes.installation(tmp_path, "kilo/tagalong.js", "#!/bin/sh\ntouch started\nexec sleep 60\n")
    plugin = plugin.rename(plugin.with_suffix(".mjs"))
    program = f"import('{plugin}').then((m) => m.Tagalong({{ directory: '/' }})).then((hooks) => console.log(hooks))"
    done = subprocess.run(
        ["node", "-e", program],
        capture_output=True,
        env=clean_environment(tmp_path) | {"TAGALONG_OFF": "1"},
        cwd=tmp_path,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (b"{}\n", b"")
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("configured, wanted", [
    ("billing", "billing"),
    ("git@example.com:acme/pay.git", "pay"),
    ("https://example.com/acme/pay.git/", "pay"),
    (7, None),
    ("  ", None),
])
def test_the_project_is_kilos(tmp_path, configured, wanted):
    folder = tmp_path / ".kilo"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"project": {"id": configured}}))
    plugin = fakes.installation(tmp_path, "kilo/tagalong.js", f'#!/bin/sh\nexec {ROOT}/build/tagalong "$@"\n')
    answers = seen(plugin.rename(plugin.with_suffix(".mjs")), tmp_path, KILO="1")
    assert answers[0]["headers"].get("X-Project-Id") == wanted
