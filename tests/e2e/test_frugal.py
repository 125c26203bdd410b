# SPDX-License-Identifier: MIT
"""Hosts with little to live on: a small stack, descriptors that are closed behind our back. With
nothing else to do, with debug lines, and with a context service to ask."""

import sys

import pytest

from commands import CHAT
from conftest import ROOT
from tags import CONTEXT, GENERIC
from test_bindings import FOLDER
from test_bindings import OWN as BINDING_OWN
from test_handles import LIST, OWN, PUPPET, chat
from test_threads import FIXTURES

sys.path.append(str(ROOT / "tests" / "service"))
from serving import Service  # noqa: E402

# In its place among the preset's lines.
ORGANIZATION = {"X-Organization-Id": "from the service"}
SERVED = dict([*list(GENERIC.items())[:4], *ORGANIZATION.items(), *list(GENERIC.items())[4:]])


@pytest.fixture(params=["alone", "debug to stderr", "debug to a file", "service", "service, debug to a file"])
def host(request, neutral, tmp_path):
    """host(command, count): that many requests, each with all lines."""
    env, tags, service = dict(CONTEXT), GENERIC, None
    log = tmp_path / "debug.log"
    if "stderr" in request.param:
        env["TAGALONG_DEBUG"] = "stderr"
    if "file" in request.param:
        env["TAGALONG_DEBUG"] = str(log)
    if "service" in request.param:
        service = Service().start()
        service.run("context", "set", "--scope", "default", "organization_id=from the service")
        env["TAGALONG_SOCKET"], tags = str(service.socket), SERVED
        env["TAGALONG_TIMEOUT_MS"] = "10000"  # a busy machine is not what is tested

    def host(command, count, own, stdin=b""):
        quiet = [] if "stderr" not in request.param else [(rb"(?m)^tagalong\[\d+\]: .*\n", b"")]
        result = neutral(command, [tags] * count, env=env, stdin=stdin, own=own, normalise=quiet)
        assert result.rc == 0
        assert ("file" in request.param) == log.exists()
        return result

    yield host
    if service:
        service.release()


def test_small_stack(host, relay):
    # 64 KiB, of which libcurl takes most.
    host([str(FIXTURES / "threads"), "stack", relay.url + CHAT], 1, ["Authorization", "X-Turn"])


@pytest.mark.parametrize("closed", ["0", "2", "0 2", "0 1 2"])
def test_starts_with_descriptors_closed(host, relay, closed):
    redirections = " ".join(f"{descriptor}>&-" for descriptor in closed.split())
    script = f'exec "$0" linked "$1" {redirections}'
    host(["sh", "-c", script, str(FOLDER / "host-linked"), relay.url + CHAT], 3, BINDING_OWN)


def test_closes_all_above_2(host, relay):
    # Between transfers: what the shim would have kept open is gone, or somebody else's.
    script = chat("a") + "perform a\ncleanup a\nclosefds\n" + LIST + chat("b") + "headers b l\nperform b\n"
    script += "cleanup b\nclosefds\n" + chat("c") + "perform c"
    host(PUPPET, 3, OWN, script.replace("{chat}", relay.url + CHAT).encode())


def test_no_descriptor_is_left_open(host, relay):
    # The numbers that a host gets for its own are the same after a tagged request.
    command = [str(FIXTURES / "threads"), "descriptors", relay.url + CHAT]
    assert b"next 3, open 4" in host(command, 1, ["Authorization", "X-Turn"]).stdout
