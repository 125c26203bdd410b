# SPDX-License-Identifier: MIT
"""Every way of sending, alone and in random sequences: with the hook a program sends, prints and is
answered the same, but for our lines."""

import json
import os
import random
import re

import pytest

from conftest import need
from hosts import HOOKS, PROGRAMS, PYTHON, TAGALONG, Hosts
from proxy import Proxy, own_address
from tags import CONTEXT, GENERIC, PLAIN, without

CHAT = "/v1/chat/completions"
MINE = without(GENERIC, "X-Task-Id")
CLIENTS = ["http.client", "urllib", "urllib3", "requests", "httpx", "httpx-async", "aiohttp"]
FOLLOW = {"urllib3", "requests", "httpx", "httpx-async", "aiohttp"}  # a 307 for a POST
SEQUENCES = int(os.environ.get("TAGALONG_SEQUENCES", "100"))

# What is sent: the step, and for each request that it makes, where it arrives and what it has to get.
KINDS = {
    "post": ({}, [("relay", GENERIC)]),
    "own": ({"headers": {"X-Task-ID": "mine"}}, [("relay", MINE)]),
    "messages": ({"path": "/v1/messages?beta=true"}, [("relay", GENERIC)]),
    "get": ({"method": "GET"}, [("relay", PLAIN)]),
    "put": ({"method": "PUT"}, [("relay", PLAIN)]),
    "path": ({"path": "/v1/files"}, [("relay", PLAIN)]),
    "chunked": ({"chunked": True}, [("relay", GENERIC)]),
    "pieces": ({"pieces": True}, [("relay", GENERIC)]),
    "kept": ({"kept": True}, [("relay", GENERIC)]),
    "unnamed": ({"host": "other"}, [("other", PLAIN)]),
    "same": ({"path": "/switch/redirect-307-same" + CHAT}, [("relay", GENERIC), ("relay", GENERIC)]),
    "away": ({"path": "/switch/redirect-307-other" + CHAT}, [("relay", GENERIC), ("other", PLAIN)]),
    "back": (
        {"path": "/switch/redirect-307-other/switch/redirect-307-other" + CHAT},
        [("relay", GENERIC), ("other", PLAIN), ("relay", GENERIC)],
    ),
    "error": ({"path": "/switch/status-429" + CHAT}, [("relay", GENERIC)]),
}
NOT_FOR = {("chunked", "urllib3"), ("chunked", "http.client"), ("chunked", "urllib")}


@pytest.fixture
def hosts(servers, tmp_path):
    return Hosts(servers, tmp_path)


def steps_of(hosts, client, kind):
    """The line for the program, and [(server, lines)]."""
    step, wanted = KINDS[kind]
    host = hosts.servers[step.get("host", "relay")].url
    line = {"method": "POST", "headers": {}, **step, "client": client, "url": host + step.get("path", CHAT)}
    if len(wanted) > 1 and client not in FOLLOW:
        wanted = wanted[:1]
    return json.dumps(line) + "\n", wanted


def play(hosts, plan, **how):
    stdin, expect = "", {"relay": [], "other": []}
    for client, kind in plan:
        line, wanted = steps_of(hosts, client, kind)
        stdin += line
        for server, tags in wanted:
            expect[server].append(tags)
    return hosts.both([PYTHON, PROGRAMS / "ways.py"], expect["relay"], expect["other"], stdin, **how)


def fitting(client):
    return [kind for kind in KINDS if (kind, client) not in NOT_FOR]


@pytest.mark.parametrize("client", CLIENTS)
def test_each_kind(hosts, client):
    result = play(hosts, [(client, kind) for kind in fitting(client)])
    assert result.rc == 0 and result.stderr == b""
    spans = [request.value("traceparent") for request in result.requests if request.value("traceparent")]
    assert len(set(spans)) == len(spans) and len({span.split("-")[1] for span in spans}) == 1


def sequence(seed):
    dice = random.Random(seed)
    clients = [dice.choice(CLIENTS) for _ in range(dice.randint(1, 6))]
    return [(client, dice.choice(fitting(client))) for client in clients]


