# SPDX-License-Identifier: MIT
"""A request is judged by where it goes, not by a text: each host is run with the shim and without it."""

import json
import socket
import sys
from pathlib import Path

import pytest

import grants

sys.path.insert(0, str(Path(__file__).parent))

from hosts import host  # noqa: E402
from relay import Relay  # noqa: E402
from standin import standin  # noqa: E402
from tags import CONTEXT, GENERIC, LIBCURL, PLAIN, without  # noqa: E402

CHAT = "/v1/chat/completions"
# What the relay and the other server are to get, request by request.
REPORTED = GENERIC if LIBCURL >= (8, 11, 1) else PLAIN
# Before 7.87 the second round of an authentication goes to the URL beside the handle: to another server, that is.
AUTH = {
    "handle, auth": ([GENERIC, GENERIC], []),
    "handle, auth, multi": ([REPORTED, REPORTED], []),
    "handle, auth, elsewhere": ([], [PLAIN, PLAIN]),
} if LIBCURL >= (7, 87) else {
    "handle, auth": ([GENERIC], [PLAIN]),
    "handle, auth, multi": ([PLAIN], [PLAIN]),
    "handle, auth, elsewhere": ([PLAIN], [PLAIN]),
}
MODES = {
    "port of another": ([], [PLAIN]),
    "port of the relay": ([GENERIC], []),
    "port, and none in the URL": ([GENERIC], []),
    "port, copy": ([GENERIC], []),
    "port, reset": ([GENERIC], []),
    "port, redirect": ([GENERIC], [PLAIN]),
    "port, relative redirect": ([GENERIC, GENERIC], []),
    "port to the relay": ([], [PLAIN]),
    "url to the relay": ([GENERIC], [PLAIN]),
    "url from the relay": ([PLAIN], []),
    "handle": ([GENERIC], []),
    # In a multi the client may edit the handle after adding it; only libcurl knows what it read, and tells it
    # where no URL was set before. Libcurl 8.14 always tells it.
    "handle, multi": ([REPORTED], []),
    "handle, edited, multi": ([], [PLAIN]),
    "handle, edited to the relay, multi": ([REPORTED], []),
    "handle alone, multi": ([GENERIC], []),
    "handle alone, edited, multi": ([], [PLAIN]),
    "handle alone, edited to the relay, multi": ([GENERIC], []),
    "handle alone, twice, multi": ([GENERIC], [PLAIN]),
    "handle, elsewhere": ([], [PLAIN]),
    "handle, elsewhere, multi": ([], [PLAIN]),
    **AUTH,
    "handle, redirect": ([GENERIC], [PLAIN]),
    "handle freed": ([GENERIC], []),
    "handle freed, multi": ([REPORTED], []),
    "handle changed to the relay": ([], [PLAIN]),
    "handle changed from the relay": ([GENERIC], []),
    "another handle": ([PLAIN], []),
    "added, then the relay": ([GENERIC], []),
    "added, then elsewhere": ([], [PLAIN]),
    "added, then GET": ([PLAIN], []),
    "added, then another port": ([], [PLAIN]),
    "added, then a redirect": ([GENERIC], [PLAIN]),
    "target": ([GENERIC], []),
    "target in place of a chat": ([PLAIN], []),
    "target, whole URL": ([PLAIN], []),
    # CURLFOLLOW_OBEYCODE and _FIRSTONLY of 8.16. An older libcurl sends the same verb on each hop; the
    # lines are where 8.16 sends a POST.
    "follow, 303": ([GENERIC, PLAIN], []),
    "follow, 308": ([GENERIC, GENERIC], []),
    "follow first, 308": ([GENERIC, GENERIC], []),
    "follow first, 308, no body": ([GENERIC, PLAIN], []),
    "follow first, 308, PUT": ([PLAIN, GENERIC], []),
    "underscore": ([without(GENERIC, "X-Task-Id")], []),
}


@pytest.fixture
def target(neutral, relay, other_relay):
    def target(mode, expect, **env):
        command = [host("target"), mode, relay.url, other_relay.url]
        expect = {"relay": expect[0], "other": expect[1]}
        normalise = [(rb'(cnonce|response)="[^"]+"', rb"\1=RANDOM")]
        env = CONTEXT | {"TAGALONG_RELAYS": relay.url} | env
        return neutral(command, expect, env=env, own=["X_task-ID"], normalise=normalise)

    return target


@pytest.mark.parametrize("mode", MODES)
def test_where_it_goes(target, mode):
    target(mode, MODES[mode])


# Before 7.80 the decision is made when the transfer starts, or when an option changes.
OLD = {
    "port of another": ([], [PLAIN]),
    "port of the relay": ([GENERIC], []),
    "url to the relay": ([GENERIC], [PLAIN]),
    "added, then the relay": ([GENERIC], []),
    "added, then elsewhere": ([], [PLAIN]),
    "added, then GET": ([PLAIN], []),
    "added, then another port": ([], [PLAIN]),
    "added, then a redirect": ([PLAIN], [PLAIN]),
    "target in place of a chat": ([PLAIN], []),
    "handle": ([PLAIN], []),  # of such an age, it goes on to the URL beside the handle where it has to authenticate
    "handle changed to the relay": ([], [PLAIN]),
}


@pytest.mark.parametrize("mode", OLD)
def test_before_7_80(target, mode):
    target(mode, OLD[mode], **standin("old"))


def own_address():
    """Of this machine, and not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip(f"{grants.REFUSED}: an address that is not loopback")
        return probe.getsockname()[0]


@pytest.mark.parametrize("way", ["proxy", "name", "another relay"])
def test_a_loopback_name_that_leads_elsewhere(run, shim, way):
    """Without a relay that was named: a proxy on another address, or a resolver that answers for localhost."""
    address = own_address()
    with Relay(host=address) as elsewhere:
        base = f"http://localhost:{elsewhere.port}" if way != "another relay" else elsewhere.url
        lead = ["--connect-to", f"::{address}:{elsewhere.port}"] if way == "name" else []
        env = CONTEXT | ({"http_proxy": elsewhere.url, "no_proxy": ""} if way == "proxy" else {})
        seen = []
        for preload in (None, shim):
            elsewhere.reset()
            assert run(["curl", "-s", "-d", "{}", *lead, base + CHAT], shim=preload, env=env).rc == 0
            seen.append([request.head for request in elsewhere.requests])
        assert len(seen[0]) == 1 and seen[0] == seen[1]
        # The same is tagged where it is named.
        elsewhere.reset()
        run(["curl", "-s", "-d", "{}", *lead, base + CHAT], env=env | {"TAGALONG_RELAYS": base})
        assert [request.value("X-Task-Id") for request in elsewhere.requests] == ["T-42"]


def test_a_referer_of_the_clients(target, tmp_path, relay):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"relays": [{"match": [relay.url], "headers": {"Referer": "{task_id}"}}]}))
    config.chmod(0o600)
    ours = {"Referer": "T-42"} | GENERIC
    target("referer", ([GENERIC, ours], []), TAGALONG_CONFIG=str(config))
