# SPDX-License-Identifier: MIT
"""Real relays: what they do with a request shows that they have read what was added to it."""

import json
import subprocess

import pytest

import portkey
from commands import BODY, CHAT, curl, post
from conftest import ROOT, need
from access_log import AccessLog
from tags import CONTEXT


@pytest.fixture(scope="module")
def gateway():
    need("node")
    if not portkey.SERVER.is_file():
        pytest.skip("@portkey-ai/gateway is not installed: scripts/install-npm gateways")
    with portkey.Portkey() as gateway:
        yield gateway


def test_portkey_routes_by_our_metadata(run, shim, relay, other_relay, gateway):
    """Unmodified curl, and the gateway's own condition on metadata: the project decides which upstream
    gets the request."""
    targets = {"a": relay.url, "b": other_relay.url}
    config = portkey.conditional(targets, "project", "billing", "a", "b")
    command = post(gateway.url + CHAT, "-H", f"x-portkey-config: {config}",
                   "-H", "Content-Type: application/json")
    env = {"TAGALONG_PRESET": "portkey", "TAGALONG_TASK_ID": "T-42"}

    def upstream(shim=shim, **variables):
        done = run(command, env=env | variables, shim=shim)
        assert json.loads(done.stdout)["object"] == "chat.completion"
        return {name for name in ("relay", "other") if done.traffic[name]}

    assert upstream(TAGALONG_PROJECT_ID="billing") == {"relay"}
    assert upstream(TAGALONG_PROJECT_ID="search") == {"other"}
    assert upstream(TAGALONG_PROJECT_ID="billing", shim=None) == {"other"}


@pytest.fixture
def nginx(relay):
    with AccessLog(relay.port) as log:
        yield log


def test_cost_attribution_from_an_access_log(run, relay, nginx):
    """The plainest relay: nginx writes what it got, and a script adds it up by task, by project and by
    conversation."""
    sent = [("T-1", "billing", "c-1", 3), ("T-1", "billing", "c-2", 1), ("T-2", "search", "c-3", 2)]
    for task, project, conversation, times in sent:
        env = {
            "TAGALONG_TASK_ID": task,
            "TAGALONG_PROJECT_ID": project,
            "TAGALONG_CONVERSATION_ID": conversation,
        }
        for _ in range(times):
            assert run(post(nginx.url + CHAT), env=env).rc == 0
    run(curl(nginx.url + "/v1/models"), env=CONTEXT)

    def by(field):
        done = subprocess.run(
            [ROOT / "scripts" / "attribution", "--json", "--by", field, nginx.path],
            capture_output=True, text=True, check=True,
        )
        return {row[field]: (row["requests"], row["bytes_in"]) for row in json.loads(done.stdout)}

    tasks, projects, conversations = by("task"), by("project"), by("conversation")
    assert {key: count for key, (count, _) in tasks.items()} == {"T-1": 4, "T-2": 2, "-": 1}
    assert {key: count for key, (count, _) in projects.items()} == {"billing": 4, "search": 2, "-": 1}
    assert {key: count for key, (count, _) in conversations.items()} == {"c-1": 3, "c-2": 1, "c-3": 2, "-": 1}
    # No byte is lost: the sums over tasks are those of the log.
    assert sum(bytes_in for _, bytes_in in tasks.values()) == sum(
        int(row["request_length"]) for row in nginx.rows()
    )


@pytest.mark.parametrize(
    "log, place",
    [("{\n", ":1: "), ('{"time":"x"}\n[]\n', ":2: "), ('{"request_length":"many"}\n', ":1: ")],
)
def test_a_log_that_is_none(tmp_path, log, place):
    path = tmp_path / "access.log"
    path.write_text(log)
    done = subprocess.run([ROOT / "scripts" / "attribution", path], capture_output=True, text=True)
    assert done.returncode == 1 and place in done.stderr and not done.stdout


# OpenCode Go's rule: 400 MissingSessionID without a session header. The launcher is all it takes.


def launched(run, command, relay, **variables):
    launcher = [ROOT / "build" / "tagalong", "run", "--no-service", "--preset", "opencode",
                "--conversation", "c-7", "--relay", "http://127.0.0.1:*", "--", *command]
    return run(launcher, shim=None, env=variables)


def test_opencode_go_and_curl(run, relay):
    url = relay.url + "/switch/require-session/zen/go" + CHAT
    command = curl(url, "-d", BODY, "-o", "/dev/null", "-w", "%{http_code}")
    assert run(command, shim=None, env={}).stdout == b"400"
    done = launched(run, command, relay)
    assert (done.rc, done.stdout) == (0, b"200")
    assert done.requests[0].value("x-opencode-session") == "c-7"


def test_opencode_go_and_emacs(run, relay):
    need("emacs", emacs=["plz"])
    program = ROOT / "tests" / "clients" / "programs" / "plz_once.el"
    command = ["emacs", "-q", "--no-site-file", "--batch", "-l", str(program)]
    env = {"CHAT_URL": relay.url + "/switch/require-session/zen/go" + CHAT}
    before = run(command, shim=None, env=env)
    assert before.stdout == b"status 400\n", before
    after = launched(run, command, relay, **env)
    assert after.stdout == b"status 200\n", after
    assert after.requests[0].value("x-opencode-session") == "c-7"