@pytest.mark.parametrize("batch", range(SEQUENCES // 10))
def test_random_sequences(hosts, batch):
    """Ten in one process; one that fails is looked for alone."""
    seeds = range(batch * 10, batch * 10 + 10)
    try:
        play(hosts, [step for seed in seeds for step in sequence(seed)])
    except AssertionError:
        for seed in seeds:
            print("seed", seed, sequence(seed))
            play(hosts, sequence(seed))
        raise


@pytest.mark.parametrize("client", CLIENTS)
def test_ids_from_the_body(hosts, tmp_path, client):
    config = tmp_path / "config.json"
    rule = {"match": [hosts.relay.url], "conversation": "derive", "headers": {"X-Role": "{body:/messages/0/role}"}}
    config.write_text(json.dumps({"relays": [rule]}))
    line, _ = steps_of(hosts, client, "post")
    expect = {**GENERIC, "X-Role": "user", "X-Conversation-Id": re.compile(".+"), "X-Session-Id": re.compile(".+")}
    env = {"TAGALONG_CONFIG": str(config), "TAGALONG_CONVERSATION_ID": ""}
    result = hosts.both([PYTHON, PROGRAMS / "ways.py"], [expect], stdin=line, options=["--no-service"], **env)
    assert result.requests[0].value("X-Conversation-Id") != "C-7"


@pytest.mark.parametrize("client", ["urllib", "requests", "httpx", "aiohttp"])
def test_a_proxy(hosts, servers, client):
    """It is told the whole URL, and the decision is about the target. (aiohttp reads no variables here.)"""
    line, _ = steps_of(hosts, client, "post")
    result = hosts.both([PYTHON, PROGRAMS / "ways.py"], [GENERIC], stdin=line, http_proxy=servers["proxy"].url)
    assert result.rc == 0
    assert bool(result.traffic["proxy"]) == (client != "aiohttp")


ELSEWHERE = """
import sys, httpx, requests, urllib.request
url = sys.argv[1] + "/v1/messages"
print(urllib.request.urlopen(url, b"{}").read(), requests.post(url, json={}).text, httpx.post(url, json={}).text)
"""


def test_a_proxy_elsewhere(hosts):
    """Its loopback is another machine's: what is sent through it to a loopback name is left alone."""
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but loopback")
    with Proxy(host=address) as proxy:
        command = [TAGALONG, "run", "--no-service", "--", PYTHON, "-c", ELSEWHERE, hosts.relay.url]
        result = hosts.run(command, http_proxy=proxy.url)
        assert len(proxy.requests) == 3 and result.rc == 0, result.stderr
        assert [request.value("X-Task-Id") for request in result.requests] == [None] * 3


HTTP2 = """
import asyncio, sys, httpx
url, ca = sys.argv[1:]
with httpx.Client(http2=True, verify=ca) as client:
    for _ in range(3):
        answer = client.post(url + "/v1/messages", json={})
        print(answer.http_version, answer.text, sorted(answer.request.headers))
async def main():
    async with httpx.AsyncClient(http2=True, verify=ca) as client:
        answers = await asyncio.gather(*(client.post(url + "/v1/messages", json={}) for _ in range(3)))
        print([(answer.http_version, answer.text) for answer in answers])
asyncio.run(main())
"""


def test_http2(hosts, front):
    need(python=["h2", "httpx"])
    lower = {name.lower(): value for name, value in GENERIC.items()}
    options = ["--no-service", "--relay", front.url]
    result = hosts.both([PYTHON, "-c", HTTP2, front.url, front.ca], [lower] * 6, options=options)
    assert result.rc == 0 and result.stdout.count(b"HTTP/2") == 6
    assert {request.value("X-Front-Protocol") for request in result.requests} == {"HTTP/2.0"}


def test_library_alone(hosts):
    """The hook finds the library also where LD_PRELOAD is another program's."""
    line, _ = steps_of(hosts, "urllib", "post")
    result = hosts.run([PYTHON, PROGRAMS / "ways.py"], line, PYTHONPATH=str(HOOKS), **CONTEXT)
    assert result.requests[0].value("X-Task-Id") == "T-42" and result.stderr == b""
