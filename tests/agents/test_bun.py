# SPDX-License-Identifier: MIT
"""Programs that Bun compiled before 1.4.6, which has no channel: fetch is wrapped there, and makes the hops
of a redirect itself. It is held against Bun's own, byte for byte."""

import subprocess

import pytest

from conftest import HERE
from harness import TAGALONG, compare_agents, need, place  # noqa: F401
from proxy import Proxy, own_address
from relay import Relay
from tags import CONTEXT, GENERIC, PLAIN, without

BUN = "compiled/node_modules/@oven/bun-linux-x64/bin/bun"
CLINE = "compiled/node_modules/@cline/cli-linux-x64/bin/cline"
PROGRAM = HERE / "agents" / "programs" / "bun.js"
MINE = without(GENERIC, "X-Task-Id")
# What each way is to get, at the relay and at the other server; the names are those of programs/bun.js.
WAYS = [
    *[("relay", GENERIC)] * 4,  # string, lower, url, bytes
    ("relay", MINE),
    *[("relay", GENERIC)] * 7,  # pairs, two requests, stream, three at once
    *[("relay", GENERIC)] * 4,  # same, same request
    *[("relay", GENERIC), ("relay", PLAIN)],  # found: a GET
    *[("relay", GENERIC)] * 2,  # manual, error
    *[("relay", GENERIC), ("other", PLAIN)] * 5,
    *[("relay", GENERIC), ("other", PLAIN), ("relay", GENERIC)],  # back
    *[("relay", GENERIC)] * 2,  # 429, aborted
    *[("relay", PLAIN)] * 4,  # models, put, get, pull
    ("other", PLAIN),  # unnamed
]


@pytest.fixture(scope="module")
def bun(tmp_path_factory):
    need(BUN)
    with Relay(delay_ms=1) as relay, Relay(delay_ms=1) as other:
        relay.other, other.other = other.url, relay.url
        with place(tmp_path_factory, "bun", relay, CONTEXT, lambda: relay.requests) as bun:
            bun.other = other
            yield bun


@pytest.fixture(scope="module")
def compiled(bun):
    program = bun.home / "program"
    subprocess.run([need(BUN), "build", "--compile", PROGRAM, "--outfile", program], check=True, capture_output=True)
    return program


def run(bun, command, **env):
    bun.other.reset()
    result = bun.run([*command, bun.model.url, bun.other.url], **env)
    bun.other.settle()
    result.traffic["other"] = bun.other.requests
    return result


def both(bun, command, ways, **env):
    bare = run(bun, command, **env)
    tagged = run(bun, [TAGALONG, "run", "--no-service", "--relay", bun.model.url, "--", *command], **env)
    compare_agents(bare, tagged, [tags for server, tags in ways if server == "relay"])
    heads = [request.head for request in tagged.traffic["other"]]
    assert heads == [request.head for request in bare.traffic["other"]]
    assert len(heads) == len([server for server, _ in ways if server == "other"])
    return tagged


@pytest.mark.parametrize("how", ["bun run", "compiled"])
def test_every_way_of_sending(bun, compiled, how):
    command = [str(compiled)] if how == "compiled" else [need(BUN), "run", str(PROGRAM)]
    result = both(bun, command, WAYS)
    assert (result.rc, result.stderr) == (0, b"") and b"\nunix 200 " in result.stdout
    spans = [r.value("traceparent") for r in result.requests if r.value("traceparent")]
    assert len(set(spans)) == len(spans) and len({span.split("-")[1] for span in spans}) == 1


def test_an_endless_redirect(bun, compiled):
    """After 20 hops Bun goes on alone, without our lines, and says itself that there are too many."""
    bare, tagged = [run(bun, [*launcher, str(compiled)], ONE="endless")
                    for launcher in ([], [TAGALONG, "run", "--no-service", "--"])]
    assert tagged.stdout == bare.stdout == b"endless TooManyRedirects\n"
    tags = [request.value("X-Task-Id") for request in tagged.requests]
    assert tags == ["T-42"] * 20 + [None] * len(bare.requests)


@pytest.mark.parametrize("where", ["loopback", "elsewhere"])
def test_a_proxy(bun, compiled, where):
    """The loopback of a proxy that is elsewhere is not ours. Bun asks the proxy for loopback, too."""
    address = own_address() if where == "elsewhere" else "127.0.0.1"
    if not address:
        pytest.skip("this machine has no address but loopback")
    with Proxy(host=address) as proxy:
        for name in "http_proxy", "HTTP_PROXY":
            result = run(bun, [TAGALONG, "run", "--no-service", "--", str(compiled)], ONE="string", **{name: proxy.url})
            assert result.stdout.startswith(b"string 200"), result
            assert [r.value("X-Task-Id") for r in result.requests] == ["T-42" if where == "loopback" else None]
        assert len(proxy.requests) == 2


def test_over_tls(bun, compiled, front, servers):
    relay = servers["relay"]
    relay.reset()
    command = [TAGALONG, "run", "--no-service", "--relay", front.url, "--", str(compiled), front.url, front.url]
    result = bun.run(command, ONE="string", NODE_EXTRA_CA_CERTS=front.ca)
    assert result.stdout.startswith(b"string 200"), result
    assert [request.value("X-Task-Id") for request in relay.requests] == ["T-42"]


def test_left_out(bun, compiled):
    plain = [(server, PLAIN) for server, _ in WAYS]
    both(bun, [str(compiled)], plain, TAGALONG_HOOKS="libcurl, node")


NOISE = [(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", b"UUID"), (rb"Content-Length: \d+", b"LENGTH"), (rb"\d{9,}\w*", b"ID")]


def test_cline(tmp_path_factory):
    """Its hub goes on running, with the environment of whoever started it; one session needs none."""
    program = need(CLINE)
    with Relay(delay_ms=1) as relay:
        chats = lambda: [r for r in relay.requests if r.method == "POST"]  # noqa: E731
        with place(tmp_path_factory, "cline", relay, CONTEXT, chats) as cline:
            cline.run([program, "auth", "-p", "openai-compatible", "-k", "sk-test", "-m", "m", "-b", relay.url + "/v1"])
            launcher = [TAGALONG, "run", "--no-service", "--"]
            bare = cline.run([program, "say hi"], CLINE_SESSION_BACKEND_MODE="local")
            tagged = cline.run([*launcher, program, "say hi"], CLINE_SESSION_BACKEND_MODE="local")
            cline.run([program, "say hi"])  # starts the hub
            by_hub = cline.run([*launcher, program, "say hi"])
            cline.run([program, "hub", "stop"])
    assert tagged.rc == 0 and b"through the test relay" in tagged.stdout
    compare_agents(bare, tagged, [GENERIC], NOISE)
    assert [r.value("X-Task-Id") for r in by_hub.requests] == [None]
